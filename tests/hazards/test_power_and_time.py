"""Hazards of cell, clock, tones and tasks, each with the part that stands against it and without it."""

from dataclasses import replace

import pytest

from openitb.implant import Specimen, SpellKind, believed_volume_nl, latched_alarms, log_entries
from openitb.implant.firmware.alarms import Signal
from openitb.implant.radio import audible_alarms
from openitb.implant.sounds import Hearing, first_heard_ms, soundings, tone_charge_percent
from openitb.prescription import Flex, FlexPattern, FlexStep, MinimumRate
from openitb.protocol import (
    AlarmCondition,
    EnablePatientBolus,
    Interrogate,
    RequestPatientBolus,
    Role,
    SetClock,
    SilenceAlarm,
)
from tests.hazards.parts import (
    DAY,
    HOUR,
    MINUTE,
    PER_DAY_NL,
    UG,
    both,
    lay,
    never_told,
    silently_without_drug,
    treated,
)
from tests.implant.conftest import START_MS, Bench

WARNING_MS = 90 * DAY
SERVICE_LIFE_MS = round(84 * 30.4375 * DAY)


def notice_ms(pump: Bench, ends_ms: int) -> int:
    """How long before delivery ends the pump said that it will."""
    said = (e for e in log_entries(pump.implant) if e.get("condition") == "elective replacement")
    return max(0, ends_ms - next((entry.tick_ms for entry in said), ends_ms))


@pytest.mark.hazard("INC-04", "HAZ-09")
@pytest.mark.hazard("INC-04", without="the service life as the last date")
@pytest.mark.hazard("HAZ-09", without="the service life as the last date")
def test_a_date_to_replace_the_pump_by_that_is_reckoned_too_late() -> None:
    def warned_ms() -> int:
        pump = Bench()
        pump.order(MinimumRate())
        lay(pump, SpellKind.SPENT, SERVICE_LIFE_MS)  # what the maker promises is when the cell does end
        pump.run_to(SERVICE_LIFE_MS + DAY)
        return notice_ms(pump, SERVICE_LIFE_MS)

    late = {"openitb.implant.firmware.watch.replacement_due_ms": lambda *_: 100 * SERVICE_LIFE_MS}
    held, loose = both(warned_ms, late)
    assert held >= WARNING_MS
    assert loose == 0


@pytest.mark.hazard("HAZ-09", "INC-06")
@pytest.mark.hazard("HAZ-09", without="judging how the cell looks")
@pytest.mark.hazard("INC-06", without="judging how the cell looks")
def test_a_film_on_the_cell_shortens_its_life() -> None:
    def warned_ms() -> int:
        pump = treated()
        lay(pump, SpellKind.WEAK, 10 * DAY)
        lay(pump, SpellKind.SPENT, 40 * DAY)
        pump.run_days(41)
        return notice_ms(pump, 40 * DAY)

    blind = {"openitb.implant.firmware.cell.Cell.at": lambda *_: 0}
    held, loose = both(warned_ms, blind)
    assert held >= 28 * DAY
    assert loose == 0


@pytest.mark.hazard("INC-06")
@pytest.mark.hazard("INC-06", without="the alarm at the end")
def test_an_end_of_service_that_nothing_announced() -> None:
    def unheard() -> bool:
        pump = treated()
        lay(pump, SpellKind.SPENT, DAY)
        pump.run_days(1)
        pump.run_days(2)
        return silently_without_drug(pump)

    off = never_told(AlarmCondition.END_OF_SERVICE, AlarmCondition.MOTOR_STALL)
    assert both(unheard, off) == (False, True)


@pytest.mark.hazard("INC-05")
@pytest.mark.hazard("INC-05", without="the alarm of a pump that drives nothing")
def test_noise_taken_for_a_programmer_while_an_alarm_sounds() -> None:
    def stays_away() -> bool:
        pump = treated()
        pump.implant = replace(pump.implant, firmware=_low(pump))
        lay(pump, SpellKind.CAPTURED, DAY, DAY + HOUR)
        pump.run_days(1)
        pump.run_days(1)
        if AlarmCondition.MOTOR_STALL in latched_alarms(pump.implant):
            pump.read()  # two tones every ten minutes: somebody comes and reads the pump
        pump.run_days(2)
        pump.run_days(1)
        return silently_without_drug(pump)

    assert both(stays_away, never_told(AlarmCondition.MOTOR_STALL)) == (False, True)


def _low(pump: Bench) -> object:
    """The firmware with its low-reservoir alarm sounding."""
    firmware = pump.implant.firmware
    return replace(firmware, reservoir=replace(firmware.reservoir, low_alarm_nl=20_000_000))


@pytest.mark.hazard("INC-14")
@pytest.mark.hazard("INC-14", without="a lock-out by elapsed time")
def test_the_clock_is_set_half_a_day_on_during_a_lock_out() -> None:
    def boluses() -> int:
        pump = treated()
        pump.tell(EnablePatientBolus("nurse", "allow", 10 * UG, 15 * MINUTE, 6 * HOUR, 4))
        pump.tell(RequestPatientBolus("patient", "first"), Role.PATIENT)
        pump.run(HOUR)
        pump.tell(SetClock("nurse", "clock", START_MS + 13 * HOUR, 0))
        pump.tell(RequestPatientBolus("patient", "second"), Role.PATIENT)
        return len(pump.implant.firmware.patient.begun_ms)

    by_clock = property(lambda wish: wish.firmware.at_ms - START_MS)
    assert both(boluses, {"openitb.implant.firmware.conditions.Wish.tick_ms": by_clock}) == (1, 2)


@pytest.mark.hazard("HAZ-14")
@pytest.mark.hazard("HAZ-14", without="the mean flow of a pump that lost its clock")
def test_a_clock_that_is_twelve_hours_wrong_gives_the_night_dose_by_day() -> None:
    flex = Flex((FlexPattern(tuple(range(7)), (FlexStep(0, 16 * UG), FlexStep(12 * HOUR, 4 * UG))),))

    def by_day_ug() -> int:
        pump = Bench()
        pump.order(flex)
        pump.run_days(1)
        lay(pump, SpellKind.CLOCK_LOST, DAY)
        clock = pump.implant.firmware.clock  # what losing the time does to it
        lost = replace(clock, offset_ms=clock.offset_ms + 12 * HOUR)
        pump.implant = replace(pump.implant, firmware=replace(pump.implant.firmware, clock=lost))
        pump.run(12 * HOUR)
        before = pump.implant.hardware.delivered_pg
        pump.run(12 * HOUR)
        return (pump.implant.hardware.delivered_pg - before) // UG

    off = {
        f"openitb.implant.firmware.{room}.clock_is_lost": lambda _: False for room in ("watch", "authority")
    }
    held, loose = both(by_day_ug, off)
    assert held == 12 * 10
    assert loose == 12 * 16


@pytest.mark.hazard("HAZ-10")
@pytest.mark.hazard("HAZ-10", without="the interval between tones")
def test_an_alarm_that_nobody_ends_for_a_year() -> None:
    def spent_percent() -> float:
        pump = Bench()
        pump.run_days(365)
        return tone_charge_percent(soundings(log_entries(pump.implant), 365 * DAY))

    endless = {"openitb.implant.sounds.signal_of": lambda told: Signal(2, 3_000, 3_000) if told else None}
    held, loose = both(spent_percent, endless)
    assert held <= 1
    assert loose > 10


@pytest.mark.hazard("HAZ-13")
@pytest.mark.hazard("HAZ-13", without="the handheld")
def test_a_sounder_that_nobody_hears() -> None:
    def knows(has_handheld: bool) -> bool:
        pump = treated()
        lay(pump, SpellKind.STILL, 0)
        pump.run_days(2)
        deaf = Hearing(0.0, 0.0, 23, 7)
        heard = first_heard_ms(deaf, soundings(log_entries(pump.implant), 2 * DAY), 0, lambda: 0.5)
        shown = has_handheld and bool(pump.tell(Interrogate("patient"), Role.PATIENT).alarms)
        return heard is not None or shown

    assert knows(has_handheld=True)
    assert not knows(has_handheld=False)


@pytest.mark.hazard("HAZ-15")
@pytest.mark.hazard("HAZ-15", without="the watchdog")
def test_a_task_that_hangs_for_good() -> None:
    def given_nl() -> tuple[int, bool]:
        pump = treated()
        lay(pump, SpellKind.HUNG, HOUR)
        pump.run_days(2)
        return pump.delivered_nl(), silently_without_drug(pump, 2 * DAY)

    off = {
        "openitb.implant.firmware.watchdog.bitten": lambda firmware, _build: firmware,
        **never_told(AlarmCondition.CONTROL_HUNG),
    }
    (held_nl, held_silent), (loose_nl, loose_silent) = both(given_nl, off)
    assert held_nl > loose_nl + 40 * 250  # the drive is kept turning
    assert (held_silent, loose_silent) == (False, True)


@pytest.mark.hazard("HAZ-17")
@pytest.mark.hazard("HAZ-17", without="the bound of a silence")
def test_an_alarm_that_is_silenced_for_a_month_and_forgotten() -> None:
    def silent() -> bool:
        pump = Bench()
        pump.run_days(3)
        pump.tell(SilenceAlarm("nurse", "hush", 30 * DAY))
        pump.run_days(7)
        return not audible_alarms(pump.implant)

    endless = {"openitb.implant.firmware.emergency._longest_silence_ms": lambda _critical: 365 * DAY}
    assert both(silent, endless) == (False, True)


@pytest.mark.hazard("INC-18")
@pytest.mark.hazard("INC-18", without="the table of priorities")
def test_a_stall_at_night_that_sounds_like_a_low_reservoir() -> None:
    def heard_after_ms() -> int:
        pump = treated()
        lay(pump, SpellKind.STILL, 0)
        pump.run_days(2)
        draws = iter(range(1_000))
        told = first_heard_ms(
            Hearing(0.2, 0.2, 23, 7),
            soundings(log_entries(pump.implant), 2 * DAY),
            0,
            lambda: 0.0 if next(draws) % 5 == 4 else 1.0,  # every fifth tone
        )
        return 2 * DAY if told is None else told

    held, loose = both(heard_after_ms, {"openitb.implant.firmware.signals.CRITICAL": frozenset()})
    assert held <= 2 * HOUR
    assert loose >= 4 * HOUR


@pytest.mark.hazard("INC-08")
@pytest.mark.hazard("INC-08", without="comparing level and count")
def test_a_level_sensor_that_reads_too_much() -> None:
    def warned_ms() -> int:
        """How long before the pump is dry anything was said."""
        pump = treated(specimen=Specimen(gain_ppm=300_000, sensed=True))
        lay(pump, SpellKind.LEVEL, 0, amount=8_000_000)
        pump.run_days(34)
        said = min((a.since_ms - START_MS for a in pump.implant.firmware.alarms), default=34 * DAY)
        assert pump.implant.reservoir.available_nl < PER_DAY_NL * 4
        return 34 * DAY - said

    held, loose = both(warned_ms, never_told(AlarmCondition.LEVEL_DOUBTFUL))
    assert held > 5 * DAY
    assert loose == 0


@pytest.mark.hazard("HAZ-04")
def test_a_pump_with_a_low_reservoir_says_so_days_before_it_is_empty() -> None:
    pump = treated()
    pump.run_days(45)
    assert AlarmCondition.LOW_RESERVOIR in latched_alarms(pump.implant)
    assert believed_volume_nl(pump.implant) > pump.implant.build.residual_nl
