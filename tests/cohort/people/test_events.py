"""What befalls people: the published rates come back, and every fault can be laid on an implant."""

import numpy as np
import pytest

from openitb import catalogue
from openitb.cohort import CohortError
from openitb.cohort.people import Population, draw
from openitb.cohort.people.causes import per_person
from openitb.cohort.people.events import KINDS, Events, Hazards, befall, pocket_filled
from openitb.implant.faults import choose

COUNT, YEARS = 50_000, 43 / 12
PEOPLE = draw(Population(), np.arange(COUNT), seed=13)
NOBODY_LEAVES = Hazards(leaving=0.0)
EVENTS = befall(PEOPLE, YEARS, 1, NOBODY_LEAVES)


def per_year(events: Events, years: float = YEARS) -> float:
    return len(events) / (COUNT * years)


@pytest.mark.parametrize(("kind", "yearly"), [("catheter fault", 0.02), ("pump fault", 0.01)])
def test_the_published_rates_come_back(kind: str, yearly: float) -> None:
    expected = COUNT * YEARS * yearly
    assert abs(len(EVENTS.of(kind)) - expected) < 4 * np.sqrt(expected)


def test_side_effects_come_at_their_rate_and_the_ends_of_the_range_can_be_asked_for() -> None:
    for factor in (1.0, 2.76):
        drug = befall(PEOPLE, YEARS, 1, Hazards(leaving=0.0, drug=factor)).of("drug side effect")
        assert per_year(drug) == pytest.approx(0.05 * factor, rel=0.06)


def test_an_old_catheter_breaks_more_often() -> None:
    old = befall(PEOPLE, YEARS, 1, Hazards(leaving=0.0, silicone=True)).of("catheter fault")
    assert per_year(old) == pytest.approx(0.05, rel=0.06)


def test_half_of_catheter_faults_come_in_the_first_year_and_a_quarter_in_the_first_month() -> None:
    at = EVENTS.of("catheter fault").at_years
    for years, share in ((1 / 12, 0.25), (1.0, 0.5)):
        assert abs((at < years).mean() - share) < 4 * np.sqrt(share * (1 - share) / len(at))


def test_operations_bring_infections_and_leaks_at_their_rate() -> None:
    quiet = Hazards(leaving=0.0, catheter=0.0, pump=0.0, drug=0.0)
    after = befall(PEOPLE, YEARS, 1, quiet)
    for kind, share in (("infection", 0.07), ("csf leak", 0.05)):
        assert abs(len(after.of(kind)) / COUNT - share) < 4 * np.sqrt(share * (1 - share) / COUNT)
    assert after.of("csf leak").at_years.max() <= 1 / 12


def test_a_replacement_is_an_operation_too() -> None:
    quiet = Hazards(leaving=0.0, catheter=0.0, pump=0.0, drug=0.0, infection=0.0)
    leaks = befall(PEOPLE, 10.0, 1, quiet).of("csf leak")
    second = leaks.at_years >= 6.5
    assert second.mean() == pytest.approx(0.5, abs=0.04)


def test_kinds_of_catheter_fault_come_in_the_published_proportion() -> None:
    faults = EVENTS.of("catheter fault").fault
    for name, share in (("C-04", 5 / 9), ("C-02", 2 / 9), ("C-03", 1 / 9), ("C-01", 1 / 9)):
        seen = (faults == name).mean()
        assert abs(seen - share) < 4 * np.sqrt(share * (1 - share) / len(faults)), name


def test_every_device_fault_can_be_laid_on_an_implant() -> None:
    for kind in ("catheter fault", "pump fault"):
        for fault in set(EVENTS.of(kind).fault.tolist()):
            assert choose(fault, {}).entry.entry_id == fault
    assert not set(EVENTS.of("infection").fault.tolist()) - {""}


def test_people_leave_at_the_rate_of_the_registry_and_nothing_befalls_them_after() -> None:
    decade = befall(PEOPLE, 10.0, 2)
    leaves = decade.of("leaves")
    child = PEOPLE.cause == 4
    for some, staying in ((child, 0.763), (~child, 0.872)):
        left = np.isin(np.flatnonzero(some), leaves.row).mean()
        assert abs(left - (1 - staying)) < 4 * np.sqrt(staying * (1 - staying) / some.sum())
    gone = np.full(COUNT, np.inf)
    gone[leaves.row] = leaves.at_years
    assert (decade.at_years <= gone[decade.row]).all()
    assert np.unique(per_person(PEOPLE.cause, "leaves_therapy")).tolist() == [1.37, 2.71]


def test_overdoses_come_only_when_asked_for_and_have_a_size() -> None:
    assert not len(EVENTS.of("overdose"))
    many = befall(PEOPLE, YEARS, 1, Hazards(overdose=15.0)).of("overdose")
    assert per_year(many) == pytest.approx(0.15, rel=0.1)  # treated years only
    assert many.daily_doses.min() >= 2
    assert many.daily_doses.max() <= 25


def test_nothing_befalls_anybody_when_every_hazard_is_off() -> None:
    off = Hazards(0, 0, 0, 0, 0, 0, 0)
    assert len(befall(PEOPLE, 20.0, 1, off)) == 0


def test_what_befalls_a_person_does_not_depend_on_the_others() -> None:
    rows = np.array([40_000, 17, 3])
    some = befall(PEOPLE.take(rows), YEARS, 1, NOBODY_LEAVES)
    for row, one in enumerate(rows.tolist()):
        alone, among = some.where(some.row == row), EVENTS.where(EVENTS.row == one)
        assert alone.at_years.tolist() == among.at_years.tolist()
        assert alone.fault.tolist() == among.fault.tolist()
        assert alone.kind.tolist() == among.kind.tolist()


def test_a_longer_time_changes_nothing_that_came_before() -> None:
    longer = befall(PEOPLE, YEARS * 2, 1, NOBODY_LEAVES)
    early = longer.where(longer.at_years < YEARS)
    np.testing.assert_array_equal(early.row, EVENTS.row)
    np.testing.assert_array_equal(early.at_years, EVENTS.at_years)


def test_refills_go_beside_the_reservoir_once_in_ten_thousand() -> None:
    ids = np.arange(400_000)
    expected = len(ids) * 1e-4
    assert abs(pocket_filled(ids, 1, refill=3).sum() - expected) < 4 * np.sqrt(expected)


def test_impossible_times_and_hazards_are_refused() -> None:
    with pytest.raises(CohortError, match=r"^years: got 0, expected above 0$"):
        befall(PEOPLE, 0, 1)
    with pytest.raises(CohortError, match=r"^hazards.pump: got -1, expected at least 0$"):
        Hazards(pump=-1)


def test_every_kind_is_named_and_every_hazard_has_ends_about_its_value() -> None:
    assert len(set(KINDS)) == len(KINDS)
    for name, entry in catalogue.load().practice.items():
        if name.startswith("hazard-") and "yearly" in entry.facts:
            low, mid, high = (entry.fact(f"yearly{end}").number() for end in ("_low", "", "_high"))
            assert low <= mid <= high, name
