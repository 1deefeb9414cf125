"""The side-by-side of a review: every setting as it is and as it would be, derived values beside them.

Holds: PRG-03, PRG-08, BOL-14, DEL-19, TIM-03.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from openitb import units
from openitb.prescription.answers import CalculationError
from openitb.prescription.boluses import PatientBolus, SingleBolus
from openitb.prescription.calculators import RefillAnswer, refill
from openitb.prescription.orders import describe_order, format_duration
from openitb.prescription.program import Program
from openitb.programmer.actions import ADJUSTMENT_LABEL, AllowAdjustment, ForbidAdjustment, ForbidBolus
from openitb.programmer.plan import Plan
from openitb.programmer.review import pump_date
from openitb.protocol import PatientBolusReport

NONE = "none"


@dataclass(frozen=True, slots=True)
class Row:
    """One setting. `is_derived` is true for what follows from other rows and cannot be entered."""

    label: str
    old: str
    new: str
    is_derived: bool = False

    @property
    def changed(self) -> bool:
        """True if old and new differ."""
        return self.old != self.new


def compare(plan: Plan) -> tuple[Row, ...]:
    """All rows, the ones that stay the same included: everything is reviewed before anything is sent."""
    return (*_orders(plan), *_reservoir(plan), *_stages(plan), *_boluses(plan), *_action(plan), *_clock(plan))


def _orders(plan: Plan) -> Iterator[Row]:
    read, new = plan.reading.interrogation, plan.new
    yield Row("Order", describe_order(read.order), describe_order(plan.order))
    old_strength, strength = read.concentration_ug_per_ml, plan.concentration_ug_per_ml
    shown = units.format_concentration
    yield Row("Concentration", shown(old_strength), shown(strength))
    yield Row("Daily dose", _dose(plan.old), _dose(new), is_derived=True)
    yield Row("Flow, mean", _flow(plan.old), _flow(new), is_derived=True)
    change = _change(plan)
    yield Row("Change of dose", "" if plan.replaces_program else change, change, is_derived=True)


def _reservoir(plan: Plan) -> Iterator[Row]:
    held, low = plan.reading.interrogation.reservoir, plan.draft.low_alarm_nl
    old_low, new_low = held.low_alarm_nl, held.low_alarm_nl if low is None else low
    yield Row("Reservoir, in all", _ml(held.volume_nl), _ml(plan.volume_nl))
    yield Row("Low-reservoir alarm", _ml(old_low), _ml(new_low))
    before = _dates(
        plan, plan.old, held.volume_nl, old_low, plan.reading.interrogation.concentration_ug_per_ml
    )
    after = _dates(plan, plan.new, plan.volume_nl, new_low, plan.concentration_ug_per_ml)
    yield Row("Low reservoir on", _low(before), _low(after), is_derived=True)
    yield Row("Refill by", _by(before), _by(after), is_derived=True)


def _stages(plan: Plan) -> Iterator[Row]:
    under_way = {stage.kind.value: _ml(stage.left_nl) for stage in plan.reading.interrogation.stages}
    prime, bridge = plan.draft.prime_nl or 0, plan.draft.bridge_nl or 0
    strength, old_strength = plan.concentration_ug_per_ml, plan.reading.interrogation.concentration_ug_per_ml
    given_up = plan.replaces_program or plan.draft.injected_nl is not None
    stays = NONE if given_up else under_way.get("prime", NONE)
    yield Row("Prime", under_way.get("prime", NONE), _stage(prime, strength) if prime else stays)
    kept = under_way.get("bridge", NONE) if plan.draft.injected_nl is None else NONE
    yield Row("Bridge", under_way.get("bridge", NONE), _stage(bridge, old_strength) if bridge else kept)
    if prime and plan.new is not None:
        total = units.format_mass(plan.new.daily_dose_pg + prime * strength)
        yield Row("First 24 h, prime and order", "", total, is_derived=True)


def _boluses(plan: Plan) -> Iterator[Row]:
    """A bolus in dose and volume, its rule in words, and the most that 24 h can hold with it."""
    allowed, bolus = plan.reading.interrogation.patient_bolus, plan.draft.bolus
    old = NONE if allowed is None else _on_request(PatientBolus(*_terms(allowed)))
    if isinstance(bolus, PatientBolus):
        yield Row("Bolus on request", old, _on_request(bolus))
    elif allowed is not None and not isinstance(plan.draft.action, ForbidBolus):
        yield Row("Bolus on request", old, old)
    if isinstance(bolus, SingleBolus):
        shown = f"{units.format_mass(bolus.dose_pg)} over {format_duration(bolus.duration_ms)}"
        yield Row("Single bolus", NONE, f"{shown}, {_ml(plan.bolus_nl)}")
    if bolus is not None and plan.new is not None:
        most = units.format_mass(plan.new.daily_dose_pg + bolus.most_pg_in_day)
        yield Row("Most in 24 h, boluses included", "", most, is_derived=True)


def _action(plan: Plan) -> Iterator[Row]:
    """What an action changes; a permission to adjust is told also where it stays."""
    action, allowed = plan.draft.action, plan.reading.interrogation.patient_adjustment
    if action is not None:
        yield Row(*action.row(plan.reading))
    if allowed is not None and not isinstance(action, AllowAdjustment | ForbidAdjustment):
        _, old, _ = ForbidAdjustment().row(plan.reading)
        yield Row(ADJUSTMENT_LABEL, old, old if plan.draft.order is None else NONE)


def _on_request(bolus: PatientBolus) -> str:
    each = f"{units.format_mass(bolus.dose_pg)} over {format_duration(bolus.duration_ms)}"
    return f"{each}, again after {format_duration(bolus.lockout_ms)}, at most {bolus.most_per_day} in 24 h"


def _terms(allowed: PatientBolusReport) -> tuple[int, int, int, int]:
    return allowed.dose_pg, allowed.duration_ms, allowed.lockout_ms, allowed.most_per_day


def _clock(plan: Plan) -> Iterator[Row]:
    old = plan.reading.interrogation.zone_offset_ms
    new = plan.draft.zone_offset_ms
    before, after = (f"{zone_text(zone)}, no summer time" for zone in (old, old if new is None else new))
    yield Row("Pump clock, ahead of UTC", before, after)
    apart = plan.reading.interrogation.at_ms - plan.reading.received_at_ms
    minutes = f"{units.format_number(apart / units.MS_PER_MIN, 1)} min"
    yield Row("Pump clock, ahead of the programmer", minutes, minutes if new is None else "0 min")


def zone_text(offset_ms: int) -> str:
    """`3600000` prints as `+01:00`."""
    hours, minutes = divmod(abs(offset_ms) // units.MS_PER_MIN, units.MS_PER_H // units.MS_PER_MIN)
    return f"{'-' if offset_ms < 0 else '+'}{hours:02d}:{minutes:02d}"


def _change(plan: Plan) -> str:
    last = plan.history.last_effective_dose_pg_per_day
    if plan.new is None or not last:
        return "no dose before to compare with"
    percent = (plan.new.daily_dose_pg / last - 1) * 100
    return f"{units.format_number(percent, 1)} % of the last effective {units.format_dose(last)}"


def _dates(
    plan: Plan, program: Program | None, volume_nl: int, low_nl: int, strength: int
) -> RefillAnswer | None:
    day = pump_date(plan.made_at_ms, plan.reading.interrogation.zone_offset_ms)
    if program is None:
        return None
    try:
        return refill(volume_nl, low_nl, strength, program.daily_dose_pg, day, plan.pump)
    except CalculationError:
        return None


def _low(dates: RefillAnswer | None) -> str:
    return "not under this order" if dates is None else dates.low_reservoir_date.isoformat()


def _by(dates: RefillAnswer | None) -> str:
    return "not under this order" if dates is None else dates.refill_by.isoformat()


def _dose(program: Program | None) -> str:
    return "the pump cannot run it" if program is None else units.format_dose(program.daily_dose_pg)


def _flow(program: Program | None) -> str:
    if program is None:
        return "the pump cannot run it"
    return units.format_flow(units.divide_nearest(*program.flow_nl_per_day.as_integer_ratio()), 6)


def _stage(volume_nl: int, strength: int) -> str:
    return f"{_ml(volume_nl)}, {units.format_mass(volume_nl * strength)}" if volume_nl else NONE


def _ml(volume_nl: int) -> str:
    return units.format_volume(volume_nl)
