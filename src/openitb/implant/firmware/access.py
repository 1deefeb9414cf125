"""Keys and the drug library as the pump holds them.

Holds: RES-08, TEL-09, PAT-04, SYS-09, PRG-15.
"""

import hashlib

from openitb import units
from openitb.implant.firmware import emergency
from openitb.implant.firmware.change import Change
from openitb.implant.firmware.link_memory import Library, Peer
from openitb.implant.firmware.refusal import RefusalError, require
from openitb.implant.firmware.state import PUMP, Firmware, logged
from openitb.prescription import Program
from openitb.protocol import (
    AccessReport,
    DrugLibrary,
    LibraryReport,
    LogKind,
    PeerReport,
    ProtocolError,
    RevokeKey,
    UpdateLibrary,
    read_library,
)
from openitb.records import replace
from openitb.telemetry import is_signed
from openitb.telemetry.hello import KEY_ID_BYTES

MOST_PEERS = 32
MOST_REVOKED = 256


def admitted(firmware: Firmware, peer: Peer, digits: str) -> Firmware:
    """The firmware with a paired key more, or in place of the one with the same id."""
    others = tuple(other for other in firmware.link.peers if other.key_id != peer.key_id)
    require(len(others) < MOST_PEERS, "keys", f"got {len(others)} paired keys, expected fewer; revoke one")
    detail = (
        ("key_id", peer.key_id.hex()),
        ("role", peer.role.value),
        ("name", peer.name),
        ("digits", digits),
    )
    firmware = logged(firmware, LogKind.KEY_PAIRED, PUMP, detail)
    revoked = tuple(key_id for key_id in firmware.link.revoked if key_id != peer.key_id)
    return replace(firmware, link=replace(firmware.link, peers=(*others, peer), revoked=revoked))


def revoke(firmware: Firmware, command: RevokeKey) -> Change:
    """The change after which a key is no longer taken."""
    fits = len(command.key_id) == KEY_ID_BYTES
    require(fits, "key_id", f"got {len(command.key_id)} bytes, expected {KEY_ID_BYTES}")
    require(len(firmware.link.revoked) < MOST_REVOKED, "key_id", f"{MOST_REVOKED} keys are revoked already")
    kept = tuple(peer for peer in firmware.link.peers if peer.key_id != command.key_id)
    revoked = (*(k for k in firmware.link.revoked if k != command.key_id), command.key_id)
    return Change(
        LogKind.REVOCATION_INTENDED,
        (("key_id", command.key_id.hex()),),
        (LogKind.KEY_REVOKED,),
        lambda now: replace(now, link=replace(now.link, peers=kept, revoked=revoked)),
    )


def peer_of(firmware: Firmware, key_id: bytes) -> Peer | None:
    """The paired key of that id, if it has not expired."""
    return next(
        (peer for peer in firmware.link.peers if peer.key_id == key_id and _lasts(firmware, peer)), None
    )


def update_library(firmware: Firmware, command: UpdateLibrary) -> Change:
    """The change to another drug library; the running program goes on whatever it says."""
    signed = is_signed(firmware.link.publisher, command.library, command.signature)
    require(signed, "signature", "does not fit, expected that of the publisher this pump knows")
    edition = _read(command.library)
    before = firmware.link.library
    at_least = before.edition.version + 1 if before else 1
    require(edition.version >= at_least, "version", f"got {edition.version}, expected {at_least} or higher")
    over = firmware.at_ms >= edition.expires_ms
    require(not over, "expires_ms", "got a library that has expired by the pump's clock")
    library = Library(edition, hashlib.sha256(command.library).hexdigest())
    asked = (
        ("version_before", before.edition.version if before else "none"),
        ("version", edition.version),
        ("source", edition.source),
        ("library", library.digest),
    )
    return Change(
        LogKind.LIBRARY_INTENDED,
        asked,
        (LogKind.LIBRARY_UPDATED,),
        lambda now: replace(now, link=replace(now.link, library=library)),
    )


def require_within_library(firmware: Firmware, program: Program) -> None:
    """`RefusalError` if a library is in use and the program's strength or daily dose is not in it.

    What lowers the dose of the drug that is in the pump is never refused.
    """
    library, running = firmware.link.library, firmware.controller.program
    strength = program.concentration_ug_per_ml
    lowers = program.daily_dose_pg <= running.daily_dose_pg and strength == running.concentration_ug_per_ml
    if library is None or lowers:
        return
    known = library.edition.strengths_of(strength)
    named = f"library version {library.edition.version}"
    shown = units.format_concentration(strength)
    require(bool(known), "concentration_ug_per_ml", f"got {shown}, which {named} does not hold")
    highest = max(entry.highest_dose_pg_per_day for entry in known)
    given, limit = units.format_dose(program.daily_dose_pg), units.format_dose(highest)
    fits = program.daily_dose_pg <= highest
    require(fits, "order", f"got {given}, expected at most {limit} at {shown} by {named}")


def report(firmware: Firmware) -> AccessReport:
    """Keys, library, withdrawal clock and silence as they are now."""
    tick_ms, link = firmware.counter.tick_ms, firmware.link
    reduced = emergency.running(firmware)
    return AccessReport(
        peers=tuple(_told(firmware, peer) for peer in link.peers),
        revoked=link.revoked,
        library=_library_told(link.library),
        reduced_for_ms=None if reduced is None else tick_ms - reduced.since_ms,
        silenced_for_ms=max(0, link.silence.until_ms - tick_ms) if link.silence else 0,
    )


def _read(data: bytes) -> DrugLibrary:
    try:
        return read_library(data)
    except ProtocolError as error:
        raise RefusalError(error.field, error.problem) from None


def _library_told(library: Library | None) -> LibraryReport | None:
    if library is None:
        return None
    edition = library.edition
    return LibraryReport(edition.version, edition.source, library.digest, edition.expires_ms)


def _told(firmware: Firmware, peer: Peer) -> PeerReport:
    until = None if peer.until_ms is None else firmware.clock.at_ms(peer.until_ms)
    return PeerReport(peer.key_id, peer.role, peer.name, firmware.clock.at_ms(peer.paired_ms), until)


def _lasts(firmware: Firmware, peer: Peer) -> bool:
    return peer.until_ms is None or firmware.counter.tick_ms < peer.until_ms
