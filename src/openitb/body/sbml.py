"""One body under its inputs as SBML Level 3 Version 1, for any simulator that reads it.

Time in h, amounts in µg, concentrations in ng/mL, under the names of a course. States have rate rules,
read-outs and effects assignment rules; changes of rate, boluses, and the beginning and end of a loss of
effect are events. Tolerance and withdrawal are the differential equations of `body.adaptation`, which a
solver follows at its own steps; the course follows them at 0.25 h. Nothing is piecewise but the events:
solvers look for the crossing of each condition, and some of these hover about it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from xml.sax.saxutils import quoteattr

import numpy as np

from openitb.body.anatomy import Floats
from openitb.body.effect import Baseline, hill
from openitb.body.inputs import Inputs, Schedule, schedule
from openitb.body.mathml import Expr, above_zero, all_of, at_least, below, name, number
from openitb.body.model import Layout, Model, build
from openitb.body.parameters import BodyParameters, constant

_TINY = 1e-300  # nothing is missing to who is used to nothing
_XMLNS = "http://www.sbml.org/sbml/level3/version1/core"
_LEG, _ARM, _BRAIN = "leg_effect_site_ng_per_ml", "arm_effect_site_ng_per_ml", "brainstem_ng_per_ml"


def sbml(params: BodyParameters, inputs: Inputs, baseline: Baseline) -> str:
    """The document. Raises `BodyError` for inputs a body cannot have."""
    model = build(params)
    given = schedule(model, inputs)
    parts = _Parts()
    _drug(parts, model, given)
    _adaptation(parts, params, _start(model, given, inputs, baseline))
    _effects(parts, params, baseline)
    return _document(parts)


@dataclass(slots=True)
class _Parts:
    """What the document lists, section by section."""

    parameters: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def declare(self, named: str, value: float) -> None:
        self.parameters.append(f'<parameter id={quoteattr(named)} value="{value:.17g}" constant="false"/>')

    def state(self, named: str, value: float, rate: Expr) -> None:
        self.declare(named, value)
        self.rules.append(f"<rateRule variable={quoteattr(named)}>{rate.math()}</rateRule>")

    def reading(self, named: str, value: Expr) -> None:
        self.parameters.append(f'<parameter id={quoteattr(named)} constant="false"/>')
        self.rules.append(f"<assignmentRule variable={quoteattr(named)}>{value.math()}</assignmentRule>")

    def when(self, named: str, trigger: Expr, changes: Iterable[tuple[str, Expr]]) -> None:
        assigned = "".join(
            f"<eventAssignment variable={quoteattr(variable)}>{value.math()}</eventAssignment>"
            for variable, value in changes
        )
        self.events.append(
            f'<event id={quoteattr(named)} useValuesFromTriggerTime="true">'
            f'<trigger initialValue="false" persistent="true">{trigger.math()}</trigger>'
            f"<listOfEventAssignments>{assigned}</listOfEventAssignments></event>"
        )


@dataclass(frozen=True, slots=True)
class _Start:
    tolerance: float
    accustomed: float


def state_names(layout: Layout) -> tuple[str, ...]:
    """The name of each state, in the order of the state vector."""
    named = {index: f"csf_{number:02}_ug" for number, index in enumerate(layout.csf.tolist())}
    for kind, cells in (("superficial", layout.superficial), ("deep", layout.deep)):
        named |= {index: f"cord_{kind}_{number:02}_ug" for number, index in enumerate(cells.tolist())}
    alone = {
        "cisterna_ug": layout.cisterna,
        "upper_cranial_ug": layout.upper_cranial,
        "plasma_amount_ug": layout.plasma,
        "gut_amount_ug": layout.gut,
        "brainstem_state": layout.brainstem,
        "cleared_state_ug": layout.cleared,
        "unabsorbed_state_ug": layout.unabsorbed,
        "to_blood_state_ug": layout.to_blood,
    }
    named |= {index: called for called, index in alone.items()}
    return tuple(named[index] for index in range(layout.size))


def _drug(parts: _Parts, model: Model, given: Schedule) -> None:
    names = state_names(model.layout)
    for tip, rate in _rates(given, 0):
        parts.declare(tip, rate)
    start = given.initial_ug + _jump(given, 0)
    for k, called in enumerate(names):
        inflow = [number(per_ug[k]) * name(tip) for tip, per_ug in _tips(given) if per_ug[k]]
        parts.state(called, float(start[k]), _sum([*_terms(model.matrix[k], names), *inflow]))
    for reading, row in model.readouts.items():
        parts.reading(reading, _sum(_terms(row, names)))
    for k in range(1, len(given.at_h)):
        parts.when(f"input_{k}", at_least(name("time"), number(given.at_h[k])), _changes(given, k, names))


def _changes(given: Schedule, k: int, names: Sequence[str]) -> Iterator[tuple[str, Expr]]:
    for tip, rate in _rates(given, k):
        yield tip, number(rate)
    jump = _jump(given, k)
    for state in np.flatnonzero(jump).tolist():
        yield names[state], name(names[state]) + number(jump[state])


def _tips(given: Schedule) -> Iterator[tuple[str, Floats]]:
    """A rate for each place the tip comes to, by name, with what 1 µg/h there adds to each state."""
    for place, per_ug in enumerate(given.tips):
        yield f"tip_{place}_ug_per_h" if place else "tip_ug_per_h", per_ug


def _rates(given: Schedule, k: int) -> Iterator[tuple[str, float]]:
    """What each of them is from the k-th instant on."""
    for place, (tip, _) in enumerate(_tips(given)):
        yield tip, float(given.rate_ug_per_h[k]) if given.place[k] == place else 0.0


def _jump(given: Schedule, k: int) -> Floats:
    return np.asarray(given.jump_ug[given.jump_at == k].sum(axis=0), dtype=np.float64)


def _terms(row: Floats, names: Sequence[str]) -> list[Expr]:
    return [number(row[j]) * name(names[j]) for j in np.flatnonzero(row).tolist()]


def _sum(terms: Sequence[Expr]) -> Expr:
    return sum(terms[1:], start=terms[0]) if terms else number(0.0)


def _start(model: Model, given: Schedule, inputs: Inputs, baseline: Baseline) -> _Start:
    if inputs.initial == "empty":
        return _Start(baseline.tolerance, 0.0)
    leg = np.array([model.readouts[_LEG] @ (given.initial_ug + _jump(given, 0))])
    half = model.params.leg_ec50_ng_per_ml * baseline.tolerance
    return _Start(baseline.tolerance, float(hill(leg, half, model.params.tone_hill)[0]))


def _adaptation(parts: _Parts, params: BodyParameters, start: _Start) -> None:
    tolerance, onset, lost, used = (name(n) for n in ("tolerance", "onset", "lost", "accustomed"))
    one, gain, part = number(1.0), number(params.tolerance_gain), number(params.loss_threshold)
    parts.declare("lost", 0.0)
    parts.declare("onset", start.tolerance)
    is_lost, felt, missing = at_least(lost, number(0.5)), name("felt"), name("missing")
    leg, treated = number(params.leg_ec50_ng_per_ml), one - lost
    parts.reading("felt", _occupied(_LEG, leg * (lost * onset + treated * tolerance), params.tone_hill))
    parts.reading("occupied", _occupied(_LEG, leg * tolerance, params.tone_hill))
    parts.reading("missing", above_zero(used - felt) / (used + number(_TINY)))
    rising = (one + gain * felt - tolerance) / number(params.tolerance_time_h)
    easing = number(-1 / params.tolerance_recovery_h) * missing * (tolerance - one)
    parts.state("tolerance", start.tolerance, lost * easing + treated * rising)
    remembering = treated * (felt - used) / number(params.occupancy_memory_h)
    parts.state("accustomed", start.accustomed, remembering)
    drive = (tolerance - one) / gain * missing - name("withdrawal")
    parts.state("withdrawal", 0.0, drive / number(params.withdrawal_lag_h))
    treated = below(lost, number(0.5))
    parts.when(
        "loss_begins", all_of(treated, below(felt, part * used)), [("lost", one), ("onset", tolerance)]
    )
    parts.when("loss_ends", all_of(is_lost, at_least(felt, part * used)), [("lost", number(0.0))])
    eased = at_least(part * (onset - one), tolerance - one)
    sustained = at_least(one + gain * name("occupied"), tolerance)
    settled = [("lost", number(0.0)), ("accustomed", name("occupied"))]
    parts.when("loss_settles", all_of(is_lost, eased, sustained), settled)


def _effects(parts: _Parts, params: BodyParameters, baseline: Baseline) -> None:
    tolerance, slope = name("tolerance"), params.tone_hill
    for limb, site, untreated, ec50 in (
        ("leg", _LEG, baseline.leg_ashworth, params.leg_ec50_ng_per_ml),
        ("arm", _ARM, baseline.arm_ashworth, params.arm_ec50_ng_per_ml),
    ):
        excess = max(untreated - constant("computation", "ashworth_normal"), 0.0) * params.tone_relief
        relieved = number(untreated) - number(excess) * _occupied(site, number(ec50) * tolerance, slope)
        tone = relieved + number(params.rebound_tone) * name("withdrawal")
        parts.reading(f"{limb}_ashworth", _at_most(tone, constant("computation", "ashworth_top")))
    eased = number(1.0) - _occupied(_LEG, number(params.spasm_ec50_ng_per_ml) * tolerance, params.spasm_hill)
    spasm = number(baseline.spasm_score) * eased + number(params.rebound_spasm) * name("withdrawal")
    parts.reading("spasm_score", _at_most(spasm, constant("computation", "spasm_top")))
    reflex = _occupied(_LEG, number(params.hm_ec50_ng_per_ml) * tolerance, params.hm_hill)
    parts.reading("hm_ratio", number(1.0) - reflex)
    sedating, breathing = number(params.sedation_ec50_ng_per_ml), number(params.respiratory_ec50_ng_per_ml)
    parts.reading("sedation", _occupied(_BRAIN, sedating, params.sedation_hill))
    parts.reading("sedation_tolerant", _occupied(_BRAIN, sedating * tolerance, params.sedation_hill))
    parts.reading("respiratory_depression", _occupied(_BRAIN, breathing, params.respiratory_hill))


def _occupied(site: str, half: Expr, steepness: float) -> Expr:
    """The Hill fraction; a concentration that rounding left below 0 counts as 0."""
    ratio = (above_zero(name(site)) / half) ** number(steepness)
    return ratio / (number(1.0) + ratio)


def _at_most(value: Expr, top: float) -> Expr:
    return number(top) - above_zero(number(top) - value)


def _document(parts: _Parts) -> str:
    hour = (
        '<listOfUnitDefinitions><unitDefinition id="hour"><listOfUnits>'
        '<unit kind="second" exponent="1" scale="0" multiplier="3600"/>'
        "</listOfUnits></unitDefinition></listOfUnitDefinitions>"
    )
    sections = [("Parameters", parts.parameters), ("Rules", parts.rules), ("Events", parts.events)]
    lists = chain.from_iterable(
        [f"<listOf{kind}>", *lines, f"</listOf{kind}>"] for kind, lines in sections if lines
    )
    head = f'<sbml xmlns="{_XMLNS}" level="3" version="1">'
    model = '<model id="intrathecal_baclofen" timeUnits="hour">'
    start = '<?xml version="1.0" encoding="UTF-8"?>'
    return "\n".join([start, head, model, hour, *lists, "</model>", "</sbml>\n"])
