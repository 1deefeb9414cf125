"""A new handheld: paired by a code from the clinic, its keys kept in a folder of its own.

    <folder>/<serial>.key     its private key, readable by the owner only
    <folder>/<serial>.pub     the public key of the one pump it speaks to

Holds: TEL-09, PAT-04.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from openitb.implant.home import write_whole
from openitb.implant.pairing import request_bytes
from openitb.programmer.entry import EntryError
from openitb.protocol import ProtocolError, Refused, decode_reply
from openitb.telemetry import (
    Address,
    Candidate,
    Dialer,
    HandshakeError,
    KeyPair,
    Keys,
    LinkDown,
    pair,
    read_code,
)
from openitb.telemetry.hello import is_serial

FOLDER_MODE = 0o700


@dataclass(frozen=True, slots=True)
class PairedUnit:
    """The keys of a handheld that was let in, and the digits that the pump's end must show too."""

    keys: Keys
    digits: str


def pair_unit(where: Address | Dialer, serial: str, code: str, name: str) -> PairedUnit:
    """Pair a new handheld with the pump whose gate is open.

    Refuses with `EntryError` a code or name that is none, a pump that says no, and where nobody was let in.
    Raises `NoAnswer` where the pump may have taken the key: then it is to be looked for among the pump's
    keys, and revoked.
    """
    try:
        candidate = Candidate(KeyPair.generate(), read_code(code), request_bytes(name))
    except HandshakeError as error:
        raise EntryError(str(error)) from None
    try:
        paired = pair(where, serial, candidate)
    except LinkDown as error:
        why = "the gate is closed, the code is another one, or the pump is out of reach"
        raise EntryError(
            f"code: not paired, {why} ({error}); expected an open gate and the code it shows"
        ) from None
    try:
        reply = decode_reply(paired.answer)
    except ProtocolError as error:
        raise EntryError(f"pairing: {error}") from None
    if isinstance(reply, Refused):
        raise EntryError(f"{reply.field}: {reply.reason}")
    return PairedUnit(Keys(candidate.own, paired.implant_public), paired.digits)


def require_code(code: str) -> None:
    """`EntryError` for what cannot be a pairing code; the code itself is not told."""
    try:
        read_code(code)
    except HandshakeError as error:
        raise EntryError(str(error)) from None


def require_room(folder: Path, serial: str) -> None:
    """`EntryError` unless the keys of a handheld for this pump can be kept there.

    To be asked before the pump is: a key that it took and nobody kept would have to be revoked.
    """
    private, _ = _files(folder, serial)
    if private.exists():
        raise EntryError(
            f"--unit: {folder.name} holds a handheld for {serial} already, expected another folder"
        )
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        raise EntryError(f"--unit: got {str(folder)!r}, expected a folder that can be written")


def keep_unit(folder: Path, serial: str, keys: Keys) -> None:
    """Keep the keys of a handheld; `EntryError` if the folder holds some for this pump."""
    require_room(folder, serial)
    private, public = _files(folder, serial)
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    write_whole(public, keys.peer_public)
    write_whole(private, keys.own.private)


def unit_keys(folder: Path, serial: str) -> Keys:
    """The keys of a handheld that was paired; `EntryError` if there is none."""
    private, public = _files(folder, serial)
    if not (private.is_file() and public.is_file()):
        raise EntryError(
            f"--unit: {folder.name} holds no handheld for {serial}, expected one that was paired"
        )
    return Keys(KeyPair.from_private(private.read_bytes()), public.read_bytes())


def _files(folder: Path, serial: str) -> tuple[Path, Path]:
    if not is_serial(serial):
        raise EntryError(f"--serial: got {serial!r:.60}, expected 1 to 32 letters, digits and hyphens")
    return folder / f"{serial}.key", folder / f"{serial}.pub"
