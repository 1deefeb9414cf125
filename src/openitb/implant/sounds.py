"""Alarms as they are heard: when an implant sounds, and whether anybody notices.

Three things apart: the condition (`firmware.alarms`), the signal (tones at fixed intervals while any
condition is latched and not silenced, the most urgent deciding), and its being heard, which is up to people.
Everything follows from the log, and from whether the sounder works, which the pump does not know.

Holds: BAT-05, ALM-05, ALM-07, ALM-09, ALM-12, ALM-13.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from openitb import catalogue, units
from openitb.implant.firmware.alarms import Signal, signal_of, signal_of_class
from openitb.implant.firmware.signals import tone_percent
from openitb.implant.hardware.spells import SpellKind
from openitb.implant.implant import Implant
from openitb.protocol import AlarmCondition, LogEntry, LogKind
from openitb.records import replace

PERCENT = 100

Draw = Callable[[], float]  # a fresh number from 0 to 1


@dataclass(frozen=True, slots=True)
class Sounding:
    """One signal from `start_ms` up to `end_ms`, on the pump's own ticks; None is silence."""

    start_ms: int
    end_ms: int
    signal: Signal | None

    def tones_ms(self) -> Iterator[int]:
        """When a tone begins: at once, then at each interval."""
        if self.signal is None:
            return iter(())
        return iter(range(self.start_ms, self.end_ms, self.signal.interval_ms))


@dataclass(frozen=True, slots=True)
class Hearing:
    """The chance that a single tone is heard, by day and by night; hours of the pump's clock."""

    awake: float
    asleep: float
    asleep_from_h: int
    asleep_until_h: int

    def chance(self, wall_ms: int) -> float:
        """The chance at an instant of the pump's wall clock."""
        hour = wall_ms % units.MS_PER_DAY // units.MS_PER_H
        sleeping = hour >= self.asleep_from_h or hour < self.asleep_until_h
        return self.asleep if sleeping else self.awake


def hearing(impaired: bool = False) -> Hearing:
    """The plain model of the catalogue; `impaired` for hearing loss or a deep implant."""
    facts = catalogue.load().practice["hearing"]
    awake = "hearing_loss" if impaired else "awake_and_near"
    return Hearing(
        awake=float(facts.fact(awake).number("percent")) / PERCENT,
        asleep=min(float(facts.fact(name).number("percent")) / PERCENT for name in (awake, "asleep")),
        asleep_from_h=facts.fact("asleep_from").whole("hour"),
        asleep_until_h=facts.fact("asleep_until").whole("hour"),
    )


def soundings(entries: Sequence[LogEntry], until_ms: int) -> tuple[Sounding, ...]:
    """What an implant sounded, from its log up to the tick `until_ms`; a new alarm sounds at once.

    What a clinician silenced is still, until the time is over or the contact ends; other conditions sound.
    """
    moments = [*(change for change in _changes(entries) if change[0] < until_ms), (until_ms, ())]
    return tuple(
        Sounding(start, end, signal_of(conditions))
        for (start, conditions), (end, _) in pairwise(moments)
        if start < end
    )


def tones_on_demand(entries: Sequence[LogEntry]) -> tuple[Sounding, ...]:
    """What an implant sounded because it was asked to, each once."""
    classes = {signal_of_class(critical=critical).tones: critical for critical in (False, True)}
    asked = ((e.tick_ms, e.get("tones")) for e in entries if e.kind is LogKind.TONE_SOUNDED)
    signals = ((tick, signal_of_class(critical=classes[tones])) for tick, tones in asked if tones in classes)
    return tuple(Sounding(tick, tick + signal.duration_ms, signal) for tick, signal in signals)


def mute_from_ms(implant: Implant) -> int | None:
    """The tick from which the sounder gives no tone; None while it does."""
    hardware = implant.hardware
    starts = [spell.from_ms for spell in hardware.spells if spell.kind is SpellKind.MUTE]
    return min(map(hardware.crystal.tick_ms, starts)) if starts else None


def given_off(sounded: Iterable[Sounding], mute_ms: int | None) -> Iterator[Sounding]:
    """What of it a sounder gave off that is mute from a tick on; what was meant after that is silence."""
    for sounding in sounded:
        if mute_ms is None or sounding.end_ms <= mute_ms:
            yield sounding
        elif sounding.start_ms >= mute_ms:
            yield replace(sounding, signal=None)
        else:
            yield replace(sounding, end_ms=mute_ms)
            yield replace(sounding, start_ms=mute_ms, signal=None)


def first_heard_ms(
    heard_by: Hearing, sounded: Iterable[Sounding], wall_offset_ms: int, draw: Draw
) -> int | None:
    """The tick of the first tone that was heard; None if none was.

    `wall_offset_ms` leads from ticks to the pump's wall clock; one number is drawn for each tone.
    """
    tones = (tone for sounding in sounded for tone in sounding.tones_ms())
    return next((tone for tone in tones if draw() < heard_by.chance(tone + wall_offset_ms)), None)


def tone_charge_percent(sounded: Iterable[Sounding]) -> float:
    """What all tones took from a new cell, in percent; each tone of a signal counts."""
    tones = sum(len(list(s.tones_ms())) * s.signal.tones for s in sounded if s.signal)
    return float(tone_percent() * tones)


def heard_by_ms(
    heard_by: Hearing, sounded: Iterable[Sounding], wall_offset_ms: int, chance: float
) -> int | None:
    """The tick of the tone by which somebody has heard one with at least `chance`; None if it never is."""
    missed = 1.0
    for tone in (tone for sounding in sounded for tone in sounding.tones_ms()):
        missed *= 1.0 - heard_by.chance(tone + wall_offset_ms)
        if missed <= 1.0 - chance:
            return tone
    return None


@dataclass(frozen=True, slots=True)
class _Audible:
    """What is latched, and what of it is silenced until a tick."""

    latched: tuple[str, ...] = ()
    silenced: frozenset[str] = frozenset()
    until_ms: int = 0

    def after(self, entry: LogEntry) -> "_Audible":
        """The same once an entry has been written."""
        match entry.kind:
            case LogKind.ALARM_RAISED:
                return replace(self, latched=(*self.latched, str(entry.get("condition"))))
            case LogKind.ALARM_CLEARED:
                gone = entry.get("condition")
                return replace(self, latched=tuple(each for each in self.latched if each != gone))
            case LogKind.ALARM_SILENCED:
                named = frozenset(str(entry.get("conditions")).split(", "))
                return replace(
                    self, silenced=named, until_ms=entry.tick_ms + int(entry.get("duration_ms") or 0)
                )
            case LogKind.SILENCE_ENDED:
                return replace(self, silenced=frozenset())
            case _:
                return self

    def sounding(self) -> tuple[AlarmCondition, ...]:
        """The conditions that sound."""
        return tuple(AlarmCondition(each) for each in self.latched if each not in self.silenced)


def _changes(entries: Sequence[LogEntry]) -> Iterator[tuple[int, tuple[AlarmCondition, ...]]]:
    """Ticks at which the conditions that sound changed, and those that sound from then on."""
    now = _Audible()
    for entry in entries:
        if now.silenced and now.until_ms <= entry.tick_ms:
            now = replace(now, silenced=frozenset())
            yield now.until_ms, now.sounding()
        then = now.after(entry)
        if then != now:
            yield entry.tick_ms, then.sounding()
        now = then
    if now.silenced:
        yield now.until_ms, replace(now, silenced=frozenset()).sounding()
