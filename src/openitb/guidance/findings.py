"""What a stage's rules say, one at a time: a criterion that is met, not met or unknown, with its reason.

A criterion that cannot be judged is unknown: never met, and never quietly left out.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from openitb.catalogue import Entry
from openitb.prescription.answers import Answer, CalculationError, Step, notes

Verdict = Literal["met", "not met", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion(Answer):
    """One thing a rule asks: `rule` is its stable name, `what` it asks, `why` it was judged so.

    `steps` are the inputs it was judged on, `blocks` says that nothing goes on while it is not met.
    """

    rule: str
    what: str
    verdict: Verdict
    why: str
    blocks: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice(Answer):
    """One thing to do or to watch: `rule` is its stable name, `what` it asks, `why` it is asked."""

    rule: str
    what: str
    why: str = ""


def advice(entry: Entry, name: str, why: str = "", steps: tuple[Step, ...] = ()) -> Advice:
    """A fact of the catalogue that is itself an instruction: its text, with its note as the reason."""
    fact = entry.fact(name)
    return Advice(
        rule=f"{entry.entry_id}.{name}",
        what=fact.text(),
        why=why or fact.note,
        steps=steps,
        sources=notes(entry, name),
    )


def verdict(is_met: bool | None) -> Verdict:
    """True, False and None as words."""
    if is_met is None:
        return "unknown"
    return "met" if is_met else "not met"


def at_least(value: Fraction | None, limit: Fraction) -> bool | None:
    """Whether a value reaches a limit; None if it is not known."""
    return None if value is None else value >= limit


def any_of(*answers: bool | None) -> bool | None:
    """One yes is enough; a no needs all of them."""
    if True in answers:
        return True
    return None if None in answers else False


def every(criteria: tuple[Criterion, ...]) -> bool | None:
    """Whether all blocking criteria are met; None if none is not met but some are unknown."""
    judged = {criterion.verdict for criterion in criteria if criterion.blocks}
    if "not met" in judged:
        return False
    return None if "unknown" in judged else True


def require_known(field: str, given: frozenset[str], known: Entry | tuple[str, ...]) -> None:
    """Refuse a name the catalogue does not hold, with `CalculationError`."""
    names = tuple(known.facts) if isinstance(known, Entry) else known
    for name in sorted(given - set(names)):
        raise CalculationError(f"{field}: got {name!r}, expected one of {', '.join(names)}")


def questioned(entry: Entry, yes: frozenset[str], no: frozenset[str]) -> tuple[Criterion, ...]:
    """Each fact of an entry as something that has to be so, with the answers given so far.

    Refuses unknown names and a name answered both ways with `CalculationError`.
    """
    require_known("yes", yes, entry)
    require_known("no", no, entry)
    require_one_answer(yes, no)
    return tuple(_asked(entry, name, _answer(name, yes, no)) for name in entry.facts)


def require_one_answer(yes: frozenset[str], no: frozenset[str]) -> None:
    """Refuse a question answered yes and no, with `CalculationError`."""
    for name in sorted(yes & no):
        raise CalculationError(f"{name}: got yes and no, expected one answer")


def _answer(name: str, yes: frozenset[str], no: frozenset[str]) -> bool | None:
    return name in yes if name in yes | no else None


def _asked(entry: Entry, name: str, is_so: bool | None) -> Criterion:
    told = {True: "yes", False: "no", None: "not asked"}[is_so]
    return Criterion(
        rule=name.replace("_", "-"),
        what=entry.fact(name).text(),
        verdict=verdict(is_so),
        why=told,
        steps=(Step(entry.fact(name).text(), told, "text"),),
        sources=notes(entry, name),
    )
