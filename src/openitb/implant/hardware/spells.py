"""What is wrong with the parts, and when: spells laid out over true time before they are lived.

A fault that is injected becomes spells. Each has a beginning, perhaps an end, and one amount, so
that between two edges nothing changes and a span may be lived in one step. Chance and course are
settled when the spells are laid, never while time passes, so a run can be replayed and cut anywhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from openitb.implant.errors import ImplantError
from openitb.implant.senses import CALM, Senses, Supply
from openitb.records import replace


class SpellKind(StrEnum):
    """Which part misbehaves, and what the amount of the spell means."""

    STILL = "still"  # the rotor does not turn; no amount
    UNFELT = "unfelt"  # the rotor's feedback reports turning whatever it does; no amount
    MISSED = "missed"  # the rotor's feedback reports standing whatever it does; no amount
    SHUT = "shut"  # the outlet lets nothing pass, fluid slips back past the rotor; no amount
    GAIN = "gain"  # ppm that each stroke moves more or less, spells add up
    FREE_FLOW = "free flow"  # nL/day that leave without any stroke
    DRIFT = "drift"  # ppm added to the crystal
    WEAK = "weak"  # the cell looks due for replacement; no amount
    SPENT = "spent"  # the cell drives nothing any more; no amount
    RESET = "reset"  # the supply dips below what memory needs; no amount
    CLOCK_LOST = "clock lost"  # the adjustable clock loses its time; no amount
    DISTURBED = "disturbed"  # a field strong enough to upset electronics; no amount
    CAPTURED = "captured"  # noise that telemetry takes for a programmer; no amount
    LOCKED = "locked"  # nobody can read or program the pump; no amount
    HUNG = "hung"  # what drives the motor makes no progress, however often it is restarted; no amount
    MUTE = "mute"  # the sounder gives no tone, and the pump does not feel that; no amount
    LEVEL = "level"  # nL that a level sensor reads too much, spells add up


WITH_AMOUNT = frozenset({SpellKind.GAIN, SpellKind.FREE_FLOW, SpellKind.DRIFT, SpellKind.LEVEL})


@dataclass(frozen=True, slots=True)
class Spell:
    """One thing wrong from `from_ms` up to, not including, `until_ms` (None: for good), true time.

    Refuses an end that is not after the beginning, a flow below zero, and an amount for what
    has none, with `ImplantError`.
    """

    kind: SpellKind
    from_ms: int
    until_ms: int | None = None
    amount: int = 0

    def __post_init__(self) -> None:
        if self.until_ms is not None and self.until_ms <= self.from_ms:
            raise ImplantError(f"spell: got an end at {self.until_ms} ms, expected after {self.from_ms} ms")
        if self.amount < 0 and self.kind is SpellKind.FREE_FLOW:
            raise ImplantError(f"spell: got a free flow of {self.amount} nL/day, expected 0 or more")
        if self.amount and self.kind not in WITH_AMOUNT:
            raise ImplantError(f"spell: got {self.amount} for {self.kind.value}, which has no amount")

    def covers(self, at_ms: int) -> bool:
        """True if it holds at that instant."""
        return self.from_ms <= at_ms and (self.until_ms is None or at_ms < self.until_ms)

    def ended(self, at_ms: int) -> "Spell":
        """The spell with its end no later than `at_ms`, which must be after its beginning."""
        return self if self.until_ms is not None and self.until_ms <= at_ms else replace(self, until_ms=at_ms)


@dataclass(frozen=True, slots=True)
class Condition:
    """All that is wrong at one moment, added up; the default is a pump in order.

    `gain_ppm` and `drift_ppm` come on top of what the specimen was built with.
    """

    turning: bool = True
    unfelt: bool = False
    missed: bool = False
    shut: bool = False
    gain_ppm: int = 0
    free_nl_per_day: int = 0
    drift_ppm: int = 0
    level_nl: int = 0
    senses: Senses = CALM


IN_ORDER = Condition()


def condition_at(spells: Iterable[Spell], at_ms: int) -> Condition:
    """What the spells that hold at a true instant amount to."""
    now = [spell for spell in spells if spell.covers(at_ms)]
    if not now:
        return IN_ORDER
    kinds = {spell.kind for spell in now}
    return Condition(
        turning=kinds.isdisjoint({SpellKind.STILL, SpellKind.SPENT}),
        unfelt=SpellKind.UNFELT in kinds,
        missed=SpellKind.MISSED in kinds,
        shut=SpellKind.SHUT in kinds,
        gain_ppm=_sum(now, SpellKind.GAIN),
        free_nl_per_day=_sum(now, SpellKind.FREE_FLOW),
        drift_ppm=_sum(now, SpellKind.DRIFT),
        level_nl=_sum(now, SpellKind.LEVEL),
        senses=_senses(kinds),
    )


def next_edge_ms(spells: Iterable[Spell], after_ms: int) -> int | None:
    """The first true instant after `after_ms` at which a spell begins or ends; None if there is none."""
    edges = (edge for spell in spells for edge in (spell.from_ms, spell.until_ms) if edge is not None)
    return min((edge for edge in edges if edge > after_ms), default=None)


def still_to_come(spells: Iterable[Spell], at_ms: int) -> tuple[Spell, ...]:
    """The spells without those that are over at `at_ms`."""
    return tuple(spell for spell in spells if spell.until_ms is None or spell.until_ms > at_ms)


def _sum(spells: Iterable[Spell], kind: SpellKind) -> int:
    return sum(spell.amount for spell in spells if spell.kind is kind)


def _senses(kinds: set[SpellKind]) -> Senses:
    weak = Supply.WEAK if SpellKind.WEAK in kinds else Supply.GOOD
    return Senses(
        supply=Supply.SPENT if SpellKind.SPENT in kinds else weak,
        reset=SpellKind.RESET in kinds,
        clock_kept=SpellKind.CLOCK_LOST not in kinds,
        disturbed=SpellKind.DISTURBED in kinds,
        captured=SpellKind.CAPTURED in kinds,
        locked=SpellKind.LOCKED in kinds,
        hung=SpellKind.HUNG in kinds,
    )
