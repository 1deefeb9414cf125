"""After a magnet: did the rotor stop, did it start again, and is the pump what it was?

The recovery may show only at the second reading (device.md 1.4), so two readings are looked at and the
second counts. What is not seen is said as not seen. Entries of the time in the magnet are those after
the last reading before this visit, or after the head of the log that the report from before names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openitb import catalogue, units
from openitb.prescription.orders import format_duration
from openitb.programmer.outcomes import Reading
from openitb.programmer.review import pump_time
from openitb.programmer.sealed import unseal
from openitb.protocol import LogEntry, LogKind, PumpState

STALL, RECOVERY = LogKind.MOTOR_STALLED, LogKind.MOTOR_RECOVERED
_READ = frozenset({LogKind.INTERROGATED, LogKind.EMERGENCY_READ})


@dataclass(frozen=True, slots=True)
class Before:
    """The pump before the magnet, as a session report tells of it."""

    log_number: int
    program_digest: str
    order_text: str
    delivered_nl: int
    rate_nl_per_day: int
    pump_clock_ms: int


@dataclass(frozen=True, slots=True)
class Scan:
    """Two readings after the magnet, and the one before it where its report is at hand."""

    first: Reading
    second: Reading
    before: Before | None = None

    @property
    def since(self) -> tuple[LogEntry, ...]:
        """What the pump has written since it was last read before the magnet."""
        head = self.before.log_number if self.before else _last_read_before(self.first)
        return tuple(entry for entry in self.second.log if entry.number > head)

    def count(self, kind: LogKind) -> int:
        """How many entries of a kind there are since."""
        return sum(entry.kind is kind for entry in self.since)

    @property
    def recovery_is_missing(self) -> bool:
        """True if the rotor was noticed standing and not turning again."""
        stands = self.second.interrogation.state is PumpState.MOTOR_STALL
        return stands or self.count(STALL) > self.count(RECOVERY)


def before_of_report(text: str) -> Before:
    """The pump as a session report left it; `EntryError` for text that is no sound report."""
    pump: Mapping[str, Any] = unseal(text)["pump"]
    return Before(
        log_number=pump["log_head"]["number"],
        program_digest=pump["program_digest"],
        order_text=pump["order_text"],
        delivered_nl=pump["delivered_nl"],
        rate_nl_per_day=pump["rate_nl_per_day"],
        pump_clock_ms=pump["pump_clock_ms"],
    )


def after_magnet(scan: Scan) -> tuple[str, ...]:
    """Everything the two readings say, in lines for a person; first what has to be acted on."""
    rules = (_recovery, _held, _clock, _settings, _count, _alarms)
    return tuple(line for rule in rules for line in rule(scan))


def _recovery(scan: Scan) -> Iterator[str]:
    for entry in scan.since:
        if entry.kind in {STALL, RECOVERY}:
            yield f"{entry.kind.value}: {_at(entry, scan)}{_late(entry, scan)}"
    if scan.recovery_is_missing:
        yield from _what_to_do()
    elif not scan.count(STALL):
        qualifier = _fact_text("alarms", "stall_qualifier")
        yield (
            f"No stall is in the log: none lasted {qualifier}, or its entry is late. A shorter one "
            "leaves none."
        )


def _what_to_do() -> Iterator[str]:
    low, high = (_fact_text("environment", f"mri_restart_delay_{end}") for end in ("low", "high"))
    begins, ends = (_fact_text("withdrawal", f"onset_{end}") for end in ("low", "high"))
    yield "RECOVERY NOT SEEN: the pump may be standing still, and then the patient gets no drug."
    yield (
        "Read the pump again: noise can hold the entry back until another reading. The return can take "
        f"{low} to {high}; the two-tone alarm sounds while the motor stands."
    )
    yield (
        f"Keep the patient watched: withdrawal begins within {begins} to {ends}. Have the rescue supply and "
        "the plan at hand, and call the maker of the pump if it does not recover."
    )


def _held(scan: Scan) -> Iterator[str]:
    if scan.count(LogKind.TELEMETRY_CAPTURED):
        yield (
            "Noise was taken for a programmer while an alarm sounded: delivery was held until this visit "
            "read the pump."
        )


def _clock(scan: Scan) -> Iterator[str]:
    tolerance_ms = catalogue.load().practice["programmer"].fact("clock_tolerance").whole("ms")
    apart_ms = abs(scan.second.interrogation.at_ms - scan.second.received_at_ms)
    if scan.count(LogKind.CLOCK_LOST):
        yield "The pump lost its clock: set it in a visit 'adjust'."
    elif apart_ms > tolerance_ms:
        yield f"The pump's clock is {format_duration(apart_ms)} from the programmer's: set it in 'adjust'."
    else:
        yield "The pump's clock agrees with the programmer's."


def _settings(scan: Scan) -> Iterator[str]:
    read = scan.second.interrogation
    if scan.count(LogKind.RESET) or scan.count(LogKind.MEMORY_LOST):
        yield "THE PUMP LOST ITS SETTINGS and runs at its minimum rate: program it anew."
    if scan.before is None:
        yield "No report from before the magnet: settings and count cannot be compared."
    elif scan.before.program_digest == read.program_digest:
        yield "The program is the one from before the magnet."
    else:
        yield f"THE PROGRAM IS ANOTHER ONE: before the magnet it was {scan.before.order_text}."


def _count(scan: Scan) -> Iterator[str]:
    """Missed strokes are not counted, so the count falls behind the order by what a stall kept back."""
    if scan.before is None or scan.before.program_digest != scan.second.interrogation.program_digest:
        return
    read = scan.second.interrogation
    counted = read.reservoir.delivered_nl - scan.before.delivered_nl
    passed_ms = read.at_ms - scan.before.pump_clock_ms
    due = scan.before.rate_nl_per_day * passed_ms // units.MS_PER_DAY
    shown = f"{units.format_volume(counted)} counted since, {units.format_volume(due)} due at that flow"
    yield f"{shown} over {format_duration(passed_ms // units.MS_PER_MIN * units.MS_PER_MIN)}."


def _alarms(scan: Scan) -> Iterator[str]:
    for alarm in scan.second.interrogation.alarms:
        yield f"{'Critical alarm' if alarm.critical else 'Alarm'} latched: {alarm.condition.value}."


def _at(entry: LogEntry, scan: Scan) -> str:
    return pump_time(entry.at_ms, scan.second.interrogation.zone_offset_ms)


def _late(entry: LogEntry, scan: Scan) -> str:
    known = {held.number for held in scan.first.log}
    return "" if entry.number in known else ", shown only by the second reading"


def _last_read_before(first: Reading) -> int:
    """The number of the last reading before this visit; 0 if there is none."""
    reads = [entry.number for entry in first.log if entry.kind in _READ]
    return reads[-2] if len(reads) > 1 else 0


def _fact_text(entry: str, name: str) -> str:
    return format_duration(catalogue.load().practice[entry].fact(name).whole("ms"))
