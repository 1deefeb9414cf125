"""What a forecast rests on, in sentences for the page that shows it."""

from openitb import catalogue
from openitb.body import BodyParameters, Dispersion, between_subject_sds, typical_adult
from openitb.body.parameters import known_by_field
from openitb.catalogue import Confidence
from openitb.cohort.prediction.bands import band_name
from openitb.cohort.prediction.history import TipHistory
from openitb.units import MS_PER_DAY, format_number

_ENTRIES: dict[Dispersion, str] = {"well_mixed": "well-mixed", "poorly_mixed": "poorly-mixed"}


def basis(history: TipHistory, parameters: BodyParameters, tolerance: float, people: int) -> tuple[str, ...]:
    """One sentence for each thing the forecast rests on, the most particular first."""
    return (
        _delivered(history),
        _carried(history, tolerance),
        *basis_of_people(parameters, people),
        "Not fitted to this patient: the patient's own untreated scores, dose history and tip level enter, "
        "the patient's response to past doses does not.",
        "Tablets and injections into the spinal fluid are left out; pump and catheter are taken to work.",
    )


def basis_of_people(parameters: BodyParameters, people: int) -> tuple[str, ...]:
    """What any band rests on: the people sampled and the body they share."""
    return _population(people), _parameters(), _dispersion(parameters)


def dispersion_of(parameters: BodyParameters) -> Dispersion | None:
    """The preset whose dispersion these parameters have, None for a value of their own."""
    for name in _ENTRIES:
        if parameters.dispersion_cm2_per_h == typical_adult(name).dispersion_cm2_per_h:
            return name
    return None


def parameters_by_confidence() -> dict[str, int]:
    """How many of the body's parameters are assumed or recalled, calibrated by us, and sourced."""
    typical, well_mixed = (catalogue.load().body[name].facts for name in ("typical-adult", "well-mixed"))
    facts = [(typical if known.name in typical else well_mixed)[known.name] for _, known in known_by_field()]
    sourced = sum(fact.confidence.is_sourced for fact in facts)
    calibrated = sum(fact.confidence == Confidence.CALIBRATED for fact in facts)
    return {"weak": len(facts) - sourced - calibrated, "calibrated": calibrated, "sourced": sourced}


def _delivered(history: TipHistory) -> str:
    window = history.window
    past, ahead = _days(window.now_ms - window.start_ms), _days(window.end_ms - window.now_ms)
    return f"Drug at the catheter tip: {past} as delivered, then {ahead} as programmed."


def _carried(history: TipHistory, tolerance: float) -> str:
    factor, days = format_number(tolerance, 2), len(history.daily_dose_ug)
    if not days:
        return f"No treatment before that; tolerance starts at a factor of {factor}."
    last = format_number(history.daily_dose_ug[-1], 1)
    return (
        f"Before that, {days} daily doses, the last of {last} µg, carry tolerance from a factor of {factor} "
        "and set what the body held."
    )


def _population(people: int) -> str:
    differing = len(between_subject_sds())
    return (
        f"The band holds {band_name()} of {people} simulated people who differ in {differing} parameters "
        "by published or assumed spreads; where the band ends is our choice."
    )


def _parameters() -> str:
    count = parameters_by_confidence()
    return (
        f"Of the body's {sum(count.values())} parameters {count['weak']} are assumed or recalled, "
        f"{count['calibrated']} fitted by us to published observations and {count['sourced']} from a source."
    )


def _dispersion(parameters: BodyParameters) -> str:
    name = dispersion_of(parameters)
    if name is None:
        return f"Dispersion along the canal: {parameters.dispersion_cm2_per_h:g} cm²/h, set for this patient."
    return f"Dispersion along the canal: preset {name.replace('_', ' ')}; published measurements disagree."


def _days(span_ms: int) -> str:
    days = format_number(span_ms / MS_PER_DAY, 1)
    return f"{days} day" if days == "1" else f"{days} days"
