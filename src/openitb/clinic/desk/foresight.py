"""The coming days: the course rebuilt from the record, carried on, with a band from the population.

Only what the clinic knows goes in: orders applied, refills recorded, baseline scores, catheter and
tip. The body is the typical adult and people sampled around it; nothing is fitted to the patient.
"""

from collections.abc import Iterator
from decimal import Decimal

from openitb import catalogue, cohort, units
from openitb.body import Baseline, BodyError, typical_adult
from openitb.catalogue import CatalogueError
from openitb.clinic.desk.ports import Band, OrderMapping, Prediction
from openitb.clinic.record.models import DoseOutcome, Patient, Score, System
from openitb.clinic.record.queries import active_system
from openitb.cohort import CohortError, ForecastRequest, Sampling, Subject, Window
from openitb.implant import Specimen
from openitb.prescription.guardrails import PatientLimits
from openitb.prescription.orders import OrderError, parse_order
from openitb.world import case as cases
from openitb.world.case import Action, Case, Event, Refill, SetOrder
from openitb.world.casefile import CaseError
from openitb.world.simulate import run_system

SHOWN = (
    ("leg_ashworth", "Leg tone, Ashworth 1-5", "points", 1.0, 5.0),
    ("arm_ashworth", "Arm tone, Ashworth 1-5", "points", 1.0, 5.0),
    ("spasm_score", "Spasms, Penn 0-4", "points", 0.0, 4.0),
    ("sedation_tolerant", "Sedation, fraction of full effect", "", 0.0, 1.0),
    ("withdrawal", "Withdrawal drive", "", 0.0, 1.0),
    ("tip_ug_per_h", "Drug at the catheter tip", "µg/h", 0.0, None),
)
SEED = 20
_RECORDED = "as recorded"


def prediction(patient: Patient, order: OrderMapping | None, now_ms: int) -> Prediction | None:
    """The days around now under `order`, or under what runs; None where nothing can be rebuilt."""
    system = active_system(patient)
    if system is None or not system.is_virtual:
        return None
    try:
        made = _forecast(patient, system, order, now_ms)
    except (CaseError, CohortError, BodyError, CatalogueError, OrderError):
        return None
    return None if made is None else _shown(made)


def _forecast(
    patient: Patient, system: System, order: OrderMapping | None, now_ms: int
) -> cohort.Forecast | None:
    rules = catalogue.load().practice["forecast"]
    until_ms = now_ms + rules.fact("ahead").whole("ms")
    case = rebuilt(patient, system, until_ms)
    if case is None:
        return None
    if order is not None:
        case = cases.with_event(case, now_ms, SetOrder(parse_order(order)), _RECORDED)
    course, _ = run_system(case)
    if course is None:
        return None
    start_ms = max(case.start_ms, now_ms - rules.fact("window").whole("ms"))
    history = cohort.tip_history(course.outflow, case.start_ms, Window(start_ms, now_ms, until_ms))
    people = int(rules.fact("people").number("1"))
    subject = Subject(case.patient.parameters, _baseline(case), system.tip_level or "T12")
    return cohort.forecast(ForecastRequest(subject, history, Sampling(people, SEED)))


def rebuilt(patient: Patient, system: System, until_ms: int) -> Case | None:
    """The course of a system as the record tells it, as a case; None without an order or baseline."""
    doses = sorted(system.doses.filter(outcome=DoseOutcome.APPLIED), key=lambda dose: dose.at)
    baseline = _baselines(patient)
    if not doses or baseline is None:
        return None
    known = catalogue.load()
    pump = known.pump(system.pump_id)
    start_ms = _ms(doses[0].at.timestamp())
    orders = [(_ms(d.at.timestamp()), SetOrder(parse_order(d.order))) for d in doses]
    done: list[tuple[int, Action]] = [*orders, *_refills(system, start_ms)]
    events = sorted(done, key=lambda each: each[0])
    return Case(
        title=patient.number,
        patient=cases.Patient(typical_adult(), *baseline, 1.0, _limits(patient)),
        system=cases.System(
            pump=pump,
            catheter=known.catheter(system.catheter_id),
            implanted_length_cm=Decimal(system.implanted_length_mm or 0) / 10,
            tip=system.tip_level or "T12",
            concentration_ug_per_ml=doses[0].concentration_ug_per_ml,
            fill_nl=pump.reservoir_capacity_nl,
            specimen=Specimen(),
        ),
        start_ms=start_ms,
        zone_offset_ms=system.pump_zone_offset_ms,
        events=tuple(
            Event(number, at_ms, action, action, _RECORDED)
            for number, (at_ms, action) in enumerate(events, start=1)
        ),
        until_ms=until_ms,
        every_ms=units.MS_PER_H,
        assumptions=(),
    )


def _limits(patient: Patient) -> PatientLimits:
    return PatientLimits("spinal" if patient.origin == "spinal" else "cerebral")


def _refills(system: System, start_ms: int) -> Iterator[tuple[int, Refill]]:
    for refill in system.refills.all():
        at_ms = _ms(refill.at.timestamp())
        if at_ms >= start_ms:
            bridged = bool(refill.bridged)
            yield at_ms, Refill(refill.injected_nl, refill.new_concentration_ug_per_ml, bridged)


def _baselines(patient: Patient) -> tuple[float, float, float] | None:
    scores = list(patient.scores.filter(is_baseline=True))
    legs = [_published(s) for s in scores if "leg" in s.muscle_group.lower() and "ashworth" in s.scale_id]
    arms = [_published(s) for s in scores if "arm" in s.muscle_group.lower() and "ashworth" in s.scale_id]
    spasms = [float(s.value) for s in scores if s.scale_id.startswith("penn-frequency")]
    if not legs:
        return None
    return _mean(legs), _mean(arms or [1.0]), _mean(spasms or [0.0])


def _published(score: Score) -> float:
    """An Ashworth score on the published 1 to 5 form that the model works on."""
    return float(score.value) + (0.0 if score.scale_id == "ashworth-1-5" else 1.0)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _baseline(case: Case) -> Baseline:
    person = case.patient
    return Baseline(person.leg_ashworth, person.arm_ashworth, person.spasm_score, person.tolerance)


def _shown(made: cohort.Forecast) -> Prediction:
    at_ms = tuple(int(at) for at in made.time_ms)
    bands = []
    for key, label, unit, low, high in SHOWN:
        band = made.series[key]
        bands.append(
            Band(
                key=key,
                label=label,
                unit=unit,
                at_ms=at_ms,
                middle=tuple(band.median.tolist()),
                low=tuple(band.low.tolist()),
                high=tuple(band.high.tolist()),
                scale_min=low,
                scale_max=high,
            )
        )
    means = f"Middle line: median of {made.people} simulated people. Band: {made.band_name} of them."
    return Prediction(tuple(bands), means, made.basis)


def _ms(seconds: float) -> int:
    return round(seconds * units.MS_PER_S)
