"""The textual form of an order: one spelling for case files, the wire and the web page.

    {mode = "stopped"}
    {mode = "minimum rate"}
    {mode = "simple continuous", dose = "200 ug/day"}
    {mode = "flex", steps = [{from = "00:00", dose_rate = "12 ug/h"}, ...]}                  every day
    {mode = "flex", patterns = [{days = ["mon", ...], steps = [...]}, ...]}                  by weekday
    {mode = "flex", steps = [{from = "00:00", dose_rate = "12 ug/h", days = ["mon"]}, ...]}  by weekday
    {mode = "periodic bolus", dose = "20 ug", duration = "30 min", interval = "6 h"}         optional
                                                       beside it: basal = "100 ug/day", first = "02:00"

`order_to_mapping` writes the canonical form; reading it back gives the same order exactly.

Holds: PRG-01.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from openitb import catalogue, units
from openitb.prescription.modes import (
    DAY_NAMES,
    EVERY_DAY,
    Flex,
    FlexPattern,
    FlexStep,
    MinimumRate,
    Order,
    OrderError,
    Periodic,
    SimpleContinuous,
    Stopped,
    format_days,
    format_duration,
    format_time_of_day,
)

DELAYED = "delayed start"  # a mode of some external pumps, recognised to be refused by name

_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")

Table = Mapping[str, object]
DayStep = tuple[tuple[int, ...], FlexStep]
Made = TypeVar("Made")


def parse_order(mapping: object, field: str = "order") -> Order:
    """Read an order from its textual form.

    Raises `OrderError` with one line that names the field for an unknown mode or key, a missing or
    wrong unit, a dose that is not above zero, steps that are unsorted, doubled or do not start at
    00:00, and weekdays that are left out or named twice.
    """
    table = _table(mapping, field, "a table with a mode")
    mode = _needed(table, "mode", field)
    if mode == DELAYED:
        told = f"got {mode!r}, expected a mode that the pump offers; none of {_without_delay()} has this one"
        raise OrderError(f"{field}.mode: {told}")
    reader = _READERS.get(mode) if isinstance(mode, str) else None
    if reader is None:
        raise OrderError(f"{field}.mode: got {mode!r}, expected one of {', '.join(map(repr, _READERS))}")
    return reader(table, field)


def _without_delay() -> str:
    """The models whose entry in the catalogue has no delayed start, which are all."""
    pumps = catalogue.load().pumps.values()
    return ", ".join(pump.name for pump in pumps if not pump.fact("delayed_start").value)


def order_to_mapping(order: Order) -> dict[str, object]:
    """The canonical textual form of an order, made of plain dicts, lists and strings."""
    match order:
        case Stopped():
            return {"mode": "stopped"}
        case MinimumRate():
            return {"mode": "minimum rate"}
        case SimpleContinuous(dose):
            return {"mode": "simple continuous", "dose": f"{_micrograms(dose)} ug/day"}
        case Flex(patterns) if len(patterns) == 1:
            return {"mode": "flex", "steps": _steps_to_list(patterns[0].steps)}
        case Flex(patterns):
            return {"mode": "flex", "patterns": [_pattern_to_mapping(pattern) for pattern in patterns]}
        case Periodic():
            return _periodic_to_mapping(order)


def describe_order(order: Order, micro: units.Micro = "µg") -> str:
    """One line for a person: `simple continuous, 200 µg/day`."""
    match order:
        case Stopped():
            return "stopped"
        case MinimumRate():
            return "minimum rate"
        case SimpleContinuous(dose):
            return f"simple continuous, {units.format_dose(dose, micro)}"
        case Flex(patterns):
            return "flex, " + "; ".join(_describe_pattern(pattern, micro) for pattern in patterns)
        case Periodic():
            return f"periodic bolus, {_describe_periodic(order, micro)}"


def _stopped(table: Table, field: str) -> Order:
    _only(table, {"mode"}, field)
    return Stopped()


def _minimum_rate(table: Table, field: str) -> Order:
    _only(table, {"mode"}, field)
    return MinimumRate()


def _simple_continuous(table: Table, field: str) -> Order:
    _only(table, {"mode", "dose"}, field)
    where = f"{field}.dose"
    dose = _quantity(units.dose_pg_per_day, _needed(table, "dose", field), where)
    return _made(lambda: SimpleContinuous(dose), field)


def _flex(table: Table, field: str) -> Order:
    _only(table, {"mode", "steps", "patterns", "days"}, field)
    if ("steps" in table) == ("patterns" in table):
        given = "both" if "steps" in table else "neither"
        raise OrderError(f"{field}: got {given} of steps and patterns, expected one of them")
    if "patterns" in table:
        _only(table, {"mode", "patterns"}, field)
        return _flex_by_pattern(table["patterns"], field)
    return _flex_by_step(table, field)


def _flex_by_pattern(given: object, field: str) -> Order:
    where = f"{field}.patterns"
    patterns = tuple(
        _pattern(item, f"{where}[{index}]") for index, item in enumerate(_list(given, where, "patterns"))
    )
    return _made(lambda: Flex(patterns), where)


def _pattern(given: object, field: str) -> FlexPattern:
    table = _table(given, field, "a table with days and steps")
    _only(table, {"days", "steps"}, field)
    days = _days(_needed(table, "days", field), f"{field}.days")
    steps = _list(_needed(table, "steps", field), f"{field}.steps", "steps")
    read = tuple(_step(step, f"{field}.steps[{index}]")[1] for index, step in enumerate(steps))
    return _made(lambda: FlexPattern(days, read), field)


def _flex_by_step(table: Table, field: str) -> Order:
    days = _days(table["days"], f"{field}.days") if "days" in table else EVERY_DAY
    if days != EVERY_DAY:
        left_out = tuple(day for day in EVERY_DAY if day not in days)
        raise OrderError(
            f"{field}.days: got {format_days(days)}, expected patterns that also say what flows on "
            f"{format_days(left_out)}"
        )
    where = f"{field}.steps"
    listed = _list(table["steps"], where, "steps")
    steps = [_step(step, f"{where}[{index}]", days_allowed=True) for index, step in enumerate(listed)]
    _require_sorted(steps, where)
    return _made(lambda: Flex(_patterns_of_days(steps)), field)


def _periodic(table: Table, field: str) -> Order:
    _only(table, {"mode", "dose", "duration", "interval", "basal", "first"}, field)
    dose = _quantity(units.mass_pg, _needed(table, "dose", field), f"{field}.dose")
    duration, interval = (
        _quantity(units.duration_ms, _needed(table, key, field), f"{field}.{key}")
        for key in ("duration", "interval")
    )
    basal = _quantity(units.dose_pg_per_day, table.get("basal", "0 ug/day"), f"{field}.basal")
    first = _time_of_day(table.get("first", "00:00"), f"{field}.first")
    return _made(lambda: Periodic(dose, duration, interval, basal, first), field)


def _require_sorted(steps: Sequence[DayStep], field: str) -> None:
    """Refuse a shuffled list even where each weekday's own steps happen to be in order."""
    starts = [step.from_ms_of_day for _, step in steps]
    if starts != sorted(starts):
        shown = ", ".join(map(format_time_of_day, starts))
        raise OrderError(f"{field}: got {shown}, expected times that increase")


def _patterns_of_days(steps: Sequence[DayStep]) -> tuple[FlexPattern, ...]:
    return tuple(FlexPattern((day,), tuple(step for days, step in steps if day in days)) for day in EVERY_DAY)


def _step(given: object, field: str, *, days_allowed: bool = False) -> DayStep:
    table = _table(given, field, "a table with from and dose_rate")
    _only(table, {"from", "dose_rate", "days"} if days_allowed else {"from", "dose_rate"}, field)
    start = _time_of_day(_needed(table, "from", field), f"{field}.from")
    rate = _quantity(units.dose_rate_pg_per_h, _needed(table, "dose_rate", field), f"{field}.dose_rate")
    days = _days(table["days"], f"{field}.days") if "days" in table else EVERY_DAY
    return days, _made(lambda: FlexStep(start, rate), field)


def _time_of_day(given: object, field: str) -> int:
    match = _TIME_OF_DAY.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise OrderError(f"{field}: got {given!r}, expected a time of day such as '08:00'")
    return int(match[1]) * units.MS_PER_H + int(match[2]) * units.MS_PER_MIN


def _days(given: object, field: str) -> tuple[int, ...]:
    names = _list(given, field, "weekdays")
    for name in names:
        if name not in DAY_NAMES:
            raise OrderError(f"{field}: got {name!r}, expected weekdays from {', '.join(DAY_NAMES)}")
        if names.count(name) > 1:
            raise OrderError(f"{field}: got {name!r} twice, expected each weekday once")
    return tuple(day for day in EVERY_DAY if DAY_NAMES[day] in names)


def _quantity(read: Callable[[object, str], int], given: object, field: str) -> int:
    try:
        return read(given, field)
    except units.UnitError as error:
        raise OrderError(str(error)) from None


def _made(make: Callable[[], Made], field: str) -> Made:
    try:
        return make()
    except OrderError as error:
        raise OrderError(f"{field}.{error}") from None


def _table(given: object, field: str, expected: str) -> Table:
    if not isinstance(given, dict | Mapping):
        raise OrderError(f"{field}: got {given!r}, expected {expected}")
    return given


def _list(given: object, field: str, what: str) -> Sequence[object]:
    if not isinstance(given, list | tuple) or not given:
        raise OrderError(f"{field}: got {given!r}, expected a list of {what}")
    return given


def _needed(table: Table, key: str, field: str) -> object:
    if key not in table:
        given = ", ".join(repr(name)[1:-1] for name in table)
        raise OrderError(f"{field}.{key}: missing, expected it beside {given or 'nothing'}")
    return table[key]


def _only(table: Table, known: set[str], field: str) -> None:
    for key in table:
        if key not in known:
            raise OrderError(f"{field}: got unknown key {key!r}, expected {', '.join(sorted(known))}")


def _micrograms(amount_pg: int) -> str:
    return units.format_number(Decimal(amount_pg) / units.PG_PER_UG, places=6)


def _steps_to_list(steps: tuple[FlexStep, ...]) -> list[dict[str, str]]:
    return [
        {
            "from": format_time_of_day(step.from_ms_of_day),
            "dose_rate": f"{_micrograms(step.dose_rate_pg_per_h)} ug/h",
        }
        for step in steps
    ]


def _pattern_to_mapping(pattern: FlexPattern) -> dict[str, object]:
    return {"days": [DAY_NAMES[day] for day in pattern.days], "steps": _steps_to_list(pattern.steps)}


def _periodic_to_mapping(order: Periodic) -> dict[str, object]:
    return {
        "mode": "periodic bolus",
        "dose": f"{_micrograms(order.dose_pg)} ug",
        "duration": f"{order.duration_ms // units.MS_PER_MIN} min",
        "interval": f"{order.interval_ms // units.MS_PER_MIN} min",
        "basal": f"{_micrograms(order.basal_pg_per_day)} ug/day",
        "first": format_time_of_day(order.first_ms_of_day),
    }


def _describe_periodic(order: Periodic, micro: units.Micro) -> str:
    """The interval also as doses a day and in a day's dose: hours once were typed as minutes (INC-01)."""
    each = f"{units.format_mass(order.dose_pg, micro)} over {format_duration(order.duration_ms)}"
    often = f"every {format_duration(order.interval_ms)} from {format_time_of_day(order.first_ms_of_day)}"
    added = f"{order.doses_per_day} a day, together {units.format_dose(order.bolus_pg_per_day, micro)}"
    return f"{each} {often} ({added}), basal {units.format_dose(order.basal_pg_per_day, micro)}"


def _describe_pattern(pattern: FlexPattern, micro: units.Micro) -> str:
    steps = ", ".join(
        f"{format_time_of_day(step.from_ms_of_day)} {units.format_dose_rate(step.dose_rate_pg_per_h, micro)}"
        for step in pattern.steps
    )
    return steps if pattern.days == EVERY_DAY else f"{format_days(pattern.days)}: {steps}"


_READERS: dict[str, Callable[[Table, str], Order]] = {
    "stopped": _stopped,
    "minimum rate": _minimum_rate,
    "simple continuous": _simple_continuous,
    "flex": _flex,
    "periodic bolus": _periodic,
}
