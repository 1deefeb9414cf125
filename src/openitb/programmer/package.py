"""The package whose drug is filled in: a coded product, its lot and when it expires.

A product is chosen by its code in the catalogue, never described. What has expired, was recalled or is for
another route is refused, and so is a strength that the product does not come in.

Holds: RES-04, RES-08, RES-09.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from openitb import catalogue, units
from openitb.catalogue import Drug
from openitb.programmer.entry import EntryError

ROUTE = "intrathecal"
RECALLED = "recalled_lots"
_STRENGTH = "strength_"


@dataclass(frozen=True, slots=True)
class Package:
    """What the label says. `expires` is the last day on which it may be used."""

    product: str
    lot: str
    expires: date


def read_product(text: str) -> str:
    """The code of a product; `EntryError` for anything the catalogue does not hold."""
    if text not in catalogue.load().drugs:
        codes = ", ".join(code for code, drug in catalogue.load().drugs.items() if _strengths(drug))
        raise EntryError(f"product: got {text!r:.60}, expected a code such as {codes}")
    return text


def read_expiry(text: str) -> str:
    """A calendar date as it is kept, year first; `EntryError` for any other form."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise EntryError(f"expiry: got {text!r:.40}, expected a date such as 2027-03-31") from None


def faults(package: Package, concentration_ug_per_ml: int, today: date) -> Iterator[tuple[str, str]]:
    """Why the package may not be filled in: the field, and what is wrong with it."""
    drug = catalogue.load().drug(package.product)
    route = drug.fact("route").text()
    if route != ROUTE:
        yield "product", f"got {drug.name} for the {route} route, expected {ROUTE}"
    if today > package.expires:
        yield "expiry", f"got {package.expires}, which was before {today}"
    if package.lot.casefold() in recalled_lots(drug):
        yield "lot", f"got {package.lot}, which was recalled"
    strengths = _strengths(drug)
    if strengths and concentration_ug_per_ml not in strengths:
        shown = units.format_concentration(concentration_ug_per_ml)
        known = ", ".join(units.format_concentration(strength) for strength in strengths)
        yield "concentration", f"got {shown}, expected a strength that {drug.name} comes in: {known}"


def recalled_lots(drug: Drug) -> frozenset[str]:
    """The lots of a product that were called back, in small letters."""
    fact = drug.facts.get(RECALLED)
    return frozenset(lot.strip().casefold() for lot in fact.text().split(",")) if fact else frozenset()


def _strengths(drug: Drug) -> tuple[int, ...]:
    """The strengths a product comes in; none for one that is made to order."""
    named = (fact for name, fact in drug.facts.items() if name.startswith(_STRENGTH))
    return tuple(sorted(fact.whole("ug/mL") for fact in named))
