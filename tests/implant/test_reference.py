"""The implant against a small model in exact fractions that makes one stroke at a time.

The model knows no stages, trains or events: it integrates the flow to the next stroke, counts it,
looks at what the count means, and goes on. It shares no code with the implant but the catalogue.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openitb import units
from openitb.implant import Specimen, believed_volume_nl, latched_alarms, program_digest
from openitb.prescription import (
    Flex,
    FlexPattern,
    FlexStep,
    MinimumRate,
    Periodic,
    SimpleContinuous,
    Stopped,
)
from openitb.protocol import AlarmCondition, Applied, CancelBolus, DeliverBolus, RecordRefill

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
START_MS = 1_767_571_200_000
STROKE, RESIDUAL, CAPACITY = 250, 1_400_000, 20_000_000
LIMITS = {"low reservoir": 2_000_000, "empty reservoir": RESIDUAL}
HIGHEST, MINIMUM = 24_000_000, 6_000


def rate(order: object, concentration: int, ms_of_day: int) -> Fraction:
    """Flow in nL/day of an order at a time of day, rounded to whole nL/day as a program is."""
    match order:
        case Stopped():
            return Fraction(0)
        case MinimumRate():
            return Fraction(MINIMUM)
        case SimpleContinuous(dose):
            return Fraction(round_half_down(Fraction(dose, concentration)))
        case Flex(patterns):
            step = [s for s in patterns[0].steps if s.from_ms_of_day <= ms_of_day][-1]
            return Fraction(round_half_down(Fraction(24 * step.dose_rate_pg_per_h, concentration)))
        case Periodic():
            return Fraction(round_half_down(Fraction(periodic_pg_per_day(order, ms_of_day), concentration)))


def periodic_pg_per_day(order: Periodic, ms_of_day: int) -> Fraction:
    """The dose rate of a periodic order at a time of day, counted from its first dose."""
    into = (ms_of_day - order.first_ms_of_day) % order.interval_ms
    dosing = Fraction(order.dose_pg * DAY, order.duration_ms) if into < order.duration_ms else 0
    return order.basal_pg_per_day + Fraction(dosing)


def round_half_down(value: Fraction) -> int:
    return -((-value + Fraction(1, 2)) // 1)


@dataclass
class Model:
    """A pump in fractions: `ahead` holds the drugs still in the path, (strokes, concentration)."""

    order: object = field(default_factory=Stopped)
    concentration: int = 500
    now: Fraction = Fraction(0)
    phase: Fraction = Fraction(0)  # nL towards the next stroke
    strokes: int = 0
    believed: int = CAPACITY
    ahead: list[tuple[int, int]] = field(default_factory=list)
    prime: int = 0
    volume: int = CAPACITY
    owed: Fraction = Fraction(0)
    gain: Fraction = Fraction(1)
    alarms: dict[str, int] = field(default_factory=dict)
    bolus: Fraction = Fraction(0)  # nL still to come
    pace: int = 0  # nL/day

    def basal(self) -> Fraction:
        if self.prime:
            return Fraction(HIGHEST)
        drug = self.ahead[0][1] if self.ahead else self.concentration
        return rate(self.order, drug, int(self.now) % DAY)

    def extra(self) -> Fraction:
        """Bolus flow: its pace, or what the program leaves; in its last ms whatever is left."""
        return min(Fraction(self.pace), HIGHEST - self.basal(), self.bolus * DAY)

    def flow(self) -> Fraction:
        return self.basal() + (self.extra() if self.bolus else 0)

    def run_to(self, end: int) -> None:
        while self.now < end:
            flow = self.flow()
            edge = min(end, self.next_edge(), self.bolus_edge())
            due = self.now + (STROKE - self.phase) * DAY / flow if flow else None
            instant = None if due is None else -(-due // 1)  # the whole ms at which it is made
            until = edge if instant is None or instant > edge else instant
            self.bolus -= (self.extra() if self.bolus else 0) * (until - self.now) / DAY
            if instant is None or instant > edge:
                self.phase += flow * (edge - self.now) / DAY
                self.now = Fraction(edge)
            else:
                self.phase += flow * (instant - self.now) / DAY - STROKE
                self.now = Fraction(instant)
                self.stroke()

    def bolus_edge(self) -> int:
        """The whole ms up to which the bolus flows as it does now."""
        flow = self.extra() if self.bolus else 0
        return int(self.now) + int(self.bolus * DAY // flow) if flow else 10**18

    def next_edge(self) -> int:
        edges = edges_of(self.order)
        today = int(self.now) // DAY * DAY
        return min(
            (at for day in (today, today + DAY) for at in (day + e for e in edges) if at > self.now),
            default=10**18,
        )

    def stroke(self) -> None:
        self.strokes += 1
        self.believed -= STROKE
        if self.prime:
            self.prime -= 1
        if self.ahead:
            count, drug = self.ahead.pop(0)
            if count > 1:
                self.ahead.insert(0, (count - 1, drug))
        asked = STROKE * self.gain + self.owed
        moved = min(int(asked), max(0, self.volume - RESIDUAL))
        self.owed = asked - int(asked) if moved == int(asked) else Fraction(0)
        self.volume -= moved
        for name, limit in LIMITS.items():
            if self.believed <= limit:
                self.alarms.setdefault(name, int(self.now))
        if "empty reservoir" in self.alarms:
            self.bolus = Fraction(0)

    def program(self, order: object, prime: int) -> None:
        self.order, self.prime, self.bolus = order, prime // STROKE, Fraction(0)

    def dose(self, volume: int, ms: int) -> None:
        self.bolus = Fraction(volume // STROKE * STROKE)
        self.pace = int(-(-self.bolus * DAY // ms))

    def refill(self, volume: int, concentration: int, bridge: int | None) -> None:
        self.believed = volume
        self.prime, self.bolus = 0, Fraction(0)
        held = {name: since for name, since in self.alarms.items() if volume <= LIMITS[name]}
        due = {name: int(self.now) for name, limit in LIMITS.items() if volume <= limit}
        self.alarms = due | held
        if concentration == self.concentration:
            return
        left, kept = (bridge or 0) // STROKE, []
        for count, drug in self.ahead:
            taken = min(count, left)
            kept += [(taken, drug)] if taken else []
            left -= taken
        self.ahead = kept + ([(left, self.concentration)] if left else [])
        self.concentration = concentration


def edges_of(order: object) -> list[int]:
    """The times of day at which the flow of an order may change."""
    if isinstance(order, Flex):
        return [step.from_ms_of_day for step in order.patterns[0].steps]
    if isinstance(order, Periodic):
        begins = range(order.first_ms_of_day, DAY, order.interval_ms)
        return sorted({*begins, *((begin + order.duration_ms) % DAY for begin in begins)})
    return []


flex_orders = st.lists(
    st.tuples(st.integers(0, 23), st.integers(8, 60)), min_size=1, max_size=4, unique_by=lambda s: s[0]
).map(
    lambda steps: Flex(
        (
            FlexPattern(
                tuple(range(7)),
                tuple(FlexStep(h * HOUR, r * 10**6) for h, r in sorted({**dict(steps), 0: 9}.items())),
            ),
        )
    )
)
orders = st.one_of(
    st.just(Stopped()),
    st.just(MinimumRate()),
    st.integers(100, 1500).map(lambda ug: SimpleContinuous(ug * 10**6)),
    flex_orders,
    st.builds(
        Periodic,
        st.integers(10, 60).map(lambda ug: ug * 10**6),
        st.integers(9, 59).map(lambda minutes: minutes * MINUTE),
        st.sampled_from([HOUR, 4 * HOUR, 6 * HOUR, DAY]),
        st.sampled_from([0, 10**8, 123_456_789]),
        st.integers(0, 59).map(lambda minutes: minutes * MINUTE),
    ),
)
steps = st.one_of(
    st.tuples(st.just("order"), orders, st.sampled_from([0, 0, 50_000])),
    st.tuples(
        st.just("refill"),
        st.integers(5600, 80_000).map(lambda n: n * STROKE),
        st.sampled_from([500, 501, 1000]),
        st.integers(0, 400).map(lambda n: n * STROKE),
    ),
    st.tuples(st.just("bolus"), st.integers(4, 400).map(lambda n: n * STROKE + 7), st.integers(6, 1440)),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("wait"), st.integers(0, 30 * HOUR)),
)


@pytest.mark.requirement("DEL-01", "DEL-02", "DEL-11", "RES-01")
@settings(max_examples=60)
@given(
    history=st.lists(steps, min_size=3, max_size=10),
    gain=st.sampled_from([0, 0, 30_001, -99_999]),
    tail=st.integers(1, DAY),
)
def test_any_history_is_delivered_as_the_stroke_by_stroke_model_delivers_it(
    make_bench: Callable, history: list[tuple], gain: int, tail: int
) -> None:
    bench = make_bench(volume_nl=1_600_000 + STROKE * 800, specimen=Specimen(gain_ppm=gain))
    model = Model(believed=1_800_000, volume=1_800_000, gain=1 + Fraction(gain, 10**6))
    model.alarms["low reservoir"] = 0
    for step in (*history, ("wait", tail)):
        match step:
            case ("order", order, prime):
                stopped = isinstance(order, Stopped)
                assert isinstance(bench.order(order, 0 if stopped else prime), Applied)
                model.program(order, 0 if stopped else prime)
            case ("refill", volume, concentration, bridge):
                stated = bridge if concentration != model.concentration else None
                assert isinstance(bench.record(volume, concentration, stated), Applied)
                model.refill(volume, concentration, stated)
            case ("wait", ms):
                bench.run(ms)
                model.run_to(bench.now_ms)
            case _:
                dose(bench, model, step)
        assert bench.implant.firmware.counter.strokes == model.strokes
        assert bench.implant.reservoir.volume_nl == model.volume
        assert believed_volume_nl(bench.implant) == max(0, model.believed)
        reservoir_alarms = {
            alarm.condition.value: alarm.since_ms - START_MS
            for alarm in bench.implant.firmware.alarms
            if "reservoir" in alarm.condition
        }
        assert reservoir_alarms == model.alarms
    bench.check_accounts()


def dose(bench: object, model: Model, step: tuple) -> None:
    """A bolus begun or cancelled in both, if the pump grants it; whether it should is tested elsewhere."""
    match step:
        case ("bolus", volume, minutes):
            digest = program_digest(bench.implant)
            told = DeliverBolus("nurse", bench.command_id(), digest, volume, minutes * MINUTE)
            if isinstance(bench.tell(told), Applied):
                model.dose(volume, minutes * MINUTE)
        case ("cancel",):
            if isinstance(bench.tell(CancelBolus("nurse", bench.command_id())), Applied):
                model.bolus = Fraction(0)


CHOICES = (
    SimpleContinuous(150_000_000),
    SimpleContinuous(390_000_001),
    MinimumRate(),
    Flex(
        (
            FlexPattern(
                tuple(range(7)),
                (FlexStep(0, 12_000_001), FlexStep(8 * HOUR, 6_000_000), FlexStep(20 * HOUR, 9_000_000)),
            ),
        )
    ),
    Flex(
        (
            FlexPattern((0, 1, 2, 3, 4), (FlexStep(0, 12_000_000), FlexStep(13 * HOUR, 18_500_000))),
            FlexPattern((5, 6), (FlexStep(0, 14_000_000),)),
        )
    ),
)


@pytest.mark.requirement("DEL-01")
@pytest.mark.parametrize("seed", range(4))
def test_seven_years_of_refills_changes_stops_and_flex_lose_nothing(seed: int, make_bench: Callable) -> None:
    draw = random.Random(seed)  # noqa: S311 - a repeatable history, not a secret
    bench = make_bench(
        specimen=Specimen(draw.randint(-145_000, 145_000), draw.randint(-50, 50)), concentration=500
    )
    concentration = 500
    while bench.now_ms < 84 * 30 * DAY:
        bench.run(draw.randint(1, 30 * DAY))
        what = draw.random()
        if what < 0.5:
            assert isinstance(bench.order(draw.choice(CHOICES), draw.choice((0, 0, 140_000))), Applied)
        elif what < 0.6:
            assert isinstance(bench.order(Stopped()), Applied)
        else:
            fresh = draw.choice((500, 1000, 2000, 1999))
            bridge = draw.randint(0, 500_000) if fresh != concentration else None
            done = bench.refill(draw.randint(5_000_000, 18_600_000), fresh, bridge)
            concentration = fresh if isinstance(done, Applied) else concentration
        bench.check_accounts()
    assert bench.implant.hardware.delivered_nl > 0
    assert AlarmCondition.DELIVERY_GUARD not in latched_alarms(bench.implant)


@pytest.mark.requirement("DEL-01", "DEL-18", "DEL-19")
def test_a_whole_service_life_of_flex_ends_with_every_stroke_accounted_for(make_bench: Callable) -> None:
    bench = make_bench(concentration=2000, volume_nl=19_400_000)
    bench.order(CHOICES[3])
    for _ in range(42):
        bench.run_days(60)
        digest = program_digest(bench.implant)
        bench.needle(18_000_000, 2000)
        volume = bench.implant.reservoir.volume_nl
        bench.tell(RecordRefill("nurse", bench.command_id(), digest, volume, 2000))
    bench.run_days(30)
    bench.check_accounts()
    strokes = bench.implant.firmware.counter.strokes
    assert bench.implant.hardware.delivered_nl == strokes * STROKE
    # 12.000001 and 6 and 9 µg/h at 2000 µg/mL are 144,000, 72,000 and 108,000 nL/day
    exact = Fraction(2550) * (144_000 * 8 + 72_000 * 12 + 108_000 * 4) / 24
    assert 0 <= exact - strokes * STROKE < STROKE


@pytest.mark.requirement("BOL-12")
def test_a_bridge_is_still_due_when_a_longer_prime_before_it_is_given_up(make_bench: Callable) -> None:
    bench = make_bench(volume_nl=18_000_000)
    bench.order(SimpleContinuous(100_000_000))
    assert isinstance(bench.record(18_000_000, 1_000, 100_000), Applied)
    assert isinstance(bench.order(MinimumRate(), 200_000), Applied)
    assert isinstance(bench.order(SimpleContinuous(100_000_000), 0), Applied)
    bench.run(12 * HOUR)
    # 100 µg/day of the old 500 µg/mL is 0.2 mL/day: the bridge's 0.1 mL takes exactly these 12 h
    assert bench.implant.firmware.counter.strokes * STROKE == 100_000
    bench.run(24 * HOUR)
    assert bench.implant.firmware.counter.strokes * STROKE == 200_000
