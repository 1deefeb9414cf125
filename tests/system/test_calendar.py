"""Years under a calendar: leap days, ends of centuries, seconds and ticks that wrap, zones that change.

Nothing a calendar does may make a gap, a burst or an alarm. A pump that lives the same weeks at another
time in history delivers the same, and the exact reference is asked at each look.
"""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from openitb import catalogue, units
from openitb.implant import Contents, fill, handle, latched_alarms, program_digest, withdraw
from openitb.prescription import Flex, FlexPattern, FlexStep, Order, SimpleContinuous
from openitb.protocol import Applied, LogKind, ProgramPump, RecordRefill, Role, SetClock, encode
from openitb.world.drill.bed import Bed, Cause, Event, Newborn, look, new_bed
from openitb.world.drill.invariants import problems
from openitb.world.drill.told import needled
from openitb.world.drill.ward import Heard

DAY, HOUR, WEEK = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_WEEK
DRUG, STROKE = 2000, 250
CONSTANT = SimpleContinuous(400_000_000)
DAYS_AND_NIGHTS = Flex(
    (
        FlexPattern((0, 1, 2, 3, 4), (FlexStep(0, 12_000_000), FlexStep(8 * HOUR, 24_000_000))),
        FlexPattern((5, 6), (FlexStep(0, 18_000_000),)),
    )
)
ORDINARY = 1_767_571_200_000  # Monday 5 January 2026


def instant(text: str) -> int:
    since = datetime.fromisoformat(text).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(milliseconds=1)


class Life:
    """One patient's pump, told what to do directly; every look is judged by every invariant."""

    def __init__(self, at_ms: int, serial: str = "NGP000001", zone_ms: int = 0) -> None:
        pump = catalogue.load().pump("synchromed-ii-20")
        contents = Contents(19_000_000, DRUG)
        self.bed: Bed = new_bed(Newborn(serial, contents, at_ms, zone_ms), pump)
        self.ids = 0

    def at(self, now_ms: int) -> int:
        """Live on; the nL delivered meanwhile."""
        before = self.bed.seen.hardware.delivered_nl
        self._judge(Event(self.bed.kept, Cause.NOTHING), now_ms)
        return self.bed.seen.hardware.delivered_nl - before

    def tell(self, kind: type, *values: Any) -> None:
        self.ids += 1
        now_ms = self.bed.seen.now_ms
        request = kind("nurse", f"life-{self.ids}", *values)
        kept, reply = handle(self.bed.kept, request, now_ms)
        assert isinstance(reply, Applied), reply
        heard = Heard(self.bed.serial, Role.CLINICIAN, encode(request), encode(reply))
        self._judge(Event(kept, Cause.REQUEST, heard), now_ms)

    def order(self, order: Order) -> None:
        self.tell(ProgramPump, program_digest(self.bed.seen), order)

    def refill(self) -> None:
        """Empty, fill, and tell the pump what it holds."""
        bed, now_ms = self.bed, self.bed.seen.now_ms
        emptied, out_nl, out_pg = withdraw(bed.kept, now_ms)
        volume_nl = 17_600_000
        kept = fill(emptied, volume_nl, volume_nl * DRUG, now_ms)
        sums = bed.accounts
        sums.in_nl, sums.in_pg = sums.in_nl + volume_nl, sums.in_pg + volume_nl * DRUG
        sums.out_nl, sums.out_pg = sums.out_nl + out_nl, sums.out_pg + out_pg
        needled(bed.expected, out_nl, volume_nl)
        self._judge(Event(kept, Cause.NEEDLE), now_ms)
        digest = program_digest(bed.seen)
        self.tell(RecordRefill, digest, kept.reservoir.volume_nl, DRUG)

    def raised(self) -> list[object]:
        entries = self.bed.seen.firmware.log.entries
        return [entry.get("condition") for entry in entries if entry.kind is LogKind.ALARM_RAISED]

    def _judge(self, event: Event, now_ms: int) -> None:
        assert problems(look(self.bed, event, now_ms)) == {}


EDGES = {
    "2^31 s, 19 January 2038": 2**31 * 1000,
    "2^32 s, 7 February 2106": 2**32 * 1000,
    "2^31 ms, 25 January 1970": 2**31,
    "2^32 ms, 19 February 1970": 2**32,
    "2^53 ms": 2**53,
    "29 February 2028": instant("2028-02-29"),
    "28 February 2100, no leap year": instant("2100-03-01"),
    "29 February 2000": instant("2000-02-29"),
    "new year 2027": instant("2027-01-01"),
    "a European clock goes forward": instant("2026-03-29T01:00"),
}


@pytest.mark.requirement("TIM-04", "DEL-17", "DEL-18")
@pytest.mark.parametrize("order", [CONSTANT, DAYS_AND_NIGHTS], ids=["constant", "days and nights"])
@pytest.mark.parametrize("edge", EDGES)
def test_hour_by_hour_over_an_edge_of_the_calendar_is_as_in_any_other_week(edge: str, order: Order) -> None:
    start = EDGES[edge] - 3 * DAY
    ordinary = ORDINARY + (start - ORDINARY) % WEEK
    assert hours(start, order) == hours(ordinary, order)


def hours(start_ms: int, order: Order) -> list[int]:
    life = Life(start_ms)
    life.order(order)
    delivered = [life.at(start_ms + n * HOUR) for n in range(1, 7 * 24)]
    assert life.raised() == []
    return delivered


@pytest.mark.requirement("TIM-04", "DEL-02")
@pytest.mark.parametrize("ticks", [2**31, 2**32], ids=["2^31 ms of life", "2^32 ms of life"])
def test_no_hour_is_fuller_or_emptier_where_the_pumps_own_ticks_would_wrap(ticks: int) -> None:
    life = Life(ORDINARY)
    life.order(CONSTANT)
    start = ORDINARY + ticks // HOUR * HOUR - 24 * HOUR
    life.at(start)
    delivered = {life.at(start + n * HOUR) for n in range(1, 49)}
    exact = Fraction(200_000, 24)
    assert all(abs(volume - exact) <= STROKE for volume in delivered)


@pytest.mark.slow
@pytest.mark.requirement("DEL-01", "DEL-18", "TIM-04", "BAT-03")
@pytest.mark.parametrize("begins", ["2026-01-05", "2032-03-01", "2095-02-21"])
def test_ten_years_of_refills_leap_days_and_zones_lose_nothing_and_alarm_for_no_cause(begins: str) -> None:
    start = instant(begins)
    replaced = start + 5 * 365 * DAY
    end = start + 3653 * DAY
    total = lived(start, replaced, "NGP000001") + lived(replaced, end, "NGP000002")
    per_day = Fraction(5 * (12 * 8 + 24 * 16) + 2 * 18 * 24, 7) * units.PG_PER_UG / DRUG
    exact = per_day * (end - start) / DAY
    # each pump may owe one stroke, be inside a week, and each change of zone shifts the pattern by hours
    shifts = 2 * 10 * 3 * 24_000_000 * Fraction(1, DRUG)
    assert abs(total - exact) <= 2 * STROKE + 2 * per_day + shifts


def lived(start_ms: int, end_ms: int, serial: str) -> int:
    """What one pump delivered in its years, looked at each week, refilled every 56 days."""
    life = Life(start_ms, serial)
    life.order(DAYS_AND_NIGHTS)
    for number, now_ms in enumerate(range(start_ms + WEEK, end_ms, WEEK), start=1):
        life.at(now_ms)
        if number % 8 == 0:
            life.refill()
        if number % 26 == 0:
            life.tell(SetClock, life.bed.seen.firmware.at_ms, (number // 26 % 2) * HOUR)
    life.at(end_ms)
    assert life.raised() == []
    assert latched_alarms(life.bed.seen) == ()
    return life.bed.seen.hardware.delivered_nl


@pytest.mark.requirement("BAT-02", "BAT-03")
def test_a_pump_left_in_too_long_says_when_it_is_due() -> None:
    life = Life(ORDINARY)
    life.order(DAYS_AND_NIGHTS)
    for number in range(1, 400):
        now_ms = ORDINARY + number * WEEK
        if life.raised():
            break
        life.at(now_ms)
        if number % 8 == 0:
            life.refill()
    assert life.raised() == ["elective replacement"]
    assert life.bed.seen.firmware.eri_ms == (7 * 12 * 30.4375 - 90) * DAY
