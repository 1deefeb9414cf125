"""Hazards of giving too much or too little, each with the part that stands against it and without it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from openitb import catalogue, units
from openitb.implant import Specimen, SpellKind, latched_alarms
from openitb.implant.firmware.strokes import Counter
from openitb.implant.firmware.surveillance import Meter
from openitb.prescription import Flex, FlexPattern, FlexStep, Stopped
from openitb.prescription.program import Program
from openitb.protocol import (
    AlarmCondition,
    Applied,
    CancelBolus,
    DeliverBolus,
    EnablePatientBolus,
    ProgramPump,
    Refused,
    RequestPatientBolus,
    Role,
)
from tests.hazards.parts import (
    DAY,
    GUARD_OFF,
    HOUR,
    MINUTE,
    PER_DAY_NL,
    SIMPLE,
    UG,
    both,
    lay,
    mad,
    mad_flow,
    never_told,
    silently_without_drug,
    treated,
)
from tests.implant.conftest import Bench

BOLUS_NL = 50_000


def bolus(pump: Bench, over_ms: int = 30 * MINUTE) -> Applied | Refused:
    digest = pump.implant.firmware.controller.program.digest
    return pump.tell(DeliverBolus("nurse", "bolus", digest, BOLUS_NL, over_ms))


@pytest.mark.hazard("HAZ-01", "INC-25")
@pytest.mark.hazard("HAZ-01", without="the delivery guard")
def test_a_controller_that_asks_for_the_pumps_highest_flow() -> None:
    def given_nl() -> int:
        pump = treated()
        pump.run(30 * MINUTE)
        mad_flow(pump, 24_000_000)
        pump.run(30 * MINUTE)
        return pump.delivered_nl()

    held, loose = both(given_nl, GUARD_OFF)
    assert held <= PER_DAY_NL // 24
    assert loose >= PER_DAY_NL  # a day's dose within the half hour


@pytest.mark.hazard("INC-25")
@pytest.mark.hazard("INC-25", without="counting what the rotor did")
def test_a_pump_that_shows_what_was_ordered_and_gives_something_else() -> None:
    def untold_nl() -> int:
        pump = treated()
        lay(pump, SpellKind.STILL, 0)
        pump.run_days(2)
        return pump.read().reservoir.delivered_nl - pump.implant.hardware.delivered_nl

    after = Counter.after
    commanded = {
        "openitb.implant.firmware.strokes.Counter.after": lambda self, train, _confirmed: after(self, train)
    }
    held, loose = both(untold_nl, commanded)
    assert held == 0
    assert loose == 2 * PER_DAY_NL


@pytest.mark.hazard("HAZ-03")
@pytest.mark.hazard("HAZ-03", without="the alarms of a stop")
def test_a_stop_that_is_forgotten() -> None:
    def forgotten() -> bool:
        pump = treated()
        pump.order(Stopped())
        pump.run_days(3)
        return silently_without_drug(pump)

    off = never_told(AlarmCondition.STOPPED_LONG, AlarmCondition.STOPPED_TOO_LONG)
    assert both(forgotten, off) == (False, True)


@pytest.mark.hazard("HAZ-06")
@pytest.mark.hazard("HAZ-06", without="the delivery guard")
def test_a_flow_below_zero() -> None:
    def strokes_lost() -> int:
        pump = treated()
        pump.run(30 * MINUTE)
        before = pump.implant.firmware.counter.strokes
        mad_flow(pump, -PER_DAY_NL)
        pump.run(29 * MINUTE)
        return before - pump.implant.firmware.counter.strokes

    held, loose = both(strokes_lost, GUARD_OFF)
    assert held == 0
    assert loose > 0  # the count runs backwards, and says that more is left than there is


@pytest.mark.hazard("HAZ-07")
@pytest.mark.hazard("HAZ-07", without="the alarm of a stall")
def test_a_magnet_stalls_the_rotor_and_it_stays_away_for_a_day() -> None:
    def unheard() -> bool:
        pump = treated()
        lay(pump, SpellKind.STILL, HOUR, HOUR + 26 * HOUR)
        pump.run(26 * HOUR)
        return silently_without_drug(pump)

    assert both(unheard, never_told(AlarmCondition.MOTOR_STALL)) == (False, True)


@pytest.mark.hazard("HAZ-07")
@pytest.mark.hazard("HAZ-07", without="counting what the rotor did")
def test_a_stall_leaves_the_pump_believing_what_is_true() -> None:
    def believed_too_low_nl() -> int:
        pump = treated()
        lay(pump, SpellKind.STILL, HOUR, 27 * HOUR)
        pump.run(28 * HOUR)
        return pump.implant.reservoir.volume_nl - pump.implant.firmware.counted_nl(pump.implant.build)

    after = Counter.after
    commanded = {
        "openitb.implant.firmware.strokes.Counter.after": lambda self, train, _confirmed: after(self, train)
    }
    held, loose = both(believed_too_low_nl, commanded)
    assert held == 0
    assert loose > PER_DAY_NL


@pytest.mark.hazard("HAZ-08", "INC-07")
@pytest.mark.hazard("HAZ-08", without="a meter at the outlet")
@pytest.mark.hazard("INC-07", without="a meter at the outlet")
def test_heat_lets_each_stroke_move_twice_as_much() -> None:
    def given_nl(metered: bool) -> int:
        pump = treated(specimen=Specimen(metered=metered))
        lay(pump, SpellKind.GAIN, 0, amount=1_000_000)
        pump.run_days(10)
        return pump.delivered_nl()

    margin_nl = catalogue.load().practice["surveillance"].fact("meter_margin").whole("nL")
    assert given_nl(metered=True) < PER_DAY_NL // 10 + 2 * margin_nl
    assert given_nl(metered=False) == 2 * 10 * PER_DAY_NL


@pytest.mark.hazard("HAZ-18")
@pytest.mark.hazard("HAZ-18", without="a meter at the outlet")
def test_a_gear_so_worn_that_its_turning_moves_nothing() -> None:
    def unheard(metered: bool) -> bool:
        pump = treated(specimen=Specimen(metered=metered))
        lay(pump, SpellKind.GAIN, 0, amount=-1_000_000)
        pump.run_days(2)
        return silently_without_drug(pump)

    assert not unheard(metered=True)
    assert unheard(metered=False)


@pytest.mark.hazard("HAZ-18")
@pytest.mark.hazard("HAZ-18", without="the alarm of a stall")
def test_a_motor_that_sticks_for_good() -> None:
    def unheard() -> bool:
        pump = treated()
        lay(pump, SpellKind.STILL, DAY)
        pump.run_days(3)
        return silently_without_drug(pump)

    assert both(unheard, never_told(AlarmCondition.MOTOR_STALL)) == (False, True)


@pytest.mark.hazard("HAZ-22")
@pytest.mark.hazard("HAZ-22", without="lock-out and number")
def test_a_patient_who_asks_every_half_hour() -> None:
    def given_ug() -> int:
        pump = treated()
        pump.tell(EnablePatientBolus("nurse", "allow", 10 * UG, 15 * MINUTE, 4 * HOUR, 4))
        for press in range(48):
            pump.tell(RequestPatientBolus("patient", f"press-{press}"), Role.PATIENT)
            pump.run(30 * MINUTE)
        return pump.implant.hardware.delivered_pg // UG

    held, loose = both(given_ug, {"openitb.implant.firmware.boluses.FOR_PATIENTS": ()})
    assert held <= 200 + 4 * 10
    assert loose >= 200 + 40 * 10


@pytest.mark.hazard("HAZ-31")
@pytest.mark.hazard("HAZ-31", without="ending a bolus at a critical alarm")
def test_a_bolus_that_goes_on_after_an_error() -> None:
    def bolus_nl() -> int:
        pump = treated()
        bolus(pump, over_ms=3 * HOUR)
        lay(pump, SpellKind.STILL, 5 * MINUTE, 30 * MINUTE)
        pump.run(4 * HOUR)
        return pump.delivered_nl() - PER_DAY_NL * (4 * HOUR - 25 * MINUTE) // DAY

    held, loose = both(
        bolus_nl, {"openitb.implant.firmware.watch._error_ends_bolus": lambda firmware: firmware}
    )
    assert held <= BOLUS_NL // 5
    assert loose > BOLUS_NL // 2


@pytest.mark.hazard("HAZ-32")
@pytest.mark.hazard("HAZ-32", without="the exact edge of a step")
def test_a_step_that_ends_an_hour_late() -> None:
    night, day = FlexStep(0, 12 * UG), FlexStep(8 * HOUR, 6 * UG)

    def given_ug() -> int:
        pump = Bench()
        pump.order(Flex((FlexPattern(tuple(range(7)), (night, day)),)))
        pump.run(12 * HOUR)
        return pump.implant.hardware.delivered_pg // UG

    exact = Program.flows

    def late(program: Program, at_ms: int, zone_offset_ms: int) -> Iterator[tuple[int, int | None]]:
        for rate, change in exact(program, at_ms, zone_offset_ms):
            yield rate, None if change is None else change + HOUR

    held, loose = both(given_ug, {"openitb.prescription.program.Program.flows": late})
    assert held == 8 * 12 + 4 * 6
    assert loose > held


@pytest.mark.hazard("INC-16")
@pytest.mark.hazard("INC-16", without="the credit a bolus runs on")
def test_an_interrupted_bolus_a_prime_and_a_controller_that_resumes_it_whole() -> None:
    def bolus_nl() -> int:
        pump = treated()
        bolus(pump)
        whole = pump.implant.firmware.controller.bolus
        pump.run(15 * MINUTE)
        pump.tell(CancelBolus("nurse", "cancel"))
        pump.order(SIMPLE, prime_nl=10_000)
        pump.run(15 * MINUTE)
        mad(pump, bolus=whole)
        pump.run(90 * MINUTE)
        return pump.delivered_nl() - PER_DAY_NL * 2 * HOUR // DAY - 10_000

    held, loose = both(bolus_nl, GUARD_OFF)
    assert held <= BOLUS_NL // 2 + 250
    assert loose >= BOLUS_NL + BOLUS_NL // 2 - 5_000


@pytest.mark.hazard("INC-17")
@pytest.mark.hazard("INC-17", without="the memory of answers")
@pytest.mark.hazard("INC-21", without="the memory of answers")
def test_a_bolus_ordered_again_after_a_restart() -> None:
    def bolus_nl() -> int:
        pump = treated()
        bolus(pump)
        pump.run(HOUR)
        bolus(pump)  # the same command: its answer was lost
        pump.run(HOUR)
        return pump.delivered_nl() - PER_DAY_NL * 2 * HOUR // DAY

    forgets = {"openitb.implant.firmware.commands._remembered": lambda firmware, *_: firmware}
    held, loose = both(bolus_nl, forgets)
    assert abs(held - BOLUS_NL) <= 500
    assert abs(loose - 2 * BOLUS_NL) <= 500


@pytest.mark.hazard("INC-19", "HAZ-29")
@pytest.mark.hazard("INC-19", without="naming the program it was made for")
@pytest.mark.hazard("HAZ-29", without="naming the program it was made for")
def test_an_order_reckoned_from_a_program_that_somebody_has_changed() -> None:
    def given_ug() -> int:
        pump = treated()
        read = pump.read().program_digest
        pump.order(replace(SIMPLE, dose_pg_per_day=50 * UG))  # somebody gives less, for a reason
        pump.tell(ProgramPump("other", "late", read, replace(SIMPLE, dose_pg_per_day=240 * UG)))
        pump.run_days(1)
        return pump.implant.hardware.delivered_pg // UG

    anything = {"openitb.implant.firmware.changes.require_current": lambda *_: None}
    held, loose = both(given_ug, anything)
    assert (held, loose) == (50, 240)


@pytest.mark.hazard("HAZ-16")
@pytest.mark.hazard("HAZ-16", without="the band a healthy pump may be wrong by")
def test_a_healthy_pump_within_its_accuracy() -> None:
    def alarms() -> bool:
        pump = treated(specimen=Specimen(gain_ppm=120_000, metered=True, meter_ppm=15_000))
        pump.run_days(30)
        return bool(latched_alarms(pump.implant))

    external = Meter(low_ppm=900_000, high_ppm=1_100_000, margin_nl=1_000)  # 10 % for 15 minutes
    naive: dict[str, Callable[..., Meter]] = {"openitb.implant.build.outlet_meter": lambda _pump: external}
    assert both(alarms, naive) == (False, True)


@pytest.mark.hazard("INC-15")
@pytest.mark.hazard("INC-15", without="delivery that asks no calendar")
def test_the_calendar_ends() -> None:
    from openitb.implant.firmware import watch

    true_rate = watch._rate

    def gone_still() -> bool:
        pump = treated()
        pump.run_days(1)  # the last day of the calendar
        pump.run_days(1)
        return silently_without_drug(pump)

    end_ms = Bench().implant.now_ms + units.MS_PER_DAY

    def by_calendar(firmware: object, build: object) -> int:
        return true_rate(firmware, build) if firmware.at_ms < end_ms else 0

    assert both(gone_still, {"openitb.implant.firmware.watch._rate": by_calendar}) == (False, True)
