"""Loss of effect and too much effect: an ordered path, and what the findings so far speak for.

The order of the steps is fixed; findings and a fitted patient's fault probabilities only move the shares of
the causes. A step is barred while it would be dangerous. Rules: clinical.md 2.4, 2.6, device.md 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from openitb import catalogue
from openitb.catalogue import Entry
from openitb.prescription.answers import (
    Answer,
    CalculationError,
    SourceNote,
    Step,
    fact_number,
    notes,
    number,
    practice,
)

Path = Literal["loss of effect", "too much effect"]
StepState = Literal["done", "next", "open", "barred"]

_STEPS: dict[Path, str] = {"loss of effect": "trouble-loss", "too much effect": "trouble-over"}
_CAUSES: dict[Path, str] = {"loss of effect": "causes-loss", "too much effect": "causes-over"}
_PREFIX = "finding-"
_ABOUT = frozenset({"told", "step", "alone"})
# What a fitted patient's twin calls a cause; "none" is left to those it does not know.
_TWIN = {
    "tolerance": "tolerance",
    "catheter fault": "catheter",
    "stall or under-delivery": "stall",
    "over-delivery": "over",
    "none": "",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is known: findings by name, steps finished without one, and the twin's fault probabilities.

    Refuses with `CalculationError` unknown names, findings that exclude each other, and probabilities
    that are none.
    """

    path: Path
    findings: frozenset[str] = frozenset()
    finished: frozenset[str] = frozenset()
    twin: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_names("findings", self.findings, findings_of(self.path))
        _require_names("finished", self.finished, tuple(practice(_STEPS[self.path]).facts))
        _require_names("twin", frozenset(self.twin), tuple(_TWIN))
        _require_together(self.findings)
        if any(not 0 <= chance <= 1 for chance in self.twin.values()) or sum(self.twin.values()) > 1 + 1e-9:
            raise CalculationError("twin: got chances outside 0 to 1 in all, expected probabilities")


@dataclass(frozen=True, slots=True)
class PathStep:
    """One step: how it stands, why it is asked, and why it is barred if it is."""

    name: str
    what: str
    state: StepState
    why: str
    sources: tuple[SourceNote, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause with its share of all, and the findings that speak for and against it."""

    name: str
    what: str
    share: Fraction
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleAnswer(Answer):
    """The path with its next step, the causes by share, and whether it is an emergency; None is not known."""

    path: tuple[PathStep, ...]
    next_step: str | None
    causes: tuple[Cause, ...]
    is_emergency: bool | None


def findings_of(path: Path) -> tuple[str, ...]:
    """The findings that can be made at the steps of a path."""
    steps = practice(_STEPS[path]).facts
    return tuple(name for name, entry in _findings().items() if entry.fact("step").text() in steps)


def troubleshoot(known: Trouble) -> TroubleAnswer:
    """Where the path stands, and what the evidence so far speaks for."""
    path = _path(known)
    return TroubleAnswer(
        path=path,
        next_step=next((step.name for step in path if step.state == "next"), None),
        causes=_causes(known),
        is_emergency=_emergency(known),
        steps=tuple(Step(_findings()[name].name, name, "text") for name in sorted(known.findings)),
        sources=notes(practice("trouble-rules"), "point_factor"),
    )


@lru_cache(maxsize=1)
def _findings() -> dict[str, Entry]:
    listed = catalogue.load().practice
    return {name.removeprefix(_PREFIX): entry for name, entry in listed.items() if name.startswith(_PREFIX)}


def _path(known: Trouble) -> tuple[PathStep, ...]:
    entry, found = practice(_STEPS[known.path]), False
    path = []
    for name in entry.facts:
        state, why = _stands(known, name)
        if state == "open" and not found:
            state, found = "next", True
        told = why or _reason(entry, name)
        path.append(PathStep(name, entry.fact(name).text(), state, told, notes(entry, name)))
    return tuple(path)


def _stands(known: Trouble, name: str) -> tuple[StepState, str]:
    """Done, open or barred; an emergency stays at its first step until somebody says it is over."""
    if name == "stabilise" and "unstable" in known.findings:
        return "open", "an emergency: nothing goes before this"
    if name in known.finished or any(_step_of(each) == name for each in known.findings):
        return "done", ""
    barred = _barred(known, name)
    return ("barred", barred) if barred else ("open", "")


def _barred(known: Trouble, name: str) -> str:
    if name == "contrast" and "port_free" not in known.findings:
        return "barred until fluid came freely from the port: contrast would push drug from the catheter"
    if name == "nuclear" and "stable" not in known.findings:
        return "barred until the patient is stable: it takes days"
    if name == "nuclear" and "port_dry" not in known.findings:
        return "barred unless the port was dry: contrast shows more"
    return ""


def _reason(entry: Entry, name: str) -> str:
    rules, own = practice("trouble-rules"), entry.fact(name).note
    if f"yield_{name}" not in rules.facts:
        return own
    share = number(fact_number(rules, f"yield_{name}", "percent"))
    return f"found {share} % of catheter faults in one series; {own}".rstrip("; ")


def _emergency(known: Trouble) -> bool | None:
    if "unstable" in known.findings:
        return True
    return False if "stable" in known.findings else None


def _causes(known: Trouble) -> tuple[Cause, ...]:
    entry = practice(_CAUSES[known.path])
    weights = {name: prior * _evidence(known, name) for name, prior in _priors(known, entry).items()}
    whole = sum(weights.values()) or Fraction(1)
    causes = (_cause(known, entry, name, weight / whole) for name, weight in weights.items())
    return tuple(sorted(causes, key=lambda cause: (-cause.share, cause.name)))


def _cause(known: Trouble, entry: Entry, name: str, share: Fraction) -> Cause:
    points = {finding: _points(finding, name) for finding in sorted(known.findings)}
    return Cause(
        name=name,
        what=entry.fact(name).note,
        share=share,
        speaks_for=tuple(finding for finding, value in points.items() if value > 0),
        speaks_against=tuple(finding for finding, value in points.items() if value < 0),
    )


def _priors(known: Trouble, entry: Entry) -> dict[str, Fraction]:
    """The catalogue's shares; with a twin mostly its own, the rest left to causes it does not know."""
    listed = {name: fact_number(entry, name, "1") for name in entry.facts}
    told = {_TWIN[label]: Fraction(chance) for label, chance in known.twin.items() if _TWIN[label] in listed}
    if not told:
        return listed
    trust = fact_number(practice("trouble-rules"), "twin_trust", "1")
    unknown = sum((share for name, share in listed.items() if name not in told), Fraction(0))
    rest = max(Fraction(0), 1 - sum(told.values(), Fraction(0))) / unknown
    return {
        name: trust * told.get(name, rest * share) + (1 - trust) * share for name, share in listed.items()
    }


def _evidence(known: Trouble, cause: str) -> Fraction:
    factor = fact_number(practice("trouble-rules"), "point_factor", "1")
    return factor ** sum(_points(finding, cause) for finding in known.findings)


def _points(finding: str, cause: str) -> int:
    facts = _findings()[finding].facts
    return int(facts[cause].number()) if cause in facts and cause not in _ABOUT else 0


def _step_of(finding: str) -> str:
    return _findings()[finding].fact("step").text()


def _require_names(given_as: str, given: frozenset[str], known: tuple[str, ...]) -> None:
    for name in sorted(given - set(known)):
        raise CalculationError(f"{given_as}: got {name!r}, expected one of {', '.join(known)}")


def _require_together(findings: frozenset[str]) -> None:
    seen: dict[str, str] = {}
    for name in sorted(findings):
        if not _findings()[name].fact("alone").value:
            continue
        other = seen.setdefault(_step_of(name), name)
        if other != name:
            raise CalculationError(f"findings: got {other} and {name}, expected one of them")
