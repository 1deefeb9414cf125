"""What the rules of the therapy say of a filled sheet, and what the record already knows for an empty one.

A room of the path gives its kinds a check, which asks `guidance`, and an offer, which fills boxes. A check
returns findings; `stop` refuses the sheet, `caution` asks to be seen before it is kept, `note` is shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from openitb.clinic.record.models import Patient

Level = Literal["stop", "caution", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a rule says: how strongly, what, by which rule, and the ids of what it rests on."""

    level: Level
    text: str
    rule: str = ""
    sources: tuple[str, ...] = ()
    confidence: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the record keeps it."""
        return asdict(self)


Check = Callable[[Patient, Mapping[str, Any]], tuple[Finding, ...]]
Offer = Callable[[Patient], Mapping[str, Any]]
_CHECKS: dict[str, Check] = {}
_OFFERS: dict[str, Offer] = {}


def checks(kind_id: str) -> Callable[[Check], Check]:
    """Make a function the check of a kind."""

    def kept(check: Check) -> Check:
        _CHECKS[kind_id] = check
        return check

    return kept


def findings(kind_id: str, patient: Patient, content: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What the kind's check says, nothing for a kind without one."""
    check = _CHECKS.get(kind_id)
    return () if check is None else check(patient, content)


def offers(kind_id: str) -> Callable[[Offer], Offer]:
    """Make a function what fills the boxes of a new sheet of a kind, by values of the record."""

    def kept(offer: Offer) -> Offer:
        _OFFERS[kind_id] = offer
        return offer

    return kept


def offered(kind_id: str, patient: Patient) -> Mapping[str, Any]:
    """What the record already knows, nothing for a kind without an offer."""
    offer = _OFFERS.get(kind_id)
    return {} if offer is None else offer(patient)
