"""What the firmware remembers of its senses, between one moment and the next."""

from dataclasses import dataclass

from openitb.implant.firmware.cell import NEW_CELL, Cell
from openitb.implant.senses import CALM, Senses
from openitb.protocol import LogKind
from openitb.protocol.chain import Detail


@dataclass(frozen=True, slots=True)
class LateEntry:
    """An entry that noise kept from being written; it is written at the `readings`-th reading."""

    kind: LogKind
    detail: Detail
    readings: int


@dataclass(frozen=True, slots=True)
class Feeling:
    """The last senses, and what followed from them.

    `still_since_ms` is the tick of the first stroke that the rotor did not follow, `stalled` what is
    made of it after the qualifying time. `captured` is the telemetry lock: nothing is driven until a
    programmer has read the pump. The two numbers are those of the log entries at which the clock lost
    its time and memory its settings, None once that has been put right. `hung_since_ms` is the tick since
    which what drives the motor makes no progress, `bites` how often it was restarted since.
    """

    senses: Senses = CALM
    still_since_ms: int | None = None
    stalled: bool = False
    captured: bool = False
    clock_lost_entry: int | None = None
    reset_entry: int | None = None
    late: tuple[LateEntry, ...] = ()
    hung_since_ms: int | None = None
    bites: int = 0
    cell: Cell = NEW_CELL


NOTHING_FELT = Feeling()
