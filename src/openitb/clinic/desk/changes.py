"""What an order changes of the coming days, in figures, with the main consequence as one sentence."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from openitb import catalogue, cohort, units
from openitb.clinic.desk import instants
from openitb.clinic.desk.ports import Change
from openitb.cohort import Forecast
from openitb.cohort.prediction.bands import Spread

TONE = {
    "leg_ashworth": "Leg tone, Ashworth 1-5",
    "arm_ashworth": "Arm tone, Ashworth 1-5",
    "spasm_score": "Spasms, Penn 0-4",
}
DRIVES = {
    "withdrawal": "Withdrawal drive",
    "sedation_tolerant": "Sedation, tolerance counted",
    "sedation": "Sedation, not used to the drug",
    "respiratory_depression": "Respiratory depression",
}
_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Emptying:
    """When the pump counts itself empty under either order; None for not at all. `already` if it does now."""

    as_now_ms: int | None = None
    new_ms: int | None = None
    already: bool = False


def changes(current: Forecast, proposed: Forecast, left_out: tuple[str, ...]) -> tuple[Change, ...]:
    """Tone and spasms at the catalogue's instants and at their highest, then the drives at theirs."""
    compared = cohort.compare(current, proposed)
    return tuple(
        change
        for key in (*TONE, *DRIVES)
        if key not in left_out
        for change in _of_series(key, compared, current, proposed)
    )


def headline(found: tuple[Change, ...], emptying: Emptying, current: Forecast) -> str:
    """The main consequence: a reservoir that runs empty before everything, else what changes most."""
    until_ms = int(current.time_ms[-1])
    if emptying.already:
        return "The reservoir is empty by the pump's count: neither order delivers until it is refilled."
    if said := _runs_empty(emptying, until_ms):
        worst = _told(change for change in found if _is_risk(change) or _is_worst_tone(change))
        return f"{said} At the highest: {worst}." if worst else said
    if not any(change.differs for change in found):
        return f"Hardly different from the order that runs, in the {_days(current)} shown."
    if risen := _told(change for change in found if _is_risk(change)):
        return f"Rises: {risen}."
    most = max(found, key=lambda change: change.size)
    return f"Changes most: {_told([most])} ({most.name})."


def _of_series(
    key: str, compared: tuple[cohort.Change, ...], current: Forecast, proposed: Forecast
) -> Iterator[Change]:
    highest = f"highest in {_days(current)}"
    now = current.series[key].at(int((current.time_ms <= current.now_ms).sum()) - 1)
    peaks = current.peaks[key], proposed.peaks[key]
    if key in DRIVES:
        yield _change(f"{highest.capitalize()}, 0 to 1", DRIVES[key], now, *peaks)
        return
    for one in compared:
        if one.key == key:
            yield _change(TONE[key], one.when, one.now, one.current, one.proposed)
    yield _change(TONE[key], highest, now, *peaks)


def _change(group: str, name: str, now: Spread, current: Spread, proposed: Spread) -> Change:
    size = abs(proposed.median - current.median)
    return Change(
        group=group,
        name=name,
        now=_number(now.median),
        as_now=_number(current.median),
        new=_number(proposed.median),
        band=f"{_number(proposed.low)} to {_number(proposed.high)}",
        size=size,
        differs=size >= float(catalogue.load().practice["forecast"].fact("noticeable").number("1")),
    )


def _runs_empty(emptying: Emptying, until_ms: int) -> str:
    old, new = _day(emptying.as_now_ms, until_ms), _day(emptying.new_ms, until_ms)
    if new:
        as_now = f"about {old}" if old else "not in the days shown"
        return f"Under the new order the reservoir runs empty about {new} (as now: {as_now})."
    return f"As now the reservoir runs empty about {old}; under the new order it lasts longer." if old else ""


def _is_risk(change: Change) -> bool:
    """Too much or too little drug, noticeably more than as now."""
    return change.differs and change.name in DRIVES.values() and float(change.new) > float(change.as_now)


def _is_worst_tone(change: Change) -> bool:
    return change.differs and change.group == TONE["leg_ashworth"] and change.name.startswith("highest")


def _told(found: Iterable[Change]) -> str:
    """`respiratory depression 0.92 instead of 0`, the largest difference first."""
    ordered = sorted(found, key=lambda change: -change.size)
    return "; ".join(f"{_short(change)} {change.new} instead of {change.as_now}" for change in ordered)


def _short(change: Change) -> str:
    words = change.name if change.name in DRIVES.values() else change.group
    return words[0].lower() + words[1:]


def _day(at_ms: int | None, until_ms: int) -> str:
    if at_ms is None or at_ms > until_ms:
        return ""
    return f"{instants.from_ms(instants.wall_of_ms(at_ms)):%Y-%m-%d}"


def _days(one: Forecast) -> str:
    return f"{units.format_number((int(one.time_ms[-1]) - one.now_ms) / units.MS_PER_DAY, 1)} days"


def _number(value: float) -> str:
    return units.format_number(value, _DIGITS)
