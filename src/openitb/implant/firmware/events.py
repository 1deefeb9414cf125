"""Which event of the state table a command is, and whether the pump's state admits it."""

from openitb.implant.build import Build
from openitb.implant.firmware import table
from openitb.implant.firmware.change import whole_strokes
from openitb.implant.firmware.state import Firmware
from openitb.implant.firmware.table import Event
from openitb.prescription import MinimumRate, Stopped
from openitb.protocol import (
    BolusCommand,
    CancelBolus,
    DeliverBolus,
    ProgramPump,
    RecordRefill,
    RequestPatientAdjustment,
    RequestPatientBolus,
    SetClock,
    SetLowReservoirAlarm,
)

Tabled = ProgramPump | RecordRefill | SetLowReservoirAlarm | SetClock | BolusCommand


def require_admitted(firmware: Firmware, build: Build, command: Tabled) -> None:
    """`RefusalError` with the table's reason if the state the pump is in does not admit the command."""
    table.require_admitted(firmware.controller.state, event_of(command, build))


def event_of(command: Tabled, build: Build) -> Event:
    """The event of a command; a stage too small for one stroke is none."""
    match command:
        case ProgramPump():
            return _program(command, build)
        case RecordRefill(bridge_nl=bridge_nl):
            is_bridge = whole_strokes(bridge_nl or 0, build) > 0
            return Event.REFILL_AND_BRIDGE if is_bridge else Event.REFILL
        case SetLowReservoirAlarm() | SetClock():
            return Event.SETTING
        case DeliverBolus():
            return Event.BOLUS
        case CancelBolus():
            return Event.CANCEL
        case RequestPatientBolus():
            return Event.REQUEST
        case RequestPatientAdjustment():
            return Event.ADJUST
        case _:
            return Event.PERMIT


def _program(command: ProgramPump, build: Build) -> Event:
    if isinstance(command.order, Stopped):
        return Event.STOP
    if whole_strokes(command.prime_nl, build) > 0:
        return Event.PROGRAM_AND_PRIME
    return Event.IDLE if isinstance(command.order, MinimumRate) else Event.PROGRAM
