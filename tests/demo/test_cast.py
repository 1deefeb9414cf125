"""The people of the demo clinic."""

from importlib.resources import files

import pytest

from openitb.clinic.demo import cast as casting
from openitb.clinic.demo.cast import Cast, CastError
from openitb.clinic.record.models import Cause, EncounterKind, Sex, Stage

SHIPPED = files("openitb.clinic.demo").joinpath("cast.toml").read_text(encoding="utf-8")


def test_everybody_differs_in_number_serial_name_and_seed(cast: Cast) -> None:
    serials = [person.pump.serial for person in cast.person if person.pump]
    for named in (
        [person.number for person in cast.person],
        [person.family_name for person in cast.person],
        [person.seed for person in cast.person],
        serials,
    ):
        assert len(named) == len(set(named))


def test_at_least_26_people_stand_in_every_stage_of_the_therapy(cast: Cast) -> None:
    assert len(cast.person) >= 26
    assert {person.stage for person in cast.person} == set(Stage.values)


def test_people_are_as_different_as_a_clinic_s(cast: Cast) -> None:
    ages = [person.age_years for person in cast.person]
    assert (min(ages), max(ages)) == (5, 74)
    assert {person.cause for person in cast.person} == set(Cause.values) - {Cause.OTHER}
    assert {person.origin for person in cast.person} == {"spinal", "cerebral"}
    assert {person.sex for person in cast.person} <= set(Sex.values)
    pumps = {person.pump.model for person in cast.person if person.pump}
    assert pumps == {"synchromed-ii-20", "synchromed-ii-40", "prometra-ii-20", "prometra-ii-40"}


def test_contacts_are_of_kinds_that_the_record_knows(cast: Cast) -> None:
    kinds = {told.kind for person in cast.person for told in person.contact}
    assert kinds <= set(EncounterKind.values)


@pytest.mark.parametrize(
    ("written", "instead", "place"),
    [
        ('round_at = "14:00"', 'round_at = "25:00"', "house.round_at"),
        ('round_at = "14:00"', 'round_at = "noon"', "house.round_at"),
        ("age_years = 5\n", "age_years = -5\n", "person.0.age_years"),
        ('sex = "female"', 'gender = "female"', "person.0"),
        ("pace = 0.4", "pace = 1.4", "titration.0.pace"),
    ],
)
def test_a_cast_that_is_wrong_is_refused_in_one_line_that_names_the_place(
    written: str, instead: str, place: str
) -> None:
    with pytest.raises(CastError) as refused:
        casting.read(SHIPPED.replace(written, instead, 1))
    assert place in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_cast_cut_short_is_refused() -> None:
    with pytest.raises(CastError, match="not readable as TOML"):
        casting.read(SHIPPED[: SHIPPED.index("stage =")] + "stage = ")
