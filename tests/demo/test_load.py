"""The demo clinic in a database and a home folder."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import transaction

from openitb import catalogue, units
from openitb.clinic.demo.cast import Cast
from openitb.clinic.demo.load import DemoError, Folders, Loaded, load
from openitb.clinic.desk.readings import from_snapshot
from openitb.clinic.record.models import (
    Alarm,
    Complaint,
    DoseRecord,
    Encounter,
    Interrogation,
    Patient,
    RefillRecord,
    Score,
    Source,
    Stage,
    System,
    TrialBolus,
)
from openitb.clinic.record.queries import active_system, open_alarms, running_dose
from openitb.implant import Home, advance, believed_volume_nl, program_digest
from openitb.prescription.orders import parse_order
from openitb.world.case import load as load_case

ROWS = (
    Patient,
    System,
    Score,
    TrialBolus,
    DoseRecord,
    RefillRecord,
    Interrogation,
    Encounter,
    Complaint,
    Alarm,
)


@dataclass(frozen=True)
class Clinic:
    folders: Folders
    home: Home
    loaded: Loaded


@pytest.fixture(scope="module")
def clinic(
    django_db_setup: None, django_db_blocker: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clinic]:
    """The whole demo clinic, loaded once and taken back at the end of the module."""
    now_ms = round(datetime(2026, 2, 18, 8, 37, 12, tzinfo=UTC).timestamp() * 1000)
    place = tmp_path_factory.mktemp("home")
    folders = Folders(place / "implants", place / "cases")
    with django_db_blocker.unblock(), transaction.atomic():  # type: ignore[attr-defined]
        yield Clinic(folders, Home(folders.implants), load(folders, now_ms))
        transaction.set_rollback(True)


def small(cast: Cast, *numbers: str) -> Cast:
    return cast.model_copy(update={"person": tuple(p for p in cast.person if p.number in numbers)})


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "implants", tmp_path / "cases")


def living() -> list[System]:
    return list(System.objects.filter(explanted_on__isnull=True).select_related("patient"))


@pytest.mark.slow
def test_everybody_of_the_cast_is_in_the_record_and_marked_synthetic(clinic: Clinic, cast: Cast) -> None:
    assert clinic.loaded == Loaded(len(cast.person), 0)
    assert Patient.objects.count() == len(cast.person)
    assert not Patient.objects.filter(is_synthetic=False).exists()
    assert set(Patient.objects.values_list("stage", flat=True)) == set(Stage.values)
    for sourced in (Score, TrialBolus, DoseRecord, RefillRecord, Encounter, Complaint):
        assert sourced.objects.exists()
        assert not sourced.objects.exclude(source=Source.SIMULATED).exists()


@pytest.mark.slow
def test_people_are_as_old_as_the_cast_says(clinic: Clinic, cast: Cast) -> None:
    ages = {p.number: p.age_years(date(2026, 2, 18)) for p in Patient.objects.all()}
    assert ages == {person.number: person.age_years for person in cast.person}


@pytest.mark.slow
def test_every_living_system_has_its_implant_and_no_other_is_there(clinic: Clinic) -> None:
    assert clinic.home.serials() == tuple(sorted(system.serial for system in living()))
    for system in living():
        assert system.link_address == f"wand://{system.serial}"
        assert clinic.home.load(system.serial).build.pump_id == system.pump_id
    assert not System.objects.get(patient__stage=Stage.EXPLANTED).is_virtual


@pytest.mark.slow
def test_implants_stand_exactly_at_now_and_live_on(clinic: Clinic, now_ms: int) -> None:
    at_ms = now_ms - now_ms % units.MS_PER_S
    for system in living():
        implant = clinic.home.load(system.serial)
        assert implant.now_ms == at_ms
        assert advance(implant, at_ms + units.MS_PER_H).implant.now_ms == at_ms + units.MS_PER_H


@pytest.mark.slow
def test_the_last_order_of_the_record_is_the_program_of_the_implant(clinic: Clinic) -> None:
    for system in living():
        dose, implant = running_dose(system), clinic.home.load(system.serial)
        assert dose
        assert dose.program_digest == program_digest(implant)
        assert dose.daily_dose_pg == implant.firmware.controller.program.daily_dose_pg
        assert parse_order(dose.order) == implant.firmware.controller.program.order
        assert dose.concentration_ug_per_ml == implant.firmware.controller.program.concentration_ug_per_ml


@pytest.mark.slow
def test_the_reservoir_is_what_the_record_alone_lets_expect(clinic: Clinic, now_ms: int) -> None:
    """Dose over strength from the last fill on, worked out from the rows; no simulator in between."""
    checked = 0
    for system in living():
        refill = system.refills.first()
        since = refill.at if refill else None
        last = list(system.doses.filter(at__gte=since).order_by("at")) if since else []
        before = system.doses.filter(at__lt=since).order_by("-at").first() if since else None
        changed = refill and refill.old_concentration_ug_per_ml != refill.new_concentration_ug_per_ml
        if refill is None or before is None or changed or any("dose" not in d.order for d in (before, *last)):
            continue
        pump = catalogue.load().pump(system.pump_id)
        level = Fraction(pump.residual_volume_nl + refill.injected_nl)
        edges = [refill.at, *(dose.at for dose in last), datetime.fromtimestamp(now_ms // 1000, UTC)]
        for dose, start, end in zip((before, *last), edges, edges[1:], strict=False):
            days = Fraction((end - start) // timedelta(milliseconds=1), units.MS_PER_DAY)
            level -= Fraction(dose.daily_dose_pg, dose.concentration_ug_per_ml) * days
        implant = clinic.home.load(system.serial)
        used = pump.residual_volume_nl + refill.injected_nl - level
        if level < pump.low_reservoir_alarm_nl:
            continue  # near empty the pump's own count ends elsewhere
        assert abs(believed_volume_nl(implant) - level) < 2_000, system.serial
        assert abs(implant.reservoir.volume_nl - level) <= used * Fraction(18, 100) + 2_000, system.serial
        checked += 1
    assert checked >= 10


@pytest.mark.slow
def test_refill_dates_of_the_list_are_those_the_stories_were_placed_by(clinic: Clinic) -> None:
    due = {s.patient.number: s.refill_by for s in living()}
    today = date(2026, 2, 18)
    for number, in_days in {"SYN-022": 6, "SYN-024": 9, "SYN-023": -7, "SYN-027": -11}.items():
        by = due[number]
        assert by
        assert abs((by - today).days - in_days) <= 1
    others = [s.refill_by for s in living() if s.patient.stage in {Stage.MAINTENANCE, Stage.TITRATION}]
    assert all(by and by >= today for by in others)


@pytest.mark.slow
def test_scores_are_levels_of_their_scale_and_everybody_has_a_baseline(clinic: Clinic) -> None:
    codes = {name: {level.code for level in scale.levels} for name, scale in catalogue.load().scales.items()}
    assert all(score.code in codes[score.scale_id] for score in Score.objects.all())
    with_baseline = set(Score.objects.filter(is_baseline=True).values_list("patient__number", flat=True))
    assert with_baseline == set(Patient.objects.values_list("number", flat=True))


@pytest.mark.slow
def test_kept_readings_read_back_and_reservoirs_only_fall_between_refills(clinic: Clinic) -> None:
    for system in living():
        readings = list(system.interrogations.order_by("at"))
        refills = [refill.at for refill in system.refills.all()]
        assert from_snapshot(readings[-1].snapshot).serial == system.serial
        for earlier, later in pairwise(readings):
            if not any(earlier.at <= at < later.at for at in refills):
                assert later.reservoir_nl <= earlier.reservoir_nl


@pytest.mark.slow
def test_alarms_stand_where_somebody_has_to_act(clinic: Clinic) -> None:
    standing = {(a.system.patient.number, a.code) for a in open_alarms().select_related("system__patient")}
    assert standing == {
        ("SYN-023", "low-reservoir"),
        ("SYN-027", "low-reservoir"),
        ("SYN-027", "empty-reservoir"),
        ("SYN-029", "elective-replacement"),
    }


@pytest.mark.slow
def test_case_files_read_as_cases_that_end_where_the_record_does(clinic: Clinic, now_ms: int) -> None:
    for system in living():
        found = load_case(clinic.folders.therapy_case(system.patient.number))
        assert found.until_ms == now_ms - now_ms % units.MS_PER_S
        assert found.system
        assert found.system.pump.entry_id == system.pump_id


@pytest.mark.slow
def test_every_encounter_says_something_and_next_steps_name_dates_not_placeholders(clinic: Clinic) -> None:
    assert all(text and "{" not in text for text in Encounter.objects.values_list("text", flat=True))
    assert all(step and "{" not in step for step in Patient.objects.values_list("next_step", flat=True))
    assert not Patient.objects.filter(next_step__contains="None").exists()


@pytest.mark.django_db
def test_a_second_load_leaves_what_is_there(cast: Cast, folders: Folders, now_ms: int) -> None:
    few = small(cast, "SYN-001", "SYN-006", "SYN-008")
    assert load(folders, now_ms, cast=few) == Loaded(3, 0)
    state = (folders.implants / "pumps" / "DEMO-10008.cbor").read_bytes()
    counts = [model.objects.count() for model in ROWS]
    assert load(folders, now_ms + units.MS_PER_DAY, cast=few) == Loaded(0, 3)
    assert [model.objects.count() for model in ROWS] == counts
    assert (folders.implants / "pumps" / "DEMO-10008.cbor").read_bytes() == state


@pytest.mark.django_db
def test_who_is_missing_is_added_beside_who_is_there(cast: Cast, folders: Folders, now_ms: int) -> None:
    load(folders, now_ms, cast=small(cast, "SYN-001"))
    assert load(folders, now_ms, cast=small(cast, "SYN-001", "SYN-006")) == Loaded(1, 1)


@pytest.mark.django_db
def test_a_record_of_real_people_is_not_touched_unless_asked_to(
    cast: Cast, folders: Folders, now_ms: int
) -> None:
    Patient.objects.create(
        number="R-1", given_name="Ada", family_name="Real", birth_date=date(1980, 1, 1), cause="stroke",
        origin="cerebral", stage=Stage.EVALUATION,
    )  # fmt: skip
    few = small(cast, "SYN-001")
    with pytest.raises(DemoError, match="holds 1 patient not marked synthetic"):
        load(folders, now_ms, cast=few)
    assert Patient.objects.count() == 1
    assert not folders.cases.exists()
    assert load(folders, now_ms, cast=few, among_real=True) == Loaded(1, 0)


@pytest.mark.django_db
def test_a_load_that_breaks_off_leaves_no_row(
    cast: Cast, folders: Folders, now_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_home: Home, _implant: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Home, "add", full)
    few = small(cast, "SYN-001", "SYN-008")
    with pytest.raises(OSError, match="no space"):
        load(folders, now_ms, cast=few)
    assert not Patient.objects.exists()
    monkeypatch.undo()
    assert load(folders, now_ms, cast=few) == Loaded(2, 0)


@pytest.mark.django_db
def test_an_implant_left_by_a_broken_off_load_is_replaced(cast: Cast, folders: Folders, now_ms: int) -> None:
    few = small(cast, "SYN-008")
    with transaction.atomic():
        load(folders, now_ms - units.MS_PER_DAY, cast=few)
        transaction.set_rollback(True)
    assert load(folders, now_ms, cast=few) == Loaded(1, 0)
    system = active_system(Patient.objects.get(number="SYN-008"))
    assert system
    assert Home(folders.implants).load(system.serial).now_ms == now_ms


@pytest.mark.slow
def test_the_verb_loads_once_and_then_leaves_everything(tmp_path: Path, cast: Cast) -> None:
    def run() -> "subprocess.CompletedProcess[str]":
        environment = {
            **os.environ,
            "OPENITB_HOME": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path}/db",
        }
        command = [sys.executable, "-m", "openitb", "demo"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    first, second = run(), run()
    assert first.stdout == f"{len(cast.person)} synthetic people added, 0 were there already\n", first.stderr
    assert second.stdout == f"0 synthetic people added, {len(cast.person)} were there already\n"
    assert (first.returncode, second.returncode) == (0, 0)
