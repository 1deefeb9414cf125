"""The coming days, with a band from the population: the record's course run again and carried on."""

from dataclasses import dataclass

from openitb import catalogue, cohort, units
from openitb.body import Baseline, BodyError
from openitb.catalogue import CatalogueError
from openitb.clinic.desk import changes, retold
from openitb.clinic.desk.changes import Emptying
from openitb.clinic.desk.ports import Band, NoOutlook, Outlook, Prediction
from openitb.clinic.desk.retold import AS_RECORDED, RetellingError
from openitb.clinic.record.models import System
from openitb.cohort import CohortError, Forecast, ForecastRequest, Sampling, Subject, Window
from openitb.implant import ImplantError
from openitb.prescription import compile_order
from openitb.prescription.orders import Order, OrderError
from openitb.world import case as cases
from openitb.world.case import Case, SetOrder
from openitb.world.casefile import CaseError
from openitb.world.simulate import run_system

REAL_PUMP = "Predictions are made for virtual implants only."
UNRECORDED = "The pump runs an order that is not the record's last; the pump's own is carried on."
SEED = 20
UNABLE = (RetellingError, CaseError, CohortError, BodyError, CatalogueError, OrderError, ImplantError)

_UNSCORED = {
    "arm_ashworth": "Arm tone is left out: it was not scored before treatment.",
    "spasm_score": "Spasms are left out: they were not scored before treatment.",
}


@dataclass(frozen=True, slots=True)
class Stock:
    """What can still flow out of the reservoir, by the pump's count."""

    left_nl: int
    concentration_ug_per_ml: int


@dataclass(frozen=True, slots=True)
class Running:
    """What the pump itself says that it runs, since when by its log, and what it has left."""

    order: Order
    since_ms: int
    stock: Stock | None = None


@dataclass(frozen=True, slots=True)
class _View:
    """What is not shown, and what the reader has to know about this record."""

    left_out: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    """One series of a forecast as the page shows it."""

    key: str
    label: str
    unit: str
    scale_min: float
    scale_max: float | None


def outlook(system: System, running: Running, proposed: Order | None, now_ms: int) -> Outlook | NoOutlook:
    """The days around now as the pump runs and, if an order is given, with that from now on."""
    if not system.is_virtual:
        return NoOutlook(REAL_PUMP)
    try:
        return _outlook(system, running, proposed, now_ms)
    except UNABLE as error:
        return NoOutlook(str(error))


def _outlook(system: System, running: Running, proposed: Order | None, now_ms: int) -> Outlook:
    until_ms = now_ms + catalogue.load().practice["forecast"].fact("ahead").whole("ms")
    told = retold.retold(system, now_ms, until_ms)
    case = _with_what_runs(told, running, now_ms)
    view = _view(system, told, case)
    current = _forecast(case, now_ms)
    if proposed is None:
        return Outlook(_prediction(current, view))
    ahead = _forecast(cases.with_event(case, now_ms, SetOrder(proposed), AS_RECORDED), now_ms)
    found = changes.changes(current, ahead, view.left_out)
    words = changes.headline(found, _emptying(system, running, proposed, now_ms), current)
    return Outlook(_prediction(current, view), _prediction(ahead, view), words, found)


def _emptying(system: System, running: Running, proposed: Order, now_ms: int) -> Emptying:
    stock = running.stock
    if stock is None:
        return Emptying()
    if stock.left_nl <= 0:
        return Emptying(already=True)
    as_now_ms = _empty_at_ms(system.pump_id, running.order, stock, now_ms)
    return Emptying(as_now_ms, _empty_at_ms(system.pump_id, proposed, stock, now_ms))


def _empty_at_ms(pump_id: str, order: Order, stock: Stock, now_ms: int) -> int | None:
    program = compile_order(order, stock.concentration_ug_per_ml, catalogue.load().pump(pump_id))
    if not program.flow_nl_per_day:
        return None
    return now_ms + int(stock.left_nl / program.flow_nl_per_day * units.MS_PER_DAY)


def _with_what_runs(told: Case, running: Running, now_ms: int) -> Case:
    """The case with the pump's own order after the last recorded one, where they differ."""
    orders = [event for event in told.events if isinstance(event.action, SetOrder)]
    last = orders[-1]
    if isinstance(last.action, SetOrder) and last.action.order == running.order:
        return told
    at_ms = min(max(running.since_ms, last.at_ms), now_ms)
    return cases.with_event(told, at_ms, SetOrder(running.order), AS_RECORDED)


def _view(system: System, told: Case, case: Case) -> _View:
    """What is shown of a prediction, and what it had to fill in or leave out of this record."""
    untreated = retold.untreated_scores(system.patient)
    left_out = tuple(key for key in _UNSCORED if getattr(untreated, key) is None)
    unrecorded = () if case is told else (UNRECORDED,)
    return _View(left_out, (*unrecorded, *told.assumptions, *(_UNSCORED[key] for key in left_out)))


def _forecast(case: Case, now_ms: int) -> Forecast:
    rules = catalogue.load().practice["forecast"]
    course, _ = run_system(case)
    if course is None or case.system is None:
        raise RetellingError("There is no pump to predict for.")
    start_ms = max(case.start_ms, now_ms - rules.fact("window").whole("ms"))
    history = cohort.tip_history(course.outflow, case.start_ms, Window(start_ms, now_ms, case.until_ms))
    person = case.patient
    untreated = Baseline(person.leg_ashworth, person.arm_ashworth, person.spasm_score, person.tolerance)
    subject = Subject(person.parameters, untreated, case.system.tip)
    return cohort.forecast(ForecastRequest(subject, history, Sampling(rules.fact("people").whole("1"), SEED)))


def _prediction(made: Forecast, view: _View) -> Prediction:
    means = f"Middle line: median of {made.people} simulated people. Band: {made.band_name} of them."
    bands = tuple(_band(made, one) for one in _shown() if one.key not in view.left_out)
    return Prediction(bands, made.now_ms, means, made.band_name, (*view.remarks, *made.basis))


def _shown() -> tuple[_Shown, ...]:
    tone, spasms = retold.bounds(retold.MODEL_SCALE), retold.bounds(retold.SPASM_SCALE)
    return (
        _Shown("leg_ashworth", "Leg tone, Ashworth 1-5", "points", *tone),
        _Shown("arm_ashworth", "Arm tone, Ashworth 1-5", "points", *tone),
        _Shown("spasm_score", "Spasms, Penn 0-4", "points", *spasms),
        _Shown("sedation_tolerant", "Sedation, fraction of full effect", "", 0.0, 1.0),
        _Shown("respiratory_depression", "Respiratory depression, fraction of full effect", "", 0.0, 1.0),
        _Shown("withdrawal", "Withdrawal drive, fraction of full effect", "", 0.0, 1.0),
        _Shown("tip_ug_per_h", "Drug at the catheter tip", "µg/h", 0.0, None),
    )


def _band(made: Forecast, shown: _Shown) -> Band:
    band = made.series[shown.key]
    return Band(
        key=shown.key,
        label=shown.label,
        unit=shown.unit,
        at_ms=tuple(int(at) for at in made.time_ms),
        middle=tuple(band.median.tolist()),
        low=tuple(band.low.tolist()),
        high=tuple(band.high.tolist()),
        scale_min=shown.scale_min,
        scale_max=shown.scale_max,
    )
