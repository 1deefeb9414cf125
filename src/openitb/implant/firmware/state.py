"""All that an implant's firmware remembers.

Holds: TIM-01.
"""

from dataclasses import dataclass

from openitb.implant.build import Build
from openitb.implant.firmware.controller import Controller
from openitb.implant.firmware.credits import Issuer
from openitb.implant.firmware.feeling import NOTHING_FELT, Feeling
from openitb.implant.firmware.guard import Guard
from openitb.implant.firmware.link_memory import NOTHING_REMEMBERED, LinkMemory
from openitb.implant.firmware.log import PUMP, Instant, Log
from openitb.implant.firmware.patient import NOTHING_ALLOWED, PatientControls
from openitb.implant.firmware.strokes import Counter
from openitb.implant.firmware.surveillance import UNREMARKABLE, Surveillance
from openitb.protocol import AlarmCondition, LogKind, PumpState, WindowDose
from openitb.protocol.chain import Detail
from openitb.records import quick, replace

__all__ = ["PUMP", "Alarm", "Answer", "BelievedReservoir", "Firmware", "WallClock", "logged"]

RESTING = frozenset({PumpState.STOPPED, PumpState.GUARD_STOP, PumpState.END_OF_SERVICE})


@dataclass(frozen=True, slots=True)
class WallClock:
    """The pump's adjustable clock: UTC is tick + `offset_ms`, wall time `zone_offset_ms` ahead of it."""

    offset_ms: int
    zone_offset_ms: int

    def at_ms(self, tick_ms: int) -> int:
        """The pump's UTC at a tick."""
        return tick_ms + self.offset_ms


@dataclass(frozen=True, slots=True)
class BelievedReservoir:
    """What the pump computes it holds: what it was told at the last refill less the strokes since."""

    filled_nl: int
    filled_at_stroke: int
    label_ug_per_ml: int
    low_alarm_nl: int
    earlier_pg: int = 0

    def drawn_nl(self, strokes: int, stroke_nl: int) -> int:
        """Delivered since the refill by count."""
        return (strokes - self.filled_at_stroke) * stroke_nl

    def volume_nl(self, strokes: int, stroke_nl: int) -> int:
        """What is left by count, never below zero."""
        return max(0, self.filled_nl - self.drawn_nl(strokes, stroke_nl))

    def delivered_pg(self, strokes: int, stroke_nl: int) -> int:
        """Drug delivered since implantation, by count and label concentration."""
        return self.earlier_pg + self.drawn_nl(strokes, stroke_nl) * self.label_ug_per_ml

    def stroke_at(self, volume_nl: int, stroke_nl: int) -> int:
        """The number of the stroke after which no more than `volume_nl` is left."""
        return self.filled_at_stroke - (volume_nl - self.filled_nl) // stroke_nl


@dataclass(frozen=True, slots=True)
class Alarm:
    """A latched condition and the pump's UTC at which it was raised."""

    condition: AlarmCondition
    since_ms: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A command carried out or refused: its id, the digest of its content, the reply as sent."""

    command_id: str
    digest: bytes
    reply: bytes


@quick
@dataclass(frozen=True, slots=True)
class Firmware:
    """Belief: nothing in here is measured but the level, where a sensor is fitted.

    `eri_ms` is the tick at which replacement fell due, `seal` a digest of what only commands may change.
    """

    clock: WallClock
    controller: Controller
    counter: Counter
    guard: Guard
    reservoir: BelievedReservoir
    log: Log
    issuer: Issuer
    dose_limits: tuple[WindowDose, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    eri_ms: int | None = None
    answers: tuple[Answer, ...] = ()
    surveillance: Surveillance = UNREMARKABLE
    patient: PatientControls = NOTHING_ALLOWED
    feeling: Feeling = NOTHING_FELT
    link: LinkMemory = NOTHING_REMEMBERED
    level_nl: int | None = None
    seal: str = ""

    @property
    def at_ms(self) -> int:
        """Now, on the pump's own clock, UTC."""
        return self.clock.at_ms(self.counter.tick_ms)

    @property
    def state(self) -> PumpState:
        """What it is doing: what the controller wants, unless the rotor is known to stand still."""
        wanted = self.controller.state
        return PumpState.MOTOR_STALL if self.feeling.stalled and wanted not in RESTING else wanted

    def believed_nl(self, build: Build) -> int:
        """Volume in the reservoir now: what is computed, or less where a level sensor reads less."""
        counted = self.counted_nl(build)
        return counted if self.level_nl is None else min(counted, max(0, self.level_nl))

    def counted_nl(self, build: Build) -> int:
        """Volume in the reservoir now by strokes alone."""
        return self.reservoir.volume_nl(self.counter.strokes, build.stroke_nl)


def logged(firmware: Firmware, kind: LogKind, actor: str, detail: Detail = ()) -> Firmware:
    """The firmware with one entry more in its log, written now."""
    instant = Instant(firmware.counter.tick_ms, firmware.at_ms)
    return replace(firmware, log=firmware.log.appended(instant, kind, actor, detail))
