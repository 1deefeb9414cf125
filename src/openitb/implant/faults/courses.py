"""What each fault does from the instant it is laid on: spells of the pump, leaks of the path, needles.

A course is looked up by the word `lays` of its row. Everything it will do is settled here and laid
out over time; while time passes nothing is chosen any more, so a run can be replayed and cut anywhere.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from openitb import catalogue, units
from openitb.catheter import Leak
from openitb.implant.faults.parameters import FaultError, Parameters, parameters
from openitb.implant.hardware.spells import Spell, SpellKind

MOMENT_MS = units.MS_PER_S  # long enough to be felt, short enough to be an instant
GROWTH_MS = 30 * units.MS_PER_DAY
GROWTH_STEPS = 12
LATE_LOG_MS = 2 * units.MS_PER_H  # noise outlasts the stall by more than a stroke at minimum rate
ALL = 1000


@dataclass(frozen=True, slots=True)
class Setting:
    """When a fault is laid on, and the path it may fall on: its volume, and nL per cm of catheter."""

    at_ms: int
    path_nl: int
    per_cm_nl: int


@dataclass(frozen=True, slots=True)
class Needle:
    """Trouble for who fills the pump from `from_ms` on, up to `until_ms` (None: for good).

    `beside_permille` of the next fill goes into the tissue; `unreachable` lets no needle in.
    """

    from_ms: int
    until_ms: int | None
    beside_permille: int = 0
    unreachable: bool = False

    def covers(self, at_ms: int) -> bool:
        """True if it holds at that instant."""
        return self.from_ms <= at_ms and (self.until_ms is None or at_ms < self.until_ms)


@dataclass(frozen=True, slots=True)
class Laid:
    """What a fault does, part by part. `reflux_nl` of spinal fluid run up the path at once.

    The tip comes to lie `tip_levels` vertebrae nearer to the head, below zero nearer to the feet.
    """

    pump: tuple[Spell, ...] = ()
    path: tuple[Leak, ...] = ()
    needle: tuple[Needle, ...] = ()
    reflux_nl: int = 0
    tip_levels: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """How a kind of fault is laid, and the parameters it reads."""

    takes: frozenset[str]
    lay: Callable[[Parameters, Setting], Laid]


def choose(fault_id: str, given: Mapping[str, object], field: str = "fault") -> Parameters:
    """A row of the catalogue with `given` in place of its own values, as `parameters` reads them.

    Raises besides `FaultError` for a row that is an act and not a fault of a part, and says the act.
    """
    entry = catalogue.load().fault(fault_id, f"{field}.id")
    if not entry.lays:
        raise FaultError(f"{field}.id: {entry.entry_id} is no fault of a part: {entry.act}")
    return parameters(entry, given, COURSES[entry.lays].takes, field)


def lay(chosen: Parameters, setting: Setting) -> Laid:
    """What the fault does in this setting.

    Raises `FaultError` for spells that overlap and an unknown word, `ImplantError` or `CatheterError`
    for an amount that no part can have.
    """
    return COURSES[chosen.entry.lays].lay(chosen, setting)


def describe(chosen: Parameters) -> str:
    """A fault in words: its name, its row, and the values its course reads."""
    takes = sorted(COURSES[chosen.entry.lays].takes)
    values = ", ".join(f"{name.replace('_', ' ')} {chosen.facts[name].text()}" for name in takes)
    return f"{chosen.entry.name} ({chosen.entry.entry_id}): {values}"


def _spans(chosen: Parameters, at_ms: int) -> Iterator[tuple[int, int | None]]:
    """So many passing spells, then perhaps one for good."""
    repeats, for_good = chosen.count("repeats"), chosen.flag("for_good")
    every_ms, lasts_ms = chosen.ms("every"), chosen.ms("lasts")
    if repeats > 1 and lasts_ms > every_ms:
        raise FaultError("fault.lasts: longer than fault.every, expected spells that end before the next one")
    for number in range(repeats if for_good else max(1, repeats)):
        yield at_ms + number * every_ms, at_ms + number * every_ms + lasts_ms
    if for_good:
        yield at_ms + repeats * every_ms, None


def _during(kind: SpellKind, chosen: Parameters, at_ms: int) -> tuple[Spell, ...]:
    return tuple(Spell(kind, start, end) for start, end in _spans(chosen, at_ms))


def _stall(chosen: Parameters, setting: Setting) -> Laid:
    return Laid(_during(SpellKind.STILL, chosen, setting.at_ms))


def _kink(chosen: Parameters, setting: Setting) -> Laid:
    return Laid(_during(SpellKind.SHUT, chosen, setting.at_ms))


def _locked(chosen: Parameters, setting: Setting) -> Laid:
    return Laid(_during(SpellKind.LOCKED, chosen, setting.at_ms))


def _reset(chosen: Parameters, setting: Setting) -> Laid:
    at = setting.at_ms
    stall = (Spell(SpellKind.STILL, at),) if chosen.flag("stalls") else ()
    return Laid((Spell(SpellKind.RESET, at, at + MOMENT_MS), *stall))


def _battery(chosen: Parameters, setting: Setting) -> Laid:
    at, shows = setting.at_ms, chosen.word("shows")
    if shows == "reset":
        return Laid((Spell(SpellKind.RESET, at, at + MOMENT_MS),))
    if shows == "replacement":
        return Laid((Spell(SpellKind.WEAK, at), Spell(SpellKind.SPENT, at + chosen.ms("warning"))))
    if shows == "end":
        return Laid((Spell(SpellKind.SPENT, at),))
    raise FaultError(f"fault.shows: got {shows!r}, expected reset, replacement or end")


def _gain(chosen: Parameters, setting: Setting) -> Laid:
    first, grows, most = chosen.ppm("gain"), chosen.ppm("grows"), chosen.ppm("most")
    spells = [Spell(SpellKind.GAIN, setting.at_ms, None, first)]
    steps = max(0, -(-(most - first) // grows)) if grows > 0 else 0
    for number in range(1, steps + 1):
        more = min(grows, most - first - (number - 1) * grows)
        spells.append(Spell(SpellKind.GAIN, setting.at_ms + number * GROWTH_MS, None, more))
    return Laid(tuple(spells))


def _held_back(chosen: Parameters, setting: Setting) -> Laid:
    at, until = setting.at_ms, setting.at_ms + chosen.ms("lasts")
    held = (Spell(SpellKind.STILL, at, until), Spell(SpellKind.UNFELT, at, until))
    return Laid((*held, Spell(SpellKind.GAIN, until, None, chosen.ppm("gain"))))


def _unfelt(chosen: Parameters, setting: Setting) -> Laid:
    at, until = setting.at_ms, setting.at_ms + chosen.ms("lasts")
    if chosen.flag("turns"):
        return Laid((Spell(SpellKind.MISSED, at, until),))
    return Laid((Spell(SpellKind.STILL, at, until), Spell(SpellKind.UNFELT, at, until)))


def _magnet(chosen: Parameters, setting: Setting) -> Laid:
    at, out = setting.at_ms, setting.at_ms + chosen.ms("scan")
    turns = out + chosen.ms("returns")
    spells = [Spell(SpellKind.STILL, at, turns)]
    if chosen.flag("late_log"):
        spells.append(Spell(SpellKind.DISTURBED, at, turns + LATE_LOG_MS))
    if chosen.flag("captures"):
        spells.append(Spell(SpellKind.CAPTURED, at, out))
    return Laid(tuple(spells))


def _valve_dump(chosen: Parameters, setting: Setting) -> Laid:
    at, out = setting.at_ms, setting.at_ms + chosen.ms("scan")
    flow, shuts_after_nl = chosen.nl_per_day("dump"), chosen.nl("shuts_after")
    if not shuts_after_nl:
        return Laid((Spell(SpellKind.FREE_FLOW, at, out, flow),))
    shut = at + max(1, shuts_after_nl * units.MS_PER_DAY // flow)
    reset_by_hand = out + chosen.ms("lasts")
    open_for = Spell(SpellKind.FREE_FLOW, at, shut, flow)
    return Laid((open_for, Spell(SpellKind.SHUT, shut, reset_by_hand)))


def _clock(chosen: Parameters, setting: Setting) -> Laid:
    at, drift = setting.at_ms, chosen.count("drift")
    drifting = (Spell(SpellKind.DRIFT, at, None, drift),) if drift else ()
    lost = (Spell(SpellKind.CLOCK_LOST, at, at + MOMENT_MS),) if chosen.flag("lost") else ()
    return Laid((*drifting, *lost))


def _mute(chosen: Parameters, setting: Setting) -> Laid:  # noqa: ARG001  # one shape for all courses
    return Laid((Spell(SpellKind.MUTE, setting.at_ms),))


def _leak(chosen: Parameters, setting: Setting) -> Laid:
    lost, place = chosen.permille("lost"), _before_tip_nl(chosen.word("place"), setting)
    spans = _spans(chosen, setting.at_ms)
    return Laid(path=tuple(Leak(start, end, lost, place) for start, end in spans))


def _growing_leak(chosen: Parameters, setting: Setting) -> Laid:
    lost, span = chosen.permille("lost"), chosen.ms("grows_over")
    edges = [setting.at_ms + span * number // GROWTH_STEPS for number in range(1, GROWTH_STEPS + 1)]
    ends: list[int | None] = [*edges[1:], None]
    steps = enumerate(zip(edges, ends, strict=True), start=1)
    return Laid(path=tuple(Leak(start, end, lost * n // GROWTH_STEPS) for n, (start, end) in steps))


def _pocket_fill(chosen: Parameters, setting: Setting) -> Laid:
    return Laid(needle=(Needle(setting.at_ms, None, chosen.permille("beside")),))


def _unreachable(chosen: Parameters, setting: Setting) -> Laid:
    until = None if chosen.flag("for_good") else setting.at_ms + chosen.ms("lasts")
    return Laid(needle=(Needle(setting.at_ms, until, unreachable=True),))


def _reflux(chosen: Parameters, setting: Setting) -> Laid:  # noqa: ARG001  # one shape for all courses
    return Laid(reflux_nl=chosen.nl("pushed_back"))


def _migration(chosen: Parameters, setting: Setting) -> Laid:  # noqa: ARG001  # one shape for all courses
    return Laid(tip_levels=chosen.count("levels"))


def _before_tip_nl(place: str, setting: Setting) -> int:
    if place == "tip":
        return 0
    if place == "pump":
        return setting.path_nl
    length_cm = units.quantity(place, "cm", "fault.place", at_least=Decimal(0))
    return min(setting.path_nl, units.round_half_even(length_cm * setting.per_cm_nl))


_SPANS = frozenset({"repeats", "every", "lasts", "for_good"})

COURSES: dict[str, Course] = {
    "stall": Course(_SPANS, _stall),
    "kink": Course(_SPANS, _kink),
    "locked": Course(_SPANS, _locked),
    "reset": Course(frozenset({"stalls"}), _reset),
    "battery": Course(frozenset({"shows", "warning"}), _battery),
    "gain": Course(frozenset({"gain", "grows", "most"}), _gain),
    "held back then too much": Course(frozenset({"lasts", "gain"}), _held_back),
    "unfelt": Course(frozenset({"lasts", "turns"}), _unfelt),
    "magnet": Course(frozenset({"scan", "returns", "late_log", "captures"}), _magnet),
    "valve dump": Course(frozenset({"dump", "shuts_after", "scan", "lasts"}), _valve_dump),
    "clock": Course(frozenset({"drift", "lost"}), _clock),
    "mute": Course(frozenset(), _mute),
    "leak": Course(_SPANS | {"lost", "place"}, _leak),
    "growing leak": Course(frozenset({"lost", "grows_over"}), _growing_leak),
    "pocket fill": Course(frozenset({"beside"}), _pocket_fill),
    "unreachable": Course(frozenset({"lasts", "for_good"}), _unreachable),
    "reflux": Course(frozenset({"pushed_back"}), _reflux),
    "migration": Course(frozenset({"levels"}), _migration),
}
