"""Faults by chance: when one comes, and how it turns out. The generator is an argument."""

from decimal import Decimal
from math import log
from typing import Protocol

from openitb import catalogue, units
from openitb.catalogue import Fact, FaultEntry
from openitb.implant.faults.parameters import Parameters


class Chance(Protocol):
    """Gives numbers from 0 up to, not including, 1, each as likely: `random.Random`, or NumPy's generator."""

    def random(self) -> float:
        """The next one."""
        ...


def drawn(fault_id: str, chance: Chance) -> Parameters:
    """A row with each value that has a range (`x_low` to `x_high`) taken evenly from it.

    A magnet's late return and late log come by their shares. `CatalogueError` for an unknown row.
    """
    entry = catalogue.load().fault(fault_id)
    facts = dict(entry.facts)
    for name, fact in entry.facts.items():
        if f"{name}_low" in facts and isinstance(fact.value, Decimal):
            facts[name] = _between(fact, facts[f"{name}_low"], facts[f"{name}_high"], chance)
    if "late_share" in facts and _happens(facts["late_share"], chance):
        facts["returns"] = _between(facts["returns"], facts["late_low"], facts["late_high"], chance)
    if "late_log_share" in facts:
        happens = _happens(facts["late_log_share"], chance)
        facts["late_log"] = facts["late_log"].model_copy(update={"value": happens})
    return Parameters(entry, facts)


def first_ms(entry: FaultEntry, chance: Chance, times: float = 1.0) -> int | None:
    """How long after implantation the fault comes; None for a row without a hazard in time.

    Weibull: `failed` of all pumps by `failed_by`, with `shape`; after `not_before`, where a row has it.
    `times` multiplies the hazard, for runs that must see rare things.
    """
    if "failed" not in entry.facts:
        return None
    share = float(entry.fact("failed").number("percent")) / 100
    by_ms, shape = entry.fact("failed_by").whole("ms"), float(entry.fact("shape").number())
    survival_log = -log(1 - share) * times
    wait: float = by_ms * (-log(1 - chance.random()) / survival_log) ** (1 / shape)
    not_before = entry.facts.get("not_before")
    return round(wait) + (not_before.whole("ms") if not_before else 0)


def per_refill(entry: FaultEntry, chance: Chance, times: float = 1.0) -> bool:
    """True if a refill goes wrong in this way; never for a row without such a rate."""
    rate = entry.facts.get("per_refill")
    return rate is not None and chance.random() < float(rate.number("percent")) / 100 * times


def _happens(share: Fact, chance: Chance) -> bool:
    return chance.random() < float(share.number("percent")) / 100


def _between(fact: Fact, low: Fact, high: Fact, chance: Chance) -> Fact:
    bottom, top = low.number(fact.unit), high.number(fact.unit)
    share = Decimal(units.round_half_even(Decimal(chance.random()) * 1_000_000)) / 1_000_000
    return fact.model_copy(update={"value": bottom + (top - bottom) * share})
