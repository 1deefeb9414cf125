"""When a person comes to refills, as the clinic works it out: by computed volume, dose and the calculator.

The clinic's belief only: what it filled less what was ordered since. Instants are ms after midnight
(UTC) of the day of implantation; a day is whole days after it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction

from openitb import catalogue, units
from openitb.catalogue import Pump
from openitb.clinic.demo.cast import Due, House, Person, of_day_ms
from openitb.clinic.demo.doses import Given
from openitb.prescription import compile_order
from openitb.prescription.calculators import CalculationError, refill
from openitb.prescription.orders import Order

DAY_ZERO = date(2000, 1, 1)  # any day: only distances count


@dataclass(frozen=True, slots=True)
class RefillVisit:
    """A refill: what is injected, at which strength, with a bridge or not where the strength changes."""

    at_ms: int
    volume: str
    concentration_ug_per_ml: int
    bridge: bool | None

    @property
    def table(self) -> dict[str, object]:
        """The action as a case file writes it."""
        named = {"volume": self.volume, "concentration": f"{self.concentration_ug_per_ml} ug/mL"}
        return {"refill": named if self.bridge is None else {**named, "bridge": self.bridge}}


@dataclass(frozen=True, slots=True)
class Belief:
    """What the clinic computes to be in a reservoir, and how fast it goes."""

    pump: Pump
    at_ms: int
    volume_nl: Fraction
    filled_ms: int
    concentration_ug_per_ml: int
    order: Order | None = None

    def later(self, at_ms: int) -> "Belief":
        """The same reservoir at another instant; never below what cannot be drawn out."""
        if self.order is None:
            return replace(self, at_ms=at_ms)
        program = compile_order(self.order, self.concentration_ug_per_ml, self.pump)
        used = program.flow_nl_per_day * Fraction(at_ms - self.at_ms, units.MS_PER_DAY)
        left = max(self.volume_nl - used, Fraction(self.pump.residual_volume_nl))
        return replace(self, at_ms=at_ms, volume_nl=left)

    def refill_by_day(self) -> int | None:
        """The day by which it has to be refilled; None where nothing flows that would empty it."""
        if self.order is None:
            return None
        program = compile_order(self.order, self.concentration_ug_per_ml, self.pump)
        days = _refill_by(self, program.daily_dose_pg)
        longest = catalogue.load().practice["refill"].fact("clinic_maximum_interval").whole("day")
        return None if days is None else min(days, _day(self.filled_ms) + longest)


@dataclass(slots=True)
class _Walk:
    """Orders and refills in the order in which they happen."""

    person: Person
    house: House
    belief: Belief
    waiting: deque[Given]
    until_ms: int
    due: Due | None
    done: list[RefillVisit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RefillPlan:
    """The refills of a story, and the day by which the next one is due; None where nothing flows."""

    visits: tuple[RefillVisit, ...]
    next_by_day: int | None


def start_belief(person: Person) -> Belief:
    """The reservoir as filled at implantation."""
    if person.pump is None:
        raise ValueError(f"{person.number}: pump: missing, expected one")
    pump = catalogue.load().pump(person.pump.model)
    volume = Fraction(units.volume_nl(person.pump.fill, "pump.fill"))
    return Belief(pump, 0, volume, 0, start_concentration())


def start_concentration() -> int:
    """The strength a pump is first filled with."""
    return catalogue.load().limits["start"].fact("concentration").whole("ug/mL")


def plan_refills(person: Person, house: House, given: Sequence[Given], until_ms: int) -> RefillPlan:
    """Walk through the orders and come to each refill as this person does.

    Ends at `until_ms`; where the story is placed by its refill date, so many days before that date.
    """
    due = person.pump.due if person.pump else None
    walk = _Walk(person, house, start_belief(person), deque(given), until_ms, due)
    while _next_order(walk) or _next_refill(walk):
        pass
    return RefillPlan(tuple(walk.done), walk.belief.refill_by_day())


def _next_order(walk: _Walk) -> bool:
    """Give the next order if it comes before the next refill and before the end."""
    if not walk.waiting:
        return False
    order, visit_ms = walk.waiting[0], _visit_ms(walk)
    if order.at_ms > _end_ms(walk) or (visit_ms is not None and visit_ms <= order.at_ms):
        return False
    walk.waiting.popleft()
    walk.belief = replace(walk.belief.later(order.at_ms), order=order.order)
    return True


def _next_refill(walk: _Walk) -> bool:
    visit_ms = _visit_ms(walk)
    if visit_ms is None or visit_ms > _end_ms(walk) or walk.person.refills is None:
        return False
    number, belief = len(walk.done) + 1, walk.belief
    change = next((c for c in walk.person.change if c.refill == number), None)
    concentration = belief.concentration_ug_per_ml
    if change:
        concentration = units.concentration_ug_per_ml(change.concentration, "change.concentration")
    volume = walk.person.refills.volume
    filled = Fraction(belief.pump.residual_volume_nl + units.volume_nl(volume, "refills.volume"))
    walk.done.append(RefillVisit(visit_ms, volume, concentration, change.bridge if change else None))
    walk.belief = replace(
        belief, at_ms=visit_ms, volume_nl=filled, filled_ms=visit_ms, concentration_ug_per_ml=concentration
    )
    return True


def _visit_ms(walk: _Walk) -> int | None:
    """When this person comes to the next refill; None if there is none to come to."""
    by_day = walk.belief.refill_by_day()
    is_last = walk.due is not None and len(walk.done) >= walk.due.after_refills
    if by_day is None or is_last or walk.person.refills is None:
        return None
    day = max(by_day - walk.person.refills.early_days, _day(walk.belief.at_ms) + 1)
    return day * units.MS_PER_DAY + of_day_ms(walk.house.visit_at)


def _end_ms(walk: _Walk) -> int:
    """The end of the story; placed by its refill date, the same time of day so many days before it."""
    by_day = walk.belief.refill_by_day()
    if walk.due is None or by_day is None or len(walk.done) < walk.due.after_refills:
        return walk.until_ms
    return (by_day - walk.due.in_days) * units.MS_PER_DAY


def _refill_by(belief: Belief, dose_pg_per_day: int) -> int | None:
    try:
        answer = refill(
            int(belief.volume_nl),
            belief.pump.low_reservoir_alarm_nl,
            belief.concentration_ug_per_ml,
            dose_pg_per_day,
            date.fromordinal(DAY_ZERO.toordinal() + _day(belief.at_ms)),
            belief.pump,
        )
    except CalculationError:
        return None
    return answer.refill_by.toordinal() - DAY_ZERO.toordinal()


def _day(at_ms: int) -> int:
    return at_ms // units.MS_PER_DAY
