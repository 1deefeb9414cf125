"""The gate that must be opened by hand, at the implant's end, before a programmer can be paired.

    <home>/pairing/<serial>           the code, the role that is given, how long gate and key last

The gate closes by itself, and with the first key it lets in. It closes before the key is kept: if the
machine fails in between, nobody was paired.

Holds: TEL-09.
"""

from dataclasses import dataclass, field
from pathlib import Path

from openitb import catalogue
from openitb.implant.home import Home, write_whole
from openitb.implant.implant import Implant
from openitb.protocol import Applied, PairRequest, ProtocolError, Role, schema
from openitb.protocol.messages import MAX_NAME
from openitb.protocol.writing import encoded
from openitb.telemetry import new_code


@dataclass(frozen=True, slots=True)
class OpenGate:
    """An implant ready to be paired, until `closes_ms` (true time), with who knows `code`."""

    serial: str
    code: bytes = field(repr=False)
    role: Role
    closes_ms: int
    key_lasts_ms: int | None


def open_gate(home: Home, serial: str, role: Role, at_ms: int) -> OpenGate:
    """Open the gate for one key of a role; its code is new each time. `ImplantError` without implant."""
    home.require(serial)
    facts = catalogue.load().practice["pairing"]
    closes_ms = at_ms + facts.fact("gate_open").whole("ms")
    lasts_ms = facts.fact("patient_key_lifetime").whole("ms") if role is Role.PATIENT else None
    gate = OpenGate(serial, new_code(), role, closes_ms, lasts_ms)
    write_whole(_file(home, serial), encoded(gate))
    return gate


def gate_of(home: Home, serial: str, at_ms: int) -> OpenGate | None:
    """The gate of an implant if it is open now; a file that is none counts as closed."""
    try:
        data = _file(home, serial).read_bytes()
        gate = schema.from_plain(OpenGate, schema.from_bytes(data, "gate"), "gate")
    except (FileNotFoundError, ProtocolError):
        return None
    return gate if gate.serial == serial and at_ms < gate.closes_ms else None


def close_gate(home: Home, serial: str) -> None:
    """Close it; nothing if it is closed."""
    _file(home, serial).unlink(missing_ok=True)


def request_bytes(name: str) -> bytes:
    """What a programmer of this name sends to be paired."""
    return encoded(PairRequest(name))


def read_request(data: bytes) -> PairRequest:
    """The request in these bytes; `ProtocolError` for anything else."""
    request = schema.from_plain(PairRequest, schema.from_bytes(data, "pairing"), "pairing")
    if not (0 < len(request.name) <= MAX_NAME and request.name.isprintable()):
        raise ProtocolError("pairing.name", f"got {request.name!r:.40}, expected 1 to {MAX_NAME} characters")
    return request


def applied(implant: Implant) -> Applied:
    """The answer to a key that was taken in."""
    return Applied("pairing", implant.firmware.controller.program.digest, implant.firmware.log.head)


def _file(home: Home, serial: str) -> Path:
    folder = home.path / "pairing"
    if serial not in home.serials():
        return folder / "-none-"  # no serial begins with a hyphen
    return folder / serial
