"""What is done in a case: the kinds of event, and how each is read from the case file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from openitb import units
from openitb.implant.faults import Parameters, choose
from openitb.prescription.orders import Order, Stopped, parse_order
from openitb.world.casefile import CaseError, EventTable
from openitb.world.reading import level, reading, require_plausible, when_ms

_ACTIONS = ("order", "refill", "lumbar_bolus", "oral", "stop", "fault")
_GATED = ("order", "refill", "stop")
_MOST_DOSES = 100_000


@dataclass(frozen=True, slots=True)
class SetOrder:
    """Program the pump."""

    order: Order


@dataclass(frozen=True, slots=True)
class Refill:
    """Empty down to the residual volume, inject, tell the pump the label concentration."""

    volume_nl: int
    concentration_ug_per_ml: int
    bridge: bool | None


@dataclass(frozen=True, slots=True)
class LumbarBolus:
    """Drug injected by lumbar puncture at a vertebral level."""

    dose_pg: int
    level: str


@dataclass(frozen=True, slots=True)
class Oral:
    """Tablets: first at the event, then every `every_ms`, last before `for_ms` has passed."""

    dose_pg: int
    every_ms: int
    for_ms: int


@dataclass(frozen=True, slots=True)
class LayFault:
    """Something goes wrong with a part; nobody is told but by what the parts show."""

    chosen: Parameters
    by_chance: bool = False


Action = SetOrder | Refill | LumbarBolus | Oral | LayFault


@dataclass(frozen=True, slots=True)
class Event:
    """What is meant to happen at an instant, and what truly happens if a mistake is made."""

    number: int
    at_ms: int
    action: Action
    truth: Action
    override: str | None

    @property
    def is_mistake(self) -> bool:
        """True if the truth differs from what everybody believes."""
        return self.truth != self.action


def read_event(number: int, table: EventTable, start_ms: int) -> Event:
    """Give one `[[event]]` its meaning; `CaseError` names the event and what is wrong with it."""
    place = f"event {number}"
    name = _name(place, table)
    written = getattr(table, name).model_dump(mode="json", by_alias=True, exclude_none=True)
    action = _action(place, name, written)
    _require_plausible(place, action)
    truth = action
    if table.mistake is not None and name == "fault":
        raise CaseError(f"{place}: mistake: got one for a fault, which nobody means to happen")
    if table.mistake is not None:
        truth = _action(f"{place}: mistake", name, _mistaken(place, name, written, table.mistake))
    if table.override is not None and name not in _GATED:
        raise CaseError(f"{place}: override: got one for {name}, expected it only for {', '.join(_GATED)}")
    override = (table.override or "").strip() or None
    return Event(number, when_ms(table.at, start_ms, f"{place}: at"), action, truth, override)


def _name(place: str, table: EventTable) -> str:
    names = [name for name in _ACTIONS if getattr(table, name) is not None]
    if len(names) != 1:
        given = " and ".join(names) or "none"
        raise CaseError(f"{place}: got {given}, expected exactly one of {', '.join(_ACTIONS)}")
    return names[0]


def _mistaken(place: str, name: str, written: dict[str, Any], mistake: dict[str, Any]) -> dict[str, Any]:
    """The action as it really happened: keys replaced, or an order of another mode as a whole."""
    another_mode = "mode" in mistake and mistake["mode"] != written.get("mode")
    merged = mistake if another_mode else {**written, **mistake}
    try:
        EventTable.model_validate({"at": "0 h", name: merged})
    except ValueError:
        merged = {}
    if not (mistake and merged):
        known = ", ".join(written) or "none"
        raise CaseError(f"{place}: mistake: got {mistake!r}, expected keys of {name} ({known})")
    return merged


def _action(place: str, name: str, written: Mapping[str, Any]) -> Action:
    readers: dict[str, Callable[[str, Mapping[str, Any]], Action]] = {
        "order": lambda where, table: SetOrder(parse_order(table, f"{where}: order")),
        "stop": lambda _where, _table: SetOrder(Stopped()),
        "refill": _refill,
        "lumbar_bolus": _lumbar_bolus,
        "oral": _oral,
        "fault": _fault,
    }
    return reading(f"{place}: ", lambda: readers[name](place, written))


def _refill(place: str, table: Mapping[str, Any]) -> Refill:
    return Refill(
        units.volume_nl(table["volume"], f"{place}: refill.volume"),
        units.concentration_ug_per_ml(table["concentration"], f"{place}: refill.concentration"),
        table.get("bridge"),
    )


def _lumbar_bolus(place: str, table: Mapping[str, Any]) -> LumbarBolus:
    dose_pg = units.mass_pg(table["dose"], f"{place}: lumbar_bolus.dose")
    return LumbarBolus(dose_pg, level(table["level"], f"{place}: lumbar_bolus.level"))


def _oral(place: str, table: Mapping[str, Any]) -> Oral:
    every_ms = units.duration_ms(table["every"], f"{place}: oral.every")
    for_ms = units.duration_ms(table["for"], f"{place}: oral.for")
    if every_ms < units.MS_PER_MIN:
        raise CaseError(f"{place}: oral.every: got {table['every']}, expected at least 1 min")
    if not 0 < for_ms <= _MOST_DOSES * every_ms:
        most = f"at most {_MOST_DOSES} doses"
        raise CaseError(f"{place}: oral.for: got {table['for']}, expected above 0 h and {most}")
    return Oral(units.mass_pg(table["dose"], f"{place}: oral.dose"), every_ms, for_ms)


def _fault(place: str, table: Mapping[str, Any]) -> LayFault:
    given = {name: value for name, value in table.items() if name != "id"}
    return LayFault(choose(table["id"], given, f"{place}: fault"))


def _require_plausible(place: str, action: Action) -> None:
    """What is meant must be plausible; a mistake need not be."""
    match action:
        case LumbarBolus():
            require_plausible(action.dose_pg, "baclofen", "ug/day", f"{place}: lumbar_bolus.dose")
        case Oral():
            require_plausible(action.dose_pg, "baclofen-oral", "ug", f"{place}: oral.dose")
