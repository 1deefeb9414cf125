"""What reaches an implant's link beside messages: a key paired, a caller gone, a publisher pinned.

Pure, like `handle`: state in, state out; each advances the implant to the instant first.
"""

from dataclasses import dataclass

from openitb import catalogue
from openitb.implant.firmware import access, emergency, signals
from openitb.implant.firmware.link_memory import Peer
from openitb.implant.firmware.refusal import RefusalError
from openitb.implant.firmware.state import Firmware
from openitb.implant.implant import Implant, advance
from openitb.protocol import AlarmCondition, Refused, Role
from openitb.records import replace
from openitb.telemetry import key_id


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that proved the code: what it may do, its name, how long it lasts (None for always)."""

    public: bytes
    role: Role
    name: str
    lasts_ms: int | None


def admit_key(implant: Implant, new: NewKey, digits: str, at_ms: int) -> tuple[Implant, Refused | None]:
    """The implant with a paired key more; `digits` are logged, to be compared by eye."""
    now = advance(implant, at_ms).implant
    tick_ms = now.firmware.counter.tick_ms
    until_ms = None if new.lasts_ms is None else tick_ms + new.lasts_ms
    peer = Peer(key_id(new.public), new.public, new.role, new.name, tick_ms, until_ms)
    try:
        return _with_firmware(now, access.admitted(now.firmware, peer, digits)), None
    except RefusalError as refusal:
        return now, refusal.reply


def contact_ended(implant: Implant, at_ms: int) -> Implant:
    """The implant once its caller has gone."""
    now = advance(implant, at_ms).implant
    return _with_firmware(now, emergency.contact_ended(now.firmware))


def talked(implant: Implant, frames: int, at_ms: int) -> Implant:
    """The implant whose radio has heard and sent so many frames more."""
    now = advance(implant, at_ms).implant
    return _with_firmware(now, signals.talked(now.firmware, frames))


def frames_told_at_once() -> int:
    """How many frames the radio counts by itself before it tells the firmware."""
    return catalogue.load().practice["radio"].fact("told_every").whole("1")


def is_waiting_for_contact(implant: Implant) -> bool:
    """True if the end of a contact would change anything."""
    quiet = implant.firmware.link.silence
    return quiet is not None and quiet.with_contact


def with_publisher(implant: Implant, public: bytes) -> Implant:
    """The implant as it leaves the factory: libraries must be signed with this key."""
    link = replace(implant.firmware.link, publisher=public)
    return _with_firmware(implant, replace(implant.firmware, link=link))


def peer_of(implant: Implant, wanted: bytes) -> Peer | None:
    """The paired key of that id, unless it has expired."""
    return access.peer_of(implant.firmware, wanted)


def is_revoked(implant: Implant, wanted: bytes) -> bool:
    """True if the key of that id is never again taken."""
    return wanted in implant.firmware.link.revoked


def audible_alarms(implant: Implant) -> tuple[AlarmCondition, ...]:
    """The latched conditions that sound now."""
    return emergency.audible(implant.firmware)


def _with_firmware(implant: Implant, firmware: Firmware) -> Implant:
    return replace(implant, firmware=firmware)
