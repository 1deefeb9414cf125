"""The wand link against a live implant: what the pages are told of a pump, and what asking leaves in it."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from openitb import catalogue, programmer, units
from openitb.clinic.desk import commands, readings, recent
from openitb.clinic.desk.cautions import cautions
from openitb.clinic.desk.ports import (
    AlarmState,
    Commit,
    LinkFailure,
    NoOutlook,
    OrderRefused,
    PumpReading,
    Review,
    link,
)
from openitb.clinic.record.models import DoseRecord
from openitb.implant import Contents, Home, PumpService, log_entries, new_implant, provision
from openitb.prescription import SimpleContinuous
from openitb.prescription.guardrails import PatientLimits
from openitb.programmer import Wand
from openitb.programmer.session import Sender
from openitb.protocol import AlarmCondition, LogKind
from openitb.telemetry import Channel, NoAnswer

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


@pytest.mark.requirement("ALM-02", "ALM-07")
@pytest.mark.parametrize(("ml", "light"), [(18, ""), (3.0, "medium"), (2.2, "high")])
def test_the_card_is_lit_by_the_most_urgent_alarm_and_each_has_its_words(desk, ward, ml, light) -> None:
    system = ward(ml).system
    shown = desk.get(reverse("patient-pump", args=[system.patient.key])).content.decode()
    assert shown.count("alarm-light--") == (1 if light else 0)
    assert (f"alarm-light--{light}" in shown) is bool(light)
    said = {"high": "High priority: Your pump is empty.", "medium": "Medium priority: The medicine"}
    assert [priority for priority, words in said.items() if words in shown][:1] == ([light] if light else [])


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


ASKED = {"mode": "simple continuous", "dose": "210 ug/day"}
# Interrogate, read staged, read access; stage, read staged, commit; the reading again; confirm, read on.
REQUESTS = 13


def agreed(ward: Ward, order: dict[str, str] = ASKED, override: str = "") -> Commit:
    return Commit(order, ward.reviewed(order).digest, uuid4(), override, "dr-a", compared=True)


def lose(monkeypatch: pytest.MonkeyPatch, number: int, *, acted: bool, for_good: bool) -> None:
    """Lose the request of that number, or the reply to it, and if `for_good` everything after."""
    send, count = Channel.send, itertools.count()

    def losing(channel: Channel, request: bytes) -> bytes:
        now = next(count)
        if now < number or (now > number and not for_good):
            return send(channel, request)
        if now == number and acted:
            send(channel, request)
        raise NoAnswer("no answer came")

    monkeypatch.setattr(Channel, "send", losing)


def runs(ward: Ward, ug_per_day: int) -> bool:
    controller = ward.service.implant(SERIAL).firmware.controller
    return controller.program.daily_dose_pg == ug_per_day * units.PG_PER_UG


@pytest.mark.requirement("PRG-11", "TEL-06")
@pytest.mark.parametrize("for_good", [False, True])
@pytest.mark.parametrize("acted", [False, True], ids=["request lost", "reply lost"])
@pytest.mark.parametrize("number", range(REQUESTS))
def test_whatever_is_lost_of_a_commit_the_record_ends_with_what_the_pump_runs(
    ward, number, acted, for_good, monkeypatch
) -> None:
    full = ward(18)
    asked = agreed(full)
    with monkeypatch.context() as patch:
        lose(patch, number, acted=acted, for_good=for_good)
        outcome = link().commit(full.system, asked)
    if outcome.kind == "unknown":
        intended(full, asked)
        outcome = link().read_back(full.system, asked.command_id)
    assert outcome.kind == ("applied" if runs(full, 210) else "refused")
    assert runs(full, 210) or runs(full, 200)
    if outcome.kind == "applied":
        assert full.service.implant(SERIAL).firmware.link.unconfirmed == ""


def intended(ward: Ward, asked: Commit) -> None:
    """The intent as the desk writes it down before it sends."""
    digest = ward.reviewed(dict(asked.order)).new.digest
    DoseRecord.objects.create(
        at=timezone.now(),
        system=ward.system,
        command_id=asked.command_id,
        order=dict(asked.order),
        concentration_ug_per_ml=500,
        program_digest=digest,
        daily_dose_pg=1,
    )


@pytest.mark.requirement("DEL-13")
def test_a_stop_from_the_page_needs_a_reason_and_leaves_it_in_the_pump(ward) -> None:
    full = ward(18)
    stop = {"mode": "stopped"}
    assert full.reviewed(stop).outcome == "needs reason"
    assert link().commit(full.system, agreed(full, stop)).kind == "refused"
    assert link().commit(full.system, agreed(full, stop, "wound opened")).kind == "applied"
    stopped = [e for e in log_entries(full.service.implant(SERIAL)) if e.kind is LogKind.STOPPED]
    assert stopped[-1].get("reason") == "wound opened"


@pytest.mark.requirement("TEL-06", "PRG-15")
def test_the_card_says_that_a_commit_waits_to_be_confirmed_and_which_library_is_in_use(
    ward, monkeypatch
) -> None:
    full = ward(18)
    assert "Program" not in dict(full.read().extra)
    assert dict(full.read().extra)["Drug library"].text == "none in use"
    asked, number = agreed(full, override="the alarm is set at the refill"), 9  # the confirmation
    with monkeypatch.context() as patch:
        lose(patch, number, acted=False, for_good=True)
        assert link().commit(full.system, asked).kind == "unknown"
    assert dict(full.read().extra)["Program"].text == "committed, not yet confirmed by read-back"
