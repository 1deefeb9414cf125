"""The process that serves the implants, on a disk in memory, with its end of the wand link.

The service, the store and the secure channel are the real ones. What is replaced is what would make
a run differ from itself: disk, keys, sockets, threads and the clock.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from openitb.implant import Home, Implant, PumpService, StoreError, fill, withdraw
from openitb.implant.memory import Slot, recall, save
from openitb.implant.wand import IN_CONTACT, Draw, Placement
from openitb.protocol import Reply, Request, Role, decode_reply, decode_request
from openitb.records import replace
from openitb.telemetry import Hello, KeyPair, Keys, Responder
from openitb.world.drill.disk import Disk

Draw32 = Callable[[], bytes]


@lru_cache(maxsize=64)
def key_of(name: str) -> KeyPair:
    """The static key pair of an implant, a role or a stranger: the same in every run."""
    return KeyPair.from_private(hashlib.sha256(b"openitb drill key\n" + name.encode()).digest())


def programmer_key(serial: str, role: Role) -> KeyPair:
    """The key of a clinic's programmer, or of the handheld of one patient."""
    return key_of(f"{role.value} {serial}" if role is Role.PATIENT else role.value)


@dataclass(frozen=True, slots=True)
class DiskSlots:
    """The two slots of an implant as files on a `Disk`."""

    disk: Disk
    serial: str

    def name(self, slot: Slot) -> str:
        """The file of a slot."""
        return f"{self.serial}.{slot.value}"

    def read(self, slot: Slot) -> bytes | None:
        """The file's bytes; None if there is none."""
        return self.disk.read(self.name(slot))

    def write(self, slot: Slot, data: bytes) -> None:
        """Write the file over, or make it."""
        write = self.disk.replace if self.read(slot) is None else self.disk.write_over
        write(self.name(slot), data)


@dataclass(frozen=True)
class DiskHome(Home):
    """A home whose files are on a `Disk`; `wands` are those not in contact.

    `committed` are implants as last saved to the end, `saving` those whose save has not come to its end,
    `recalled` what was read last and from which bytes: after a mishap the same are read again.
    """

    disk: Disk
    committed: dict[str, Implant] = field(default_factory=dict)
    saving: dict[str, Implant] = field(default_factory=dict)
    wands: dict[str, Placement] = field(default_factory=dict)
    recalled: dict[str, tuple[tuple[bytes | None, bytes | None], Implant]] = field(default_factory=dict)

    def serials(self) -> tuple[str, ...]:
        """The implants on the disk."""
        return tuple(sorted({name.partition(".")[0] for name in self.disk.names()}))

    def load(self, serial: str) -> Implant:
        """An implant as last saved; `StoreError` if it is beyond repair."""
        slots = DiskSlots(self.disk, serial)
        found = slots.read(Slot.A), slots.read(Slot.B)
        if serial not in self.recalled or self.recalled[serial][0] != found:
            self.recalled[serial] = found, recall(slots)
        implant = self.recalled[serial][1]
        if implant.serial != serial:
            raise StoreError(f"implant {serial}: the file holds {implant.serial}")
        return implant

    def save(self, implant: Implant) -> None:
        """Replace its file."""
        self.saving[implant.serial] = implant
        save(DiskSlots(self.disk, implant.serial), implant)
        self.committed[implant.serial] = self.saving.pop(implant.serial)

    def implant_keys(self, serial: str, role: Role) -> Keys:
        """What the implant holds for a session with a programmer of that role."""
        return Keys(key_of(serial), self.programmer_public(serial, role))

    def programmer_public(self, serial: str, role: Role) -> bytes:
        """The public key that programmers of a role are known by to an implant."""
        return programmer_key(serial, role).public

    def wand(self, serial: str) -> Placement:
        """Where the wand of an implant is."""
        return self.wands.get(serial, IN_CONTACT)


asked_in = lru_cache(maxsize=256)(decode_request)
told_in = lru_cache(maxsize=256)(decode_reply)


@dataclass(frozen=True, slots=True)
class Heard:
    """A request that reached an implant's firmware, and what it answered; empty if that was lost."""

    serial: str
    role: Role | None
    request: bytes
    reply: bytes

    @property
    def asked(self) -> Request:
        """What was asked."""
        return asked_in(self.request)

    @property
    def told(self) -> Reply:
        """What was answered; there must be an answer."""
        return told_in(self.reply)


class Ward(PumpService):
    """The service with a needle beside it, and a look at what it keeps."""

    def __init__(self, home: DiskHome, clock: Callable[[], int], draw: Draw) -> None:
        super().__init__(home, clock, draw=draw)
        self.heard: Heard | None = None

    def answer(self, hello: Hello, request: bytes) -> bytes:
        """The reply to a proved caller; the request is noted even if the answer never comes."""
        caller = self._caller(hello)
        self.heard = Heard(hello.serial, caller.role if caller else None, request, b"")
        reply = super().answer(hello, request)
        self.heard = replace(self.heard, reply=reply)
        return reply

    def listen(self) -> None:
        """Forget what was heard before the next step."""
        self.heard = None

    def kept(self, serial: str) -> Implant:
        """The implant as the service keeps it, not advanced."""
        return self._implant(serial)

    def needle(self, serial: str, volume_nl: int, concentration_ug_per_ml: int) -> tuple[int, int]:
        """Empty a reservoir and fill it; the nL and pg taken out. `ImplantError` above the capacity."""
        now_ms = self._now(serial)
        emptied, out_nl, out_pg = withdraw(self._implant(serial), now_ms)
        self._keep(fill(emptied, volume_nl, volume_nl * concentration_ug_per_ml, now_ms))
        return out_nl, out_pg

    def replace(self, implant: Implant) -> None:
        """Keep another state of an implant, as a bench does that lays a fault on it."""
        self._keep(implant)


@dataclass
class Contact:
    """The implant's end of one contact, frame by frame; a `TelemetryError` ends it."""

    ward: Ward
    responder: Responder
    last_heard: Heard | None = None

    def receive(self, frame: bytes) -> bytes | None:
        """The frame to send back; None if one of the two does not get across."""
        self.ward.listen()
        answer = self.responder.receive(frame)
        self.last_heard = self.ward.heard or self.last_heard
        return answer

    def leave(self) -> None:
        """The caller has gone; what was silenced for the contact alone may sound again."""
        self.responder.end()


def new_contact(ward: Ward, fresh: Draw32) -> Contact:
    """A fresh contact with the implants of a ward."""
    return Contact(ward, Responder(ward, fresh(), lambda: KeyPair.from_private(fresh())))
