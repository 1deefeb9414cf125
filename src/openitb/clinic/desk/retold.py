"""A system's course as the record tells it, as a case that can be run again.

Only what the clinic knows goes in: orders applied, refills recorded, readings, untreated scores,
catheter and tip. The body is the typical adult; nothing is fitted to the patient.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from openitb import catalogue, units
from openitb.body import typical_adult
from openitb.clinic.desk import instants
from openitb.clinic.record.models import DoseOutcome, DoseRecord, Patient, Score, System
from openitb.implant import Specimen
from openitb.prescription.guardrails import PatientLimits
from openitb.prescription.orders import parse_order
from openitb.world import case as cases
from openitb.world.case import Action, Case, Event, Refill, SetOrder

AS_RECORDED = "as recorded"
MODEL_SCALE = "ashworth-1-5"  # the published form, on which the model works
SPASM_SCALE = "penn-frequency"
_MM_PER_CM = 10


class RetellingError(ValueError):
    """The record lacks something that the model cannot do without; one line for a person."""


@dataclass(frozen=True, slots=True)
class Untreated:
    """Scores before treatment, means over muscle groups; None where nobody scored."""

    leg_ashworth: float
    arm_ashworth: float | None
    spasm_score: float | None


def retold(system: System, now_ms: int, until_ms: int) -> Case:
    """The course up to `until_ms`, its last order going on; what is dated after now has not happened.

    Raises `RetellingError` for a record with a gap, and what the rooms below raise for one that cannot be.
    """
    now = instants.from_ms(now_ms)
    doses = list(system.doses.filter(outcome=DoseOutcome.APPLIED, at__lte=now).order_by("at", "id"))
    if not doses:
        raise RetellingError("No order is on record for this pump.")
    start_ms = instants.to_ms(doses[0].at)
    untreated = untreated_scores(system.patient)
    return Case(
        title=system.patient.number,
        patient=_patient(system.patient, untreated),
        system=_system(system, doses[0].concentration_ug_per_ml),
        start_ms=start_ms,
        zone_offset_ms=system.pump_zone_offset_ms,
        events=_events([*_refills(system, start_ms, now_ms), *_orders(doses)]),
        until_ms=until_ms,
        every_ms=units.MS_PER_H,
        assumptions=tuple(_assumptions(system)),
    )


def untreated_scores(patient: Patient) -> Untreated:
    """The scores marked as baseline; raises `RetellingError` where the legs were never scored."""
    scores = list(patient.scores.filter(is_baseline=True))
    legs = _mean([on_model_scale(score) for score in scores if _is_tone(score, "leg")])
    if legs is None:
        raise RetellingError("No Ashworth score of the legs before treatment is on record.")
    arms = _mean([on_model_scale(score) for score in scores if _is_tone(score, "arm")])
    spasms = _mean([float(score.value) for score in scores if score.scale_id == SPASM_SCALE])
    return Untreated(legs, arms, spasms)


def on_model_scale(score: Score) -> float:
    """An Ashworth score counted from where the published form begins."""
    return float(score.value) + bounds(MODEL_SCALE)[0] - bounds(score.scale_id)[0]


def bounds(scale_id: str) -> tuple[float, float]:
    """The lowest and highest code of a scale."""
    levels = catalogue.load().scales[scale_id].levels
    return float(levels[0].code), float(levels[-1].code)


def _is_tone(score: Score, limb: str) -> bool:
    return "ashworth" in score.scale_id and limb in score.muscle_group.lower()


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _patient(patient: Patient, untreated: Untreated) -> cases.Patient:
    """Limbs and spasms nobody scored are taken as normal; who shows the course leaves them out."""
    arm, spasm = untreated.arm_ashworth, untreated.spasm_score
    return cases.Patient(
        parameters=typical_adult(),
        leg_ashworth=untreated.leg_ashworth,
        arm_ashworth=bounds(MODEL_SCALE)[0] if arm is None else arm,
        spasm_score=bounds(SPASM_SCALE)[0] if spasm is None else spasm,
        tolerance=1.0,
        limits=PatientLimits("spinal" if patient.origin == "spinal" else "cerebral"),
    )


def _system(system: System, concentration_ug_per_ml: int) -> cases.System:
    if not system.implanted_length_mm:
        raise RetellingError("The implanted length of the catheter is not on record.")
    if not system.tip_level:
        raise RetellingError("The level of the catheter tip is not on record.")
    known = catalogue.load()
    pump = known.pump(system.pump_id)
    first = system.interrogations.order_by("at", "id").first()
    return cases.System(
        pump=pump,
        catheter=known.catheter(system.catheter_id),
        implanted_length_cm=Decimal(system.implanted_length_mm) / _MM_PER_CM,
        tip=system.tip_level,
        concentration_ug_per_ml=concentration_ug_per_ml,
        fill_nl=first.reservoir_nl if first else pump.reservoir_capacity_nl,
        specimen=Specimen(),
    )


def _assumptions(system: System) -> Iterator[str]:
    if not system.interrogations.exists():
        yield "The reservoir is taken as full at the start: it was never read."


def _events(done: list[tuple[int, Action]]) -> tuple[Event, ...]:
    in_order = enumerate(sorted(done, key=lambda each: each[0]), start=1)
    return tuple(Event(number, at_ms, act, act, AS_RECORDED) for number, (at_ms, act) in in_order)


def _orders(doses: list[DoseRecord]) -> Iterator[tuple[int, Action]]:
    for dose in doses:
        yield instants.to_ms(dose.at), SetOrder(parse_order(dose.order))


def _refills(system: System, start_ms: int, now_ms: int) -> Iterator[tuple[int, Action]]:
    for refill in system.refills.all():
        at_ms = instants.to_ms(refill.at)
        if start_ms <= at_ms <= now_ms:
            yield at_ms, Refill(refill.injected_nl, refill.new_concentration_ug_per_ml, bool(refill.bridged))
