"""Typed messages between programmer and implant, their wire form, and the implant's log entries.

`encode` and `decode` are total: any bytes become a message or a `ProtocolError` of one line.
"""

from openitb.protocol.chain import Anchor, ChainFault, LogEntry, LogKind, entry_digest, verify_chain
from openitb.protocol.codec import MAX_MESSAGE_BYTES, decode_reply, decode_request, encode
from openitb.protocol.limits import SetDoseLimits, WindowDose
from openitb.protocol.messages import (
    AlarmCondition,
    AlarmReport,
    Applied,
    BatteryReport,
    Command,
    Interrogate,
    Interrogation,
    Message,
    ProgramPump,
    PumpState,
    RecordRefill,
    Refused,
    Reply,
    Request,
    ReservoirReport,
    Role,
    SetClock,
    SetLowReservoirAlarm,
    StageKind,
    StageReport,
)
from openitb.protocol.schema import ProtocolError

__all__ = [
    "MAX_MESSAGE_BYTES",
    "AlarmCondition",
    "AlarmReport",
    "Anchor",
    "Applied",
    "BatteryReport",
    "ChainFault",
    "Command",
    "Interrogate",
    "Interrogation",
    "LogEntry",
    "LogKind",
    "Message",
    "ProgramPump",
    "ProtocolError",
    "PumpState",
    "RecordRefill",
    "Refused",
    "Reply",
    "Request",
    "ReservoirReport",
    "Role",
    "SetClock",
    "SetDoseLimits",
    "SetLowReservoirAlarm",
    "StageKind",
    "StageReport",
    "WindowDose",
    "decode_reply",
    "decode_request",
    "encode",
    "entry_digest",
    "verify_chain",
]
