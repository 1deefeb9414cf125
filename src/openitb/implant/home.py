"""The folder where virtual implants live.

    <home>/pumps/<serial>.cbor        an implant, whole state
    <home>/pumps/<serial>.copy        the same in its second slot
    <home>/keys/<serial>.key          its private key, readable by the owner only
    <home>/keys/<serial>.pub          its public key, pinned by programmers
    <home>/programmers/<role>.key     a programmer's private key, readable by the owner only
    <home>/programmers/<role>.pub     its public key, pinned by the implants
    <home>/handhelds/<serial>.key     the key of one patient's handheld, readable by the owner only
    <home>/handhelds/<serial>.pub     its public key, pinned by that implant alone
    <home>/publishers/library.key     the key that drug libraries are signed with
    <home>/wands/<serial>             where the wand is: distance in mm, tilt in degrees, noise
    <home>/starts                     how often the service was started
    <home>/address                    host and port of the service while it runs
    <home>/lock                       held by the process that runs the implants, with its number

The two slots of an implant are written over where they lie and forced to disk, one after the other: a
torn one is known by its checksum, and the other is whole. Every other file is replaced whole or not at
all: written beside, forced to disk, then renamed.

Holds: SYS-05, TEL-14.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from openitb.implant.errors import ImplantError
from openitb.implant.implant import Implant
from openitb.implant.memory import Slot, recall, save
from openitb.implant.radio import with_publisher
from openitb.implant.store import StoreError
from openitb.implant.wand import IN_CONTACT, Placement, placement_text, read_placement
from openitb.protocol import Role
from openitb.telemetry import Address, KeyPair, Keys, SigningKey
from openitb.telemetry.hello import is_serial

OWNER_ONLY = 0o600
OWNER_FOLDER = 0o700
ENDINGS = {Slot.A: ".cbor", Slot.B: ".copy"}
TEMPORARY = ".new"
LOCK = "lock"
PID_BYTES = 32


@dataclass(frozen=True, slots=True)
class Home:
    """A folder of implants; made when something is first kept there, never by looking."""

    path: Path

    def serials(self) -> tuple[str, ...]:
        """The implants that live here, sorted."""
        pumps = self.path / "pumps"
        files = pumps.iterdir() if pumps.is_dir() else ()
        return tuple(sorted({file.stem for file in files if file.suffix in ENDINGS.values()}))

    def load(self, serial: str) -> Implant:
        """An implant as last saved; `ImplantError` if there is none, `StoreError` if it is beyond repair."""
        slots = self._slots(serial)
        if slots.is_empty:
            raise self._nobody(serial)
        implant = recall(slots)
        if implant.serial != serial:
            raise StoreError(f"implant {serial}: the file holds {implant.serial}")
        return implant

    def require(self, serial: str) -> None:
        """`ImplantError` unless an implant of that serial number lives here."""
        if serial not in self.serials():
            raise self._nobody(serial)

    def require_free(self, serial: str) -> None:
        """`ImplantError` for a serial number that is taken or cannot be one."""
        self._file("pumps", serial, "")
        if serial in self.serials():
            raise ImplantError(f"serial: got {serial!r}, which already lives here, expected another")

    def save(self, implant: Implant) -> None:
        """Keep an implant; afterwards the old state or the new one is on disk, never a mixture."""
        save(self._slots(implant.serial), implant)

    def add(self, implant: Implant) -> None:
        """Give a new implant a place and keys; `ImplantError` if the serial is taken or not usable."""
        self.require_free(implant.serial)
        self._pair("keys", implant.serial)
        for role in Role:
            self._programmer(implant.serial, role)
        self.save(with_publisher(implant, self.publisher().public))

    def implant_keys(self, serial: str, role: Role) -> Keys:
        """What the implant holds for a session with a programmer of that role."""
        return Keys(self._pair("keys", serial), self.programmer_public(serial, role))

    def programmer_keys(self, serial: str, role: Role = Role.CLINICIAN) -> Keys:
        """What a programmer of that role holds for a session with the implant."""
        public = self._file("keys", serial, ".pub")
        if not public.is_file():
            raise self._nobody(serial)
        return Keys(self._programmer(serial, role), public.read_bytes())

    def programmer_public(self, serial: str, role: Role) -> bytes:
        """The public key that programmers of a role are known by to an implant."""
        return self._programmer(serial, role).public

    def publisher(self) -> SigningKey:
        """The key that drug libraries for the implants made here are signed with."""
        file = self._file("publishers", "library", ".key")
        if file.is_file():
            return SigningKey.from_private(file.read_bytes())
        key = SigningKey.generate()
        write_whole(file, key.private)
        return key

    def place_wand(self, serial: str, placement: Placement) -> None:
        """Put the wand there until it is put elsewhere."""
        write_whole(self._file("wands", serial, ""), placement_text(placement).encode())

    def wand(self, serial: str) -> Placement:
        """Where the wand of an implant is; in contact unless it was put elsewhere."""
        file = self._file("wands", serial, "")
        return read_placement(file.read_text()) if file.is_file() else IN_CONTACT

    def started(self) -> int:
        """The number of this start of the service, on disk before it is used; higher each time."""
        file = self.path / "starts"
        before = file.read_text() if file.is_file() else "0"
        if not before.strip().isdecimal():
            raise ImplantError(f"starts: got {before!r:.40}, expected how often the service was started")
        number = int(before) + 1
        write_whole(file, f"{number}\n".encode())
        return number

    @contextmanager
    def occupied(self) -> Iterator[None]:
        """Keep the home for this process: two services would overwrite each other's implants.

        `ImplantError` if another process has it. The system gives it free when the process ends.
        """
        descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
        try:
            _take(descriptor)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def require_unoccupied(self) -> None:
        """`ImplantError` if another process runs the implants of this home now."""
        descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
        try:
            _take(descriptor)
        finally:
            os.close(descriptor)

    def announce(self, address: Address) -> None:
        """Leave the address of the running service for programmers on this machine."""
        write_whole(self.path / "address", f"{address[0]} {address[1]}\n".encode())

    def address(self) -> Address:
        """Where the service was last announced; `ImplantError` if it never was."""
        file = self.path / "address"
        if not file.is_file():
            raise ImplantError(
                f"home: got {str(self.path)!r}, expected one where the pumps run: no running service has "
                "left its address there (openitb pump run)"
            )
        text = file.read_text().strip()
        host, _, port = text.partition(" ")
        if not port.isdecimal():
            raise ImplantError(f"address: got {text!r:.40}, expected a host and a port")
        return host, int(port)

    def _slots(self, serial: str) -> "_Slots":
        return _Slots({slot: self._file("pumps", serial, ending) for slot, ending in ENDINGS.items()})

    def _programmer(self, serial: str, role: Role) -> KeyPair:
        """A clinic's programmer speaks to every implant, a patient's handheld to one."""
        if role is Role.PATIENT:
            return self._pair("handhelds", serial)
        return self._pair("programmers", role.value)

    def _pair(self, folder: str, name: str) -> KeyPair:
        file = self._file(folder, name, ".key")
        if file.is_file():
            return KeyPair.from_private(file.read_bytes())
        pair = KeyPair.generate()
        write_whole(file, pair.private)
        write_whole(file.with_suffix(".pub"), pair.public)
        return pair

    def _file(self, folder: str, name: str, ending: str) -> Path:
        if not is_serial(name):
            raise ImplantError(f"serial: got {name!r:.60}, expected 1 to 32 letters, digits and hyphens")
        return self.path / folder / f"{name}{ending}"

    def _nobody(self, serial: str) -> ImplantError:
        here = self.serials()
        expected = f"one of {', '.join(here)}" if here else f"an implant; none lives in {str(self.path)!r}"
        return ImplantError(f"serial: got {serial!r:.60}, expected {expected}")


@dataclass(frozen=True, slots=True)
class _Slots:
    """The two slots of an implant as files."""

    files: dict[Slot, Path]

    @property
    def is_empty(self) -> bool:
        """True if neither was ever written."""
        return not any(file.is_file() for file in self.files.values())

    def read(self, slot: Slot) -> bytes | None:
        """The file's bytes, not while another process writes them; None if there is none."""
        file = self.files[slot]
        if not file.is_file():
            return None
        with file.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH)
            return stream.read()

    def write(self, slot: Slot, data: bytes) -> None:
        """Write the slot over; after a failure nothing of it passes for a state."""
        file = self.files[slot]
        if file.is_file():
            write_over(file, data)
        else:
            write_whole(file, data)


def write_over(file: Path, data: bytes) -> None:
    """Give a file that exists another content, on disk when this returns; emptied if that fails.

    Costs one wait for the disk where `write_whole` costs two and a rename. A crash on the way may leave
    anything in the file.
    """
    descriptor = os.open(file, os.O_WRONLY)
    with os.fdopen(descriptor, "wb", buffering=0) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            written = stream.write(data)
            if written != len(data):
                raise OSError(f"{file.name}: got {written} of {len(data)} bytes written, expected all")
            stream.truncate()
            os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
            raise


def write_whole(file: Path, data: bytes) -> None:
    """Replace a file by one that is complete and on disk before it takes the old one's name.

    A folder that is missing is made, for the owner alone.
    """
    file.parent.mkdir(mode=OWNER_FOLDER, parents=True, exist_ok=True)
    beside = file.with_name(file.name + TEMPORARY)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(beside, file)  # noqa: PTH105  # named plainly: this is the commit
    _sync_folder(file.parent)


def _take(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, PID_BYTES, 0).decode().strip() or "another"
        raise ImplantError(
            f"implants: process {holder} still runs the pumps of this folder, expected none; end it first"
        ) from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
