"""The process that serves the implants, on a disk in memory, with its end of the wand link.

The service, the store and the secure channel are the real ones. What is replaced is what would make
a run differ from itself: disk, keys, sockets, threads and the clock.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from openitb.implant import Home, Implant, PumpService, StoreError, fill, withdraw
from openitb.implant.memory import Slot, recall, save
from openitb.protocol import Role
from openitb.telemetry import FrameError, Hello, KeyPair, Keys, Transport, respond
from openitb.telemetry.hello import decode_hello
from openitb.world.drill.disk import Disk

Draw32 = Callable[[], bytes]


@lru_cache(maxsize=64)
def key_of(name: str) -> KeyPair:
    """The static key pair of an implant, a role or a stranger: the same in every run."""
    return KeyPair.from_private(hashlib.sha256(b"openitb drill key\n" + name.encode()).digest())


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
        """Replace the file."""
        self.disk.replace(self.name(slot), data)


@dataclass(frozen=True)
class DiskHome(Home):
    """A home whose files are on a `Disk`.

    `committed` are implants as last saved to the end, `saving` those whose save has not come to its end.
    """

    disk: Disk
    committed: dict[str, Implant] = field(default_factory=dict)
    saving: dict[str, Implant] = field(default_factory=dict)

    def serials(self) -> tuple[str, ...]:
        """The implants on the disk."""
        return tuple(sorted({name.partition(".")[0] for name in self.disk.names()}))

    def load(self, serial: str) -> Implant:
        """An implant as last saved; `StoreError` if it is beyond repair."""
        implant = recall(DiskSlots(self.disk, serial))
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
        return Keys(key_of(serial), key_of(role.value).public)

    def programmer_public(self, role: Role) -> bytes:
        """The public key that programmers of a role are known by."""
        return key_of(role.value).public


@dataclass(frozen=True, slots=True)
class Heard:
    """A request that reached an implant's firmware, and what it answered; empty if that was lost."""

    serial: str
    role: Role
    request: bytes
    reply: bytes


class Ward(PumpService):
    """The service with a needle beside it, and a look at what it keeps."""

    def __init__(self, home: DiskHome, clock: Callable[[], int]) -> None:
        super().__init__(home, clock)
        self.heard: Heard | None = None

    def answer(self, hello: Hello, request: bytes) -> bytes:
        """The reply to a proved caller; the request is noted even if the answer never comes."""
        self.heard = Heard(hello.serial, self._roles[hello.key_id], request, b"")
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


@dataclass
class Contact:
    """The implant's end of one session, frame by frame; a `TelemetryError` ends it."""

    ward: Ward
    fresh_key: Draw32
    hello: Hello | None = None
    transport: Transport | None = field(default=None, repr=False)
    last_heard: Heard | None = None

    def receive(self, frame: bytes) -> bytes | None:
        """The frame to send back, None after a hello."""
        if self.hello is None:
            self.hello = decode_hello(frame)
            return None
        if self.transport is None:
            return self._handshake(self.hello, frame)
        answer = self.ward.answer(self.hello, self.transport.open(frame))
        self.last_heard = self.ward.heard
        return self.transport.seal(answer)

    def _handshake(self, hello: Hello, frame: bytes) -> bytes:
        keys = self.ward.keys_for(hello)
        if keys is None:
            raise FrameError("hello: names nobody here")
        ephemeral = KeyPair.from_private(self.fresh_key())
        _, answer, self.transport = respond(frame, keys, hello.encode(), ephemeral=ephemeral)
        return answer
