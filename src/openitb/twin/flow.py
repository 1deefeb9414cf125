"""How truly this pump delivers, from what came out of it at refills.

A pump's flow gain g is what it delivers for each unit it counts. Between healthy pumps g is taken as
normal about 1; a visit that counted the volume D and misses the volume y says y = (g - 1) D + e with
e normal from two syringe readings. Prior and readings are both normal, so the answer is too (conjugate
normal updating). A fault that comes and goes is not in this model: `healthy_tail` says when the readings
do not fit it.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

from scipy.special import gammaincc, ndtr, ndtri

from openitb.catalogue import Pump
from openitb.prescription.answers import Answer, SourceNote, Step, notes, practice, source_note
from openitb.twin.records import EmptiedReservoir, check_visits
from openitb.units import NL_PER_ML, format_number, format_volume

CATHETER_CAUTION = (
    "A volume as expected does not clear the catheter: with a disconnected, leaking or kinked catheter "
    "the pump may still empty as programmed."
)
_PERCENT = 100
_ENTRY = "residual-inference"


@dataclass(frozen=True, slots=True)
class Gain:
    """Belief about the flow gain: normal, in parts (1 is exactly as counted)."""

    mean: float
    sd: float

    def quantile(self, part: float) -> float:
        """The gain below which it lies with this probability."""
        return self.mean + float(ndtri(part)) * self.sd


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The gain before any refill, and how far a syringe is misread (SD, nL)."""

    gain: Gain
    drawing_sd_nl: float
    filling_sd_nl: float

    @property
    def reading_sd_nl(self) -> float:
        """SD of a visit's difference: this time's reading when emptying, last time's when filling."""
        return sqrt(self.drawing_sd_nl**2 + self.filling_sd_nl**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToInfer(Answer):
    """No visit says anything about this pump; `gain` is that of healthy pumps in general."""

    reason: str
    gain: Gain


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowInference(Answer):
    """What the visits say. `gain_low` to `gain_high` hold the gain with the probability `band`.

    `outside_accuracy` is the probability that the gain lies outside what the label allows;
    `healthy_tail` how often a healthy pump and honest syringes would give readings at least as far off
    (one that is `strange` calls for another explanation than flow gain).
    """

    visits: int
    gain: Gain
    gain_low: float
    gain_high: float
    band: float
    outside_accuracy: float
    healthy_tail: float
    strange: bool
    notes: tuple[str, ...]


def usual_assumptions() -> Assumptions:
    """The catalogue's: `residual-inference` and the spread between pumps, all of it assumed."""
    spread = practice("delivery-accuracy").fact("gain_spread")
    gain = Gain(1.0 + _rule("gain_mean", "1"), float(spread.number("1")))
    return Assumptions(gain, _rule("drawing_sd", "nL"), _rule("filling_sd", "nL"))


def infer_flow(
    visits: tuple[EmptiedReservoir, ...], pump: Pump, assumptions: Assumptions | None = None
) -> FlowInference | NothingToInfer:
    """What refill visits say about the flow gain of this pump.

    Visits with no delivery before them (the first fill, a stopped pump) say nothing and are left out.
    Raises `TwinError` for volumes the pump cannot hold and two visits at one instant.
    """
    check_visits(visits, pump)
    assumed = assumptions or usual_assumptions()
    telling = tuple(visit for visit in sorted(visits, key=lambda visit: visit.at_ms) if visit.delivered_nl)
    if not telling:
        reason = "no refill visit with a delivery before it" if visits else "no refill visit on record"
        steps = (_prior_step(assumed),)
        return NothingToInfer(reason=reason, gain=assumed.gain, steps=steps, sources=_sources(pump))
    return _inferred(telling, pump, assumed)


def updated(visits: tuple[EmptiedReservoir, ...], assumed: Assumptions) -> Gain:
    """The belief after the visits: precisions add, means weigh by precision."""
    prior, noise = assumed.gain.sd**-2, assumed.reading_sd_nl**-2
    precision = prior + noise * sum(visit.delivered_nl**2 for visit in visits)
    pull = noise * sum(visit.delivered_nl * visit.missing_nl for visit in visits)
    mean_error = (prior * (assumed.gain.mean - 1.0) + pull) / precision
    return Gain(1.0 + mean_error, precision**-0.5)


def healthy_tail(visits: tuple[EmptiedReservoir, ...], assumed: Assumptions) -> float:
    """Probability of readings at least as far off, over all visits, from pump and syringes as assumed.

    The squared distance of all visits together is chi-squared with as many degrees of freedom as visits.
    """
    scale = assumed.reading_sd_nl
    off = [visit.missing_nl - (assumed.gain.mean - 1.0) * visit.delivered_nl for visit in visits]
    alone = sum((y / scale) ** 2 for y in off)
    shared = sum(visit.delivered_nl * y for visit, y in zip(visits, off, strict=True)) / scale**2
    explained = shared**2 * updated(visits, assumed).sd ** 2
    return float(gammaincc(len(visits) / 2, max(alone - explained, 0.0) / 2))


def outside(gain: Gain, accuracy: float) -> float:
    """Probability that the gain is further from 1 than `accuracy`."""
    below = float(ndtr((1.0 - accuracy - gain.mean) / gain.sd))
    return below + float(ndtr((gain.mean - 1.0 - accuracy) / gain.sd))


def percent(gain: float) -> str:
    """A gain as its error with sign: 1.03 prints as `+3 %`."""
    return f"{'+' if gain > 1 else ''}{format_number((gain - 1.0) * _PERCENT, 1)} %"


def _inferred(visits: tuple[EmptiedReservoir, ...], pump: Pump, assumed: Assumptions) -> FlowInference:
    gain, band = updated(visits, assumed), _rule("band", "1")
    tail = healthy_tail(visits, assumed)
    strange = tail < _rule("strange", "1")
    accuracy = float(pump.flow_accuracy)
    beyond = outside(gain, accuracy)
    return FlowInference(
        visits=len(visits),
        gain=gain,
        gain_low=gain.quantile((1 - band) / 2),
        gain_high=gain.quantile((1 + band) / 2),
        band=band,
        outside_accuracy=beyond,
        healthy_tail=tail,
        strange=strange,
        notes=(*_strange_note(strange), CATHETER_CAUTION),
        steps=(
            _prior_step(assumed),
            *(_visit_step(visit) for visit in visits),
            _step(f"flow gain after {len(visits)} visits, error {percent(gain.mean)}", gain.mean, "1"),
            _step("standard deviation of the gain", gain.sd, "1"),
            _step(f"probability of an error beyond {format_number(accuracy * _PERCENT, 1)} %", beyond, "1"),
            _step("probability that a healthy pump and honest syringes read as far off", tail, "1"),
        ),
        sources=_sources(pump),
    )


def _strange_note(strange: bool) -> tuple[str, ...]:
    if not strange:
        return ()
    return (
        "These readings hardly fit a healthy pump: check syringe and scale, emptying, the volume "
        "programmed at the last fill, and then stall, leak and pocket fill.",
    )


def _prior_step(assumed: Assumptions) -> Step:
    sd = format_number(assumed.gain.sd * _PERCENT, 1)
    return _step(f"gain of healthy pumps, standard deviation {sd} %", assumed.gain.mean, "1")


def _visit_step(visit: EmptiedReservoir) -> Step:
    expected, drawn = format_volume(visit.expected_nl), format_volume(visit.aspirated_nl)
    text = f"{expected} expected, {drawn} drawn out after {format_volume(visit.delivered_nl)} delivered"
    return Step(text, Fraction(visit.aspirated_nl - visit.expected_nl, NL_PER_ML), "mL")


def _step(text: str, value: float, unit: str) -> Step:
    """A step with its value as printed, to six digits."""
    return Step(text, Fraction(f"{value:.6g}"), unit)


def _sources(pump: Pump) -> tuple[SourceNote, ...]:
    own = notes(practice(_ENTRY), "gain_mean", "drawing_sd", "filling_sd", "band", "strange")
    spread = source_note(practice("delivery-accuracy"), "gain_spread")
    return (spread, *own, source_note(pump, "flow_accuracy"))


def _rule(name: str, unit: str) -> float:
    return float(practice(_ENTRY).fact(name).number(unit))
