"""What an implant must have done: an exact reference that shares no code with the firmware.

It knows orders, drugs, boluses, strokes and what is wrong with the parts, and nothing of programs,
stages, trains, credits or the state table. Flow in exact fractions is rounded once, to whole nL/day, as
an order is; from there on everything is whole numbers. `told.py` says what commands do to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from openitb import catalogue, units
from openitb.catalogue import Pump
from openitb.implant.hardware.spells import IN_ORDER, Condition
from openitb.implant.senses import Supply
from openitb.prescription import MinimumRate, Order, Stopped
from openitb.prescription.boluses import PatientBolus
from openitb.protocol import WindowDose
from openitb.world.drill.flows import FAR_MS, Flows, flow_at, flows_of, mean_of

DAY = units.MS_PER_DAY
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Specs:
    """What the reference knows of a pump: its data sheet, and how the specimen differs in truth."""

    stroke_nl: int
    residual_nl: int
    minimum_nl_per_day: int
    highest_nl_per_day: int
    stopped_long_ms: int
    stopped_too_long_ms: int
    stall_ms: int
    withdrawal_ms: int
    counted_over_ms: int
    weak_ms: int
    gain_ppm: int = 0

    @property
    def cost(self) -> int:
        """A stroke as accumulated flow, nL/day x ms."""
        return self.stroke_nl * DAY


def specs_of(pump: Pump, gain_ppm: int) -> Specs:
    """The specs of a catalogue model and one specimen of it."""
    practice = catalogue.load().practice
    return Specs(
        pump.stroke_volume_nl,
        pump.residual_volume_nl,
        pump.minimum_rate_nl_per_day,
        pump.highest_flow_nl_per_day,
        practice["stop"].fact("warning").whole("ms"),
        practice["alarms"].fact("stopped_too_long").whole("ms"),
        practice["alarms"].fact("stall_qualifier").whole("ms"),
        practice["emergency"].fact("withdrawal_alarm_after").whole("ms"),
        practice["patient-bolus"].fact("counted_over").whole("ms"),
        practice["supervision"].fact("cell_weak").whole("ms"),
        gain_ppm,
    )


@dataclass(slots=True)
class Fluid:
    """The true reservoir: what is in it, what has left the outlet, and parts of a nL owed.

    `owed` are millionths of a nL that strokes still owe, `seeped` flow without strokes, nL/day x ms.
    """

    volume_nl: int
    delivered_nl: int = 0
    owed: int = 0
    seeped: int = 0

    def available_nl(self, specs: Specs) -> int:
        """What can still leave."""
        return max(0, self.volume_nl - specs.residual_nl)

    def leave(self, strokes: int, ms: int, wrong: Condition, specs: Specs) -> None:
        """What leaves with so many strokes in so many ms; an empty reservoir owes nothing."""
        available = self.available_nl(specs)
        asked = 0
        if not wrong.shut:
            share = max(0, MILLION + specs.gain_ppm + wrong.gain_ppm)
            driven, self.owed = divmod(self.owed + strokes * specs.stroke_nl * share, MILLION)
            loose, self.seeped = (
                divmod(self.seeped + wrong.free_nl_per_day * ms, DAY) if available else (0, 0)
            )
            asked = driven + loose
        moved = min(asked, available)
        if moved == available:
            self.owed = self.seeped = 0
        self.volume_nl -= moved
        self.delivered_nl += moved


@dataclass(slots=True)
class Extra:
    """A bolus under way: `left` and `rate` as accumulated flow and flow."""

    rate_nl_per_day: int
    left: int
    by_patient: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """How far a patient may move the dose, and by how many steps it is."""

    base: Order
    step_percent: int
    low_pg_per_day: int
    high_pg_per_day: int
    raised_ms: int
    steps: int = 0


@dataclass(slots=True)
class Allowed:
    """What the patient may do, and the ticks of the boluses given so far."""

    bolus: PatientBolus | None = None
    moved: Moved | None = None
    given_ms: list[int] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        """True while a patient may ask for something."""
        return self.bolus is not None or self.moved is not None

    def nothing(self) -> None:
        """Nothing any longer; what was given stays given."""
        self.bolus = self.moved = None


@dataclass(slots=True)
class Felt:
    """What the firmware must have noticed of its parts, and what follows until it is put right."""

    wrong: Condition = IN_ORDER
    still_since_ms: int | None = None
    weak_since_ms: int | None = None
    stalled: bool = False
    captured: bool = False
    clock_lost: bool = False
    settings_lost: bool = False

    @property
    def turns(self) -> bool:
        """True if the rotor's feedback says that strokes are made."""
        return (self.wrong.turning or self.wrong.unfelt) and not self.wrong.missed


@dataclass(frozen=True, slots=True)
class Staging:
    """An order laid aside, by the digest the pump gave it, until a tick."""

    digest: str
    order: Order
    prime_nl: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Flow of program and bolus that was asked for over a stretch of ticks; stages do not count."""

    start_ms: int
    end_ms: int
    flow_nl_per_day: int


@dataclass(slots=True)
class Caps:
    """Limits on dose, the same as flow per window, and all that was asked for since they hold.

    What was asked for until `judged_ms` was found within them.
    """

    limits: tuple[WindowDose, ...] = ()
    most: dict[int, int] = field(default_factory=dict)
    asked: list[Stretch] = field(default_factory=list)
    since_ms: int = 0
    judged_ms: int = 0


@dataclass(slots=True)
class Expected:
    """One implant's state after `tick_ms` of its own life.

    `ahead` are the drugs between reservoir and tip that must come out at their own flow, in strokes;
    `prime` the strokes still to be made at the highest flow; `phase` flow towards the next stroke in
    nL/day x ms; `alarms` the conditions latched; `reduced_ms` the tick of a reduction in an emergency;
    `given_back` strokes of a prime or bridge that the rotor was not felt to follow; `unlawful` why the
    last command should not have been carried out.
    """

    specs: Specs
    fluid: Fluid
    concentration: int
    clock_ms: int
    zone_ms: int
    believed_nl: int
    low_alarm_nl: int
    order: Order = Stopped()  # noqa: RUF009 - a frozen value
    tick_ms: int = 0
    phase: int = 0
    strokes: int = 0
    prime: int = 0
    ahead: tuple[tuple[int, int], ...] = ()
    stopped_at_ms: int | None = 0
    bolus: Extra | None = None
    allowed: Allowed = field(default_factory=Allowed)
    felt: Felt = field(default_factory=Felt)
    staging: Staging | None = None
    reduced_ms: int | None = None
    caps: Caps = field(default_factory=Caps)
    alarms: set[str] = field(default_factory=set)
    halted: bool = False
    given_back: int = 0
    unlawful: str = ""

    def at(self, tick_ms: int) -> "Expected":
        """Live on to a later tick."""
        while self.tick_ms < tick_ms:
            self._stretch(tick_ms)
        return self

    @property
    def flows(self) -> Flows:
        """The flow through the week that the order means at the label concentration."""
        return flows_of(self.order, self.concentration, self.specs.minimum_nl_per_day)

    @property
    def flow(self) -> int:
        """The flow due now, nL/day."""
        return sum(self._due()[:2])

    @property
    def is_over(self) -> bool:
        """True once the cell is spent."""
        return self.felt.wrong.senses.supply is Supply.SPENT

    @property
    def is_still(self) -> bool:
        """True if nothing is meant to flow."""
        return isinstance(self.order, Stopped) or (
            isinstance(self.order, MinimumRate) and not self.specs.minimum_nl_per_day
        )

    @property
    def conditions(self) -> set[str]:
        """The alarm conditions that hold now."""
        specs, felt, stopped = self.specs, self.felt, self.stopped_at_ms
        stopped_ms = -1 if stopped is None else self.tick_ms - stopped
        reduced_ms = -1 if self.reduced_ms is None else self.tick_ms - self.reduced_ms
        held = (
            ("low reservoir", self.believed_nl <= self.low_alarm_nl),
            ("empty reservoir", self.believed_nl <= specs.residual_nl),
            ("stopped long", stopped_ms >= specs.stopped_long_ms),
            ("stopped too long", stopped_ms >= specs.stopped_too_long_ms),
            ("motor stall", felt.stalled),
            ("settings lost", felt.settings_lost),
            ("clock lost", felt.clock_lost),
            ("end of service", self.is_over),
            ("delivery guard", self.halted),
            ("emergency reduction", reduced_ms >= 0),
            ("withdrawal clock", reduced_ms >= specs.withdrawal_ms),
        )
        return {name for name, holds in held if holds}

    def settle(self) -> None:
        """What follows at once from how it stands: alarms sound, a critical one ends a bolus."""
        if self.bolus is not None and not self.bolus.left:
            self.bolus = None
        self.alarms |= self.conditions
        if self.felt.wrong.senses.captured and (self.alarms or self._is_weak):
            self._capture()
        if self.bolus is not None and self.alarms & CRITICAL:
            self.bolus = None

    def _capture(self) -> None:
        """Noise is taken for a programmer: nothing is driven, and so the rotor counts as standing still."""
        if not self.felt.captured and self.felt.still_since_ms is None:
            self.felt.still_since_ms = self.tick_ms
        self.felt.captured = True

    @property
    def _is_weak(self) -> bool:
        """True once the cell has looked weak for so long that its alarm sounds."""
        since = self.felt.weak_since_ms
        return since is not None and self.tick_ms - since >= self.specs.weak_ms

    def _stretch(self, tick_ms: int) -> None:
        """On to the next edge of the pattern, end of a prime, drug or bolus, alarm, or `tick_ms`."""
        base, extra, edge_ms = self._due()
        flow, cost = base + extra, self.specs.cost
        end = min(tick_ms, self.tick_ms + edge_ms, *self._dates(extra))
        whole, wanted = self.phase + flow * (end - self.tick_ms), self._strokes_wanted()
        if wanted and whole >= wanted * cost:
            end = self.tick_ms - (self.phase - wanted * cost) // flow
            whole = self.phase + flow * (end - self.tick_ms)
        if self.caps.most:
            counted = extra if self.prime or self.ahead else flow
            self.caps.asked.append(Stretch(self.tick_ms, end, counted))
        if self.bolus is not None:
            self.bolus.left -= extra * (end - self.tick_ms)
        strokes, phase = divmod(whole, cost)
        self._drive(strokes, end, flow)
        self.tick_ms, self.phase = end, 0 if self._is_idle else phase
        self._notice()
        self.settle()

    @property
    def _is_idle(self) -> bool:
        """Nothing is driven, whatever is ordered."""
        return self.halted or self.is_over or self.felt.captured

    def _drive(self, strokes: int, end_ms: int, flow: int) -> None:
        """Make strokes: those that the rotor follows leave, those that are felt count."""
        felt, ms = self.felt, end_ms - self.tick_ms
        if strokes or felt.wrong.free_nl_per_day:
            self.fluid.leave(strokes if felt.wrong.turning else 0, ms, felt.wrong, self.specs)
        if not strokes:
            return
        if not felt.turns:
            if felt.still_since_ms is None:
                felt.still_since_ms = self.tick_ms - (self.phase - self.specs.cost) // flow
            self.given_back += strokes if self.prime or self.ahead else 0
            return
        felt.still_since_ms, felt.stalled = None, False
        self.strokes += strokes
        self.prime = max(0, self.prime - strokes)
        self.ahead = _moved_on(self.ahead, strokes) if self.ahead else ()
        self.believed_nl -= strokes * self.specs.stroke_nl

    def _notice(self) -> None:
        due = self._stall_due_ms()
        if due is not None and self.tick_ms >= due:
            self.felt.stalled = True

    def _stall_due_ms(self) -> int | None:
        felt = self.felt
        if felt.stalled or felt.still_since_ms is None:
            return None
        return felt.still_since_ms + self.specs.stall_ms

    def _dates(self, extra: int) -> Iterator[int]:
        """Ticks to come at which something falls due by time."""
        now, specs = self.tick_ms, self.specs
        if self.bolus is not None and extra:
            yield now + self.bolus.left // extra
        stall = self._stall_due_ms()
        if stall is not None:
            yield stall
        starts = (
            (self.stopped_at_ms, specs.stopped_long_ms),
            (self.stopped_at_ms, specs.stopped_too_long_ms),
        )
        later = ((self.reduced_ms, specs.withdrawal_ms), (self.felt.weak_since_ms, specs.weak_ms))
        for since, after_ms in (*starts, *later):
            if since is not None and since + after_ms > now:
                yield since + after_ms

    def _strokes_wanted(self) -> int | None:
        """The number of strokes after which something is otherwise."""
        felt, stroke = self.felt, self.specs.stroke_nl
        if felt.turns is (felt.still_since_ms is not None):
            return 1
        if not felt.turns:
            return None
        stage = self.prime or (self.ahead[0][0] if self.ahead else 0)
        marks = (
            -((level - self.believed_nl) // stroke) for level in (self.low_alarm_nl, self.specs.residual_nl)
        )
        return min((mark for mark in (stage, *marks) if mark > 0), default=None)

    def _due(self) -> tuple[int, int, int]:
        """Flow by order, flow of a bolus, and the ms until the order may change it."""
        if self._is_idle or self.is_still:
            return 0, 0, FAR_MS
        highest = self.specs.highest_nl_per_day
        if self.prime:
            return highest, 0, FAR_MS
        base, edge_ms = self._ordered()
        extra = min(self.bolus.rate_nl_per_day, highest - base, self.bolus.left) if self.bolus else 0
        return base, extra, edge_ms

    def _ordered(self) -> tuple[int, int]:
        drug = self.ahead[0][1] if self.ahead else self.concentration
        flows = flows_of(self.order, drug, self.specs.minimum_nl_per_day)
        if self.felt.clock_lost:
            return mean_of(flows), FAR_MS
        return flow_at(flows, self.tick_ms + self.clock_ms + self.zone_ms)


CRITICAL = frozenset(
    {
        "empty reservoir",
        "stopped too long",
        "motor stall",
        "settings lost",
        "end of service",
        "delivery guard",
        "withdrawal clock",
    }
)


def _moved_on(ahead: tuple[tuple[int, int], ...], strokes: int) -> tuple[tuple[int, int], ...]:
    left = []
    for count, drug in ahead:
        gone = min(count, strokes)
        strokes -= gone
        left += [(count - gone, drug)] if count > gone else []
    return tuple(left)
