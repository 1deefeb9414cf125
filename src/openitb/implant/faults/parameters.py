"""The parameters of one fault: what the catalogue holds, with what somebody chose in its place."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from openitb import units
from openitb.catalogue import Fact, FaultEntry
from openitb.implant.errors import ImplantError

SIGNED = frozenset({"gain", "grows", "most", "drift", "levels"})  # may be below zero


class FaultError(ImplantError):
    """A fault was asked for that cannot be laid; the message is one line that names the parameter."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """A row of the catalogue and its facts, chosen ones in place of the row's own."""

    entry: FaultEntry
    facts: Mapping[str, Fact]

    def ms(self, name: str) -> int:
        """A duration."""
        return self.facts[name].whole("ms")

    def nl(self, name: str) -> int:
        """A volume."""
        return self.facts[name].whole("nL")

    def nl_per_day(self, name: str) -> int:
        """A flow."""
        return self.facts[name].whole("nL/day")

    def ppm(self, name: str) -> int:
        """A share in millionths."""
        return units.round_half_even(self.facts[name].number("percent") * 10_000)

    def permille(self, name: str) -> int:
        """A share in thousandths."""
        return units.round_half_even(self.facts[name].number("percent") * 10)

    def count(self, name: str) -> int:
        """A plain whole number."""
        return self.facts[name].whole("1")

    def flag(self, name: str) -> bool:
        """Yes or no."""
        return self.facts[name].value is True

    def word(self, name: str) -> str:
        """Words."""
        return str(self.facts[name].value)


def parameters(
    entry: FaultEntry, given: Mapping[str, object], takes: frozenset[str], field: str = "fault"
) -> Parameters:
    """A row with `given` in place of its own values; texts carry their unit, as in "6 h".

    `takes` are the names its course reads. Whoever says how long something lasts means that it ends,
    unless `for_good` says otherwise. Raises `FaultError` for an unknown name and a value of the wrong
    kind, `UnitError` for a wrong unit and a value below zero that cannot be.
    """
    known = {name: fact for name, fact in entry.facts.items() if name in takes}
    facts = dict(entry.facts)
    for name, value in given.items():
        if name not in known:
            raise FaultError(
                f"{field}.{name}: unknown for {entry.entry_id}, expected one of {', '.join(known) or 'none'}"
            )
        facts[name] = _chosen(name, known[name], value, f"{field}.{name}")
    if "lasts" in given and "for_good" in facts and "for_good" not in given:
        facts["for_good"] = facts["for_good"].model_copy(update={"value": False})
    return Parameters(entry, facts)


def _chosen(name: str, fact: Fact, value: object, field: str) -> Fact:
    if isinstance(fact.value, bool):
        if not isinstance(value, bool):
            raise FaultError(f"{field}: got {value!r}, expected true or false")
        return fact.model_copy(update={"value": value})
    if isinstance(fact.value, str):
        if not isinstance(value, str):
            raise FaultError(f"{field}: got {value!r}, expected text")
        return fact.model_copy(update={"value": value})
    return fact.model_copy(update={"value": _number(name, fact, value, field)})


def _number(name: str, fact: Fact, value: object, field: str) -> Decimal:
    if fact.unit == "1" and isinstance(value, int) and not isinstance(value, bool):
        if value < 0 and name not in SIGNED:
            raise FaultError(f"{field}: got {value}, expected a whole number, 0 or more")
        return Decimal(value)
    if not isinstance(value, str) or fact.unit == "1":
        expected = "a whole number" if fact.unit == "1" else f"a number with its unit such as '{fact.text()}'"
        raise FaultError(f"{field}: got {value!r}, expected {expected}")
    return units.quantity(value, fact.unit, field, at_least=None if name in SIGNED else 0)
