"""The SBML document says what the model says: its mathematics is evaluated here, apart from the writer."""

from collections.abc import Callable, Mapping
from math import prod
from xml.etree import ElementTree as Xml

import numpy as np
import pytest

from openitb.body import Baseline, Inputs, LumbarBolus, OralDose, run, typical_adult
from openitb.body.anatomy import position_cm
from openitb.body.model import build
from openitb.body.sbml import sbml, state_names
from openitb.timeline import Timeline
from openitb.units import MS_PER_H

SBML, MATH = "{http://www.sbml.org/sbml/level3/version1/core}", "{http://www.w3.org/1998/Math/MathML}"
BODY, START = typical_adult(), Baseline(4.0, 3.0, 3.0, tolerance=2.0)
STEPS = Timeline((0, 5 * MS_PER_H), (10.0, 4.0), 40 * MS_PER_H, "ug/h")
INPUTS = Inputs(
    tip=STEPS, initial=12.5, lumbar_boluses=(LumbarBolus(3.0, 50.0),), oral=(OralDose(0.0, 10_000.0),)
)
DOCUMENT = Xml.fromstring(sbml(BODY, INPUTS, START))  # noqa: S314  # our own text
MODEL = build(BODY)
NAMES = state_names(MODEL.layout)

OPERATORS: Mapping[str, Callable[[list[float]], float]] = {
    "plus": sum,
    "times": prod,
    "minus": lambda of: of[0] - of[1],
    "divide": lambda of: of[0] / of[1],
    "power": lambda of: of[0] ** of[1],
    "lt": lambda of: float(of[0] < of[1]),
    "geq": lambda of: float(of[0] >= of[1]),
    "abs": lambda of: abs(of[0]),
    "and": lambda of: float(all(of)),
}


def value(node: Xml.Element, known: Mapping[str, float]) -> float:
    """What an expression comes to."""
    tag = node.tag.removeprefix(MATH)
    if tag == "math":
        return value(node[0], known)
    if tag == "cn":
        return float(f"{node.text}e{node[0].tail}")
    if tag == "ci":
        return known[node.text or ""]
    if tag == "csymbol":
        return known["time"]
    return OPERATORS[node[0].tag.removeprefix(MATH)]([value(part, known) for part in node[1:]])


def rules(kind: str) -> dict[str, Xml.Element]:
    return {rule.attrib["variable"]: rule[0] for rule in DOCUMENT.iter(f"{SBML}{kind}")}


def initial() -> dict[str, float]:
    given = {p.attrib["id"]: p.attrib.get("value") for p in DOCUMENT.iter(f"{SBML}parameter")}
    return {name: float(text) for name, text in given.items() if text is not None}


def read(known: dict[str, float]) -> dict[str, float]:
    """Assignment rules on top of known values, in whatever order they can be read."""
    waiting = rules("assignmentRule")
    while waiting:
        for name, math in list(waiting.items()):
            needs = {ci.text for ci in math.iter(f"{MATH}ci")}
            if not needs & set(waiting):
                known[name] = value(math, known)
                del waiting[name]
    return known


def test_every_state_moves_as_the_models_matrix_says() -> None:
    state = np.random.default_rng(1).uniform(0, 5, MODEL.layout.size)
    known = {**initial(), **dict(zip(NAMES, state.tolist(), strict=True)), "tip_ug_per_h": 7.0}
    rates = rules("rateRule")
    said = [value(rates[name], known) for name in NAMES]
    meant = MODEL.matrix @ state + 7.0 * MODEL.infusion(position_cm(BODY, "T12"))
    np.testing.assert_allclose(said, meant, rtol=1e-12, atol=1e-12)


def test_readings_at_the_start_are_those_of_the_course() -> None:
    course = run(BODY, INPUTS, START, np.array([0.0]))
    known = read(initial())
    for name, series in course.items():
        if name not in {"tip_sample_ng_per_ml", "dosed_ug"}:
            assert known[name] == pytest.approx(series.values[0], rel=1e-9, abs=1e-9), name


def test_each_change_of_input_is_an_event_at_its_time() -> None:
    at = []
    for event in DOCUMENT.iter(f"{SBML}event"):
        if event.attrib["id"].startswith("input_"):
            trigger = event.find(f"{SBML}trigger")
            assert trigger is not None
            before, after = ({**initial(), "time": time} for time in (0.0, 1e9))
            assert (value(trigger[0], before), value(trigger[0], after)) == (0.0, 1.0)
            at.append(float(f"{trigger[0][0][2].text}e{trigger[0][0][2][0].tail}"))
    assert at == [3.0, 5.0, 40.0]


def test_a_bolus_adds_its_dose_and_keeps_the_rate() -> None:
    event = next(e for e in DOCUMENT.iter(f"{SBML}event") if e.attrib["id"] == "input_1")
    changes = {c.attrib["variable"]: c[0] for c in event.iter(f"{SBML}eventAssignment")}
    known = initial()
    assert value(changes.pop("tip_ug_per_h"), known) == 10.0
    added = sum(value(math, known) - known[name] for name, math in changes.items())
    assert added == pytest.approx(50.0)


def test_a_loss_of_effect_begins_when_half_of_what_one_is_used_to_is_gone() -> None:
    events = {e.attrib["id"]: e for e in DOCUMENT.iter(f"{SBML}event")}
    begins = events["loss_begins"].find(f"{SBML}trigger")
    assert begins is not None
    for felt, expected in ((0.41, 0.0), (0.39, 1.0)):
        assert value(begins[0], {"lost": 0.0, "felt": felt, "accustomed": 0.8}) == expected
    assert value(begins[0], {"lost": 1.0, "felt": 0.0, "accustomed": 0.8}) == 0.0
