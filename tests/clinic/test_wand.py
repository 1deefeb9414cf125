"""The wand link against a live implant: what the pages are told of a pump, and what asking leaves in it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from openitb import catalogue, programmer, units
from openitb.clinic.desk import commands, readings, recent
from openitb.clinic.desk.cautions import cautions
from openitb.clinic.desk.ports import (
    AlarmState,
    LinkFailure,
    NoOutlook,
    OrderRefused,
    PumpReading,
    Review,
    link,
)
from openitb.implant import Contents, Home, PumpService, log_entries, new_implant, provision
from openitb.prescription import SimpleContinuous
from openitb.prescription.guardrails import PatientLimits
from openitb.programmer import Wand
from openitb.programmer.session import Sender
from openitb.protocol import AlarmCondition, LogKind

NOW_MS = 1_767_600_000_000
ORDER = {"mode": "simple continuous", "dose": "200 ug/day"}
SERIAL = "LIVE-1"


class Ward:
    """One implant, its service, a clock moved by hand, and the system that stands for it in the record."""

    def __init__(self, home: Home, system: Any) -> None:
        self.home, self.system, self.now_ms = home, system, NOW_MS
        self.service = PumpService(home, self.clock)

    def clock(self) -> int:
        return self.now_ms

    def program(self, ug_per_day: int) -> None:
        wand = Wand(self.home.address(), SERIAL, self.home.programmer_keys(SERIAL))
        sender = Sender("ward", self.clock)
        reading = programmer.interrogate(wand, sender)
        assert isinstance(reading, programmer.Reading)
        order = SimpleContinuous(ug_per_day * units.PG_PER_UG)
        made = programmer.review(reading, order, PatientLimits("spinal"), self.now_ms)
        assert isinstance(programmer.commit(wand, made, "first", sender), programmer.Applied)

    def read(self) -> PumpReading:
        reading = link().read_pump(self.system)
        assert isinstance(reading, PumpReading)
        return reading

    def reviewed(self, order: dict[str, str] = ORDER) -> Review:
        made = link().review(self.system, order, "")
        assert isinstance(made, Review), made.message if isinstance(made, OrderRefused) else made
        return made

    def interrogations(self) -> int:
        log = log_entries(self.service.implant(SERIAL))
        return sum(entry.kind is LogKind.INTERROGATED for entry in log)


@pytest.fixture
def ward(
    make: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[float], Ward]]:
    """A pump of 500 µg/mL that has run 200 µg/day (0.4 mL) for three days, begun with so many mL."""
    started: list[Ward] = []

    def begin(ml: float) -> Ward:
        home = Home(tmp_path / "implants")
        settings.CLINIC_IMPLANTS, settings.CLINIC_LINK = home.path, "openitb.clinic.desk.wand.WandLink"
        ward = Ward(home, make.system(serial=SERIAL))
        monkeypatch.setattr("openitb.clinic.desk.wand.clock_ms", ward.clock)
        contents = Contents(int(ml * units.NL_PER_ML), 500)
        provision(home, new_implant(SERIAL, catalogue.load().pump("synchromed-ii-20"), contents, NOW_MS))
        ward.service.start()
        started.append(ward)
        ward.program(200)
        ward.now_ms += 3 * units.MS_PER_DAY
        return ward

    yield begin
    for ward in started:
        ward.service.stop()


def test_an_order_to_an_empty_pump_is_reviewed_with_the_warning_that_it_delivers_nothing(ward) -> None:
    made = ward(2.2).reviewed()
    assert [(one.level, one.title) for one in made.cautions] == [
        ("critical", "The reservoir is empty by the pump's count")
    ]
    assert "delivers nothing until the reservoir is refilled" in made.cautions[0].text
    assert (made.new.undated, made.new.low_reservoir_at_ms, made.new.empty_at_ms) == ("empty", None, None)


def test_a_pump_that_is_low_says_so_and_when_it_will_be_empty(ward) -> None:
    made = ward(3.0).reviewed({"mode": "simple continuous", "dose": "100 ug/day"})
    assert [one.level for one in made.cautions] == ["warning"]
    assert made.new.undated == "low already"
    days_left = [(one.empty_at_ms - NOW_MS) / units.MS_PER_DAY for one in (made.old, made.new)]
    assert days_left == pytest.approx([3 + 0.4 / 0.4, 3 + 0.4 / 0.2], abs=0.01)


def test_a_pump_with_enough_left_is_reviewed_without_a_caution(ward) -> None:
    made = ward(18).reviewed()
    assert made.cautions == ()
    assert made.new.undated == ""
    assert made.new.refill_by


@pytest.mark.parametrize(("ml", "state"), [(18, "running"), (2.2, "running, but counts itself empty")])
def test_the_state_of_a_running_pump_says_if_it_counts_itself_empty(ward, ml, state) -> None:
    assert dict(ward(ml).read().extra)["State"].text == state


@pytest.mark.parametrize("page", ["program", "program-review"])
def test_the_programmer_warns_before_an_order_to_an_empty_pump(desk, ward, page) -> None:
    system = ward(2.2).system
    order = {"mode": "simple continuous", "dose": "210"}
    shown = desk.post(reverse(page, args=[system.patient.key]), order).content.decode()
    assert "delivers nothing until the reservoir is refilled" in shown.split('id="cautions"')[1]
    assert '<b class="undated">empty</b>' in shown


def test_an_empty_pump_stays_on_the_list_of_refills_that_are_due(ward) -> None:
    empty = ward(2.2)
    commands.remember_dates(empty.system, empty.read())
    assert str(empty.system.refill_by) == "2026-01-08"


def test_a_reading_of_an_empty_pump_is_kept_whole(ward) -> None:
    empty = ward(2.2)
    reading = empty.read()
    readings.keep(empty.system, reading)
    assert readings.last_kept(empty.system) == reading


def asked_ahead(desk: Any, ward: Ward) -> None:
    assert desk.get(reverse("patient-prediction", args=[ward.system.patient.key])).status_code == 200


def test_a_page_reads_the_pump_once_for_its_card_and_its_prediction(desk, ward) -> None:
    full = ward(18)
    before = full.interrogations()
    desk.get(reverse("patient-pump", args=[full.system.patient.key]))
    asked_ahead(desk, full)
    assert full.interrogations() == before + 1


def test_a_prediction_reads_the_pump_again_once_the_reading_is_old(desk, ward) -> None:
    full = ward(18)
    full.read()
    before = full.interrogations()
    full.now_ms += recent.FRESH_MS + 1
    asked_ahead(desk, full)
    assert full.interrogations() == before + 1


def test_a_reading_does_not_outlive_a_failure_to_reach_the_pump(ward) -> None:
    full = ward(18)
    full.read()
    full.service.stop()
    assert isinstance(link().read_pump(full.system), LinkFailure)
    answer = link().outlook(full.system, None)
    assert isinstance(answer, NoOutlook)
    assert "What runs has to be read first" in answer.reason


def test_the_programmer_always_reads_the_pump_itself(ward) -> None:
    full = ward(18)
    before = full.interrogations()
    full.read()
    full.reviewed()
    assert full.interrogations() == before + 2


@pytest.mark.parametrize("condition", AlarmCondition)
def test_every_alarm_of_the_pump_says_what_it_means_for_an_order(condition) -> None:
    code = condition.value.replace(" ", "-")
    (caution,) = cautions([AlarmState(code, "warning", condition.value, NOW_MS)])
    assert caution.title
    assert caution.text
