"""Many implants behind one loopback port, living on while nobody looks.

An implant is advanced when it is asked something; since `advance` does not care how time is cut, one
that was not looked at, or not even running, is the same as one that was, and costs nothing meanwhile.
A command is on disk before it is answered, so an answer is never forgotten by a crash. Time alone is
saved once a day of the implant's own, so that little is to be lived again after a crash.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from openitb import units
from openitb.implant import pairing, radio
from openitb.implant.home import Home
from openitb.implant.implant import Implant, advance, handle
from openitb.implant.pairing import OpenGate
from openitb.implant.radio import NewKey
from openitb.implant.wand import Draw, arrives
from openitb.protocol import ProtocolError, Refused, Reply, Request, Role, decode_request, encode
from openitb.telemetry import Address, Challenges, Costs, Hello, KeyPair, Keys, Limits, Listener, key_id

SAVE_EVERY_MS = 5 * units.MS_PER_MIN
SAVE_AFTER_MS = units.MS_PER_DAY

Clock = Callable[[], int]

_log = logging.getLogger(__name__)

_DEFAULT_LIMITS = Limits()


class PumpService:
    """Serves the implants of a home from `start` to `stop`; `clock` tells true time in ms UTC.

    On start every implant is loaded and caught up with the time it was away; a damaged one raises
    `StoreError` rather than being served as something else. Implants added to the home later are
    found at their first contact. `draw` decides about frames at the edge of the wand's reach; without
    it the wand is always in contact. `wall_clock` is that of the people around, by which a pairing gate
    closes; it differs from `clock` only where implants live at a pace of their own.

    Holds: BAT-05, DEL-17, SYS-08, TEL-01, TEL-04, TEL-05, TEL-09, TEL-12.
    """

    def __init__(
        self,
        home: Home,
        clock: Clock,
        limits: Limits = _DEFAULT_LIMITS,
        draw: Draw | None = None,
        wall_clock: Clock | None = None,
    ) -> None:
        self._home = home
        self._clock = clock
        self._limits = limits
        self._lock = threading.Lock()
        self._implants: dict[str, Implant] = {}
        self._saved_ms: dict[str, int] = {}
        self._frames: Counter[str] = Counter()
        self._draw = draw
        self._wall_clock = wall_clock or clock
        self._pinned: dict[str, _Pinned] = {}
        self._stopping = threading.Event()
        self._listener: Listener | None = None
        self._saver: threading.Thread | None = None

    def start(self, port: int = 0, look_every_ms: int = SAVE_EVERY_MS) -> Address:
        """Catch up, open the port, serve in the background; the address is left in the home too."""
        self.catch_up()
        self._listener = Listener(self, port, self._limits, Challenges(self._home.started()))
        address = self._listener.start()
        self._home.announce(address)
        self._saver = threading.Thread(target=self._save_now_and_then, args=(look_every_ms,), daemon=True)
        self._saver.start()
        return address

    def stop(self) -> None:
        """Close the port, then bring every implant up to now and save it."""
        if self._listener is None or self._saver is None:
            return
        self._listener.stop()
        self._stopping.set()
        self._saver.join()
        self.catch_up()
        self._listener = None

    def catch_up(self) -> None:
        """Advance every implant of the home to now and save it."""
        for serial in self._home.serials():
            self._catch_up(serial)

    def implant(self, serial: str) -> Implant:
        """The implant as it is now, truth included: for the simulation bench, never for a programmer."""
        with self._lock:
            return advance(self._implant(serial), self._now(serial)).implant

    @property
    def costs(self) -> Costs:
        """What the port has done for its callers since the start."""
        return self._listener.costs if self._listener else Costs()

    def carries(self, serial: str, size: int) -> bool:
        """True if a frame of this size gets across between wand and implant now."""
        if not self._lives_here(serial):
            return True
        if self._draw is not None and not arrives(self._home.wand(serial), size, self._draw):
            return False
        with self._lock:
            self._frames[serial] += 1
        return True

    def keys_for(self, hello: Hello) -> Keys | None:
        """The keys for a session, if the implant lives here and takes this programmer."""
        found = self._caller(hello)
        return None if found is None else Keys(self._keys(hello.serial).own, found.public)

    def answer(self, hello: Hello, request: bytes) -> bytes:
        """The reply to a request from the holder of the key that the hello named.

        Raises `OSError`, and so leaves the request unanswered, if the outcome could not be saved.
        """
        try:
            message = decode_request(request)
        except ProtocolError as error:
            return encode(Refused(error.field, error.problem))
        with self._lock:
            caller = self._caller(hello)  # again at each request: it may be revoked meanwhile
            if caller is None:
                return encode(Refused("role", "this key is no longer taken here"))
            reply = self._handle(hello.serial, message, caller.role)
        return encode(reply)

    def pairing(self, serial: str) -> "_Gate | None":
        """The gate of an implant, if it is open."""
        gate = pairing.gate_of(self._home, serial, self._wall_clock()) if self._lives_here(serial) else None
        return None if gate is None else _Gate(self, gate, self._keys(serial).own)

    def ended(self, hello: Hello) -> None:
        """A caller has gone: what was silenced only for the contact sounds again."""
        with self._lock:
            implant = self._implant(hello.serial)
            if radio.is_waiting_for_contact(implant):
                self._keep(radio.contact_ended(implant, self._now(hello.serial)))

    def admit(self, gate: OpenGate, public: bytes, digits: str, request: bytes) -> bytes:
        """Close the gate, keep the key that proved its code, and answer."""
        try:
            asked = pairing.read_request(request)
        except ProtocolError as error:
            return encode(Refused(error.field, error.problem))
        new = NewKey(public, gate.role, asked.name, gate.key_lasts_ms)
        with self._lock:
            if pairing.gate_of(self._home, gate.serial, self._wall_clock()) != gate:
                return encode(Refused("pairing", "the gate has closed meanwhile"))
            pairing.close_gate(self._home, gate.serial)
            before = self._implant(gate.serial)
            implant, refused = radio.admit_key(before, new, digits, self._now(gate.serial))
            self._keep(implant)
        return encode(refused or pairing.applied(implant))

    def _handle(self, serial: str, request: Request, role: Role) -> Reply:
        """Carry a request out and keep what it changed; time alone need not be kept, it passes again."""
        now_ms = self._now(serial)
        self._tell_frames(serial)
        before = advance(self._implant(serial), now_ms).implant
        after, reply = handle(before, request, now_ms, role)
        if after.firmware is before.firmware:
            self._implants[serial] = after
        else:
            self._keep(after)
        return reply

    def _caller(self, hello: Hello) -> "_Caller | None":
        """Who the hello names, if the implant takes that key: one of the home's, or one paired."""
        if not self._lives_here(hello.serial):
            return None
        implant = self._implant(hello.serial)
        if radio.is_revoked(implant, hello.key_id):
            return None
        known = self._keys(hello.serial).callers.get(hello.key_id)
        if known is not None:
            return known
        peer = radio.peer_of(advance(implant, self._now(hello.serial)).implant, hello.key_id)
        return None if peer is None else _Caller(peer.role, peer.public)

    def _keys(self, serial: str) -> "_Pinned":
        """The keys of the home, read at the first contact."""
        if serial not in self._pinned:
            keys = {role: self._home.implant_keys(serial, role) for role in Role}
            callers = {
                key_id(each.peer_public): _Caller(role, each.peer_public) for role, each in keys.items()
            }
            self._pinned[serial] = _Pinned(keys[Role.CLINICIAN].own, callers)
        return self._pinned[serial]

    def _lives_here(self, serial: str) -> bool:
        return serial in self._implants or serial in self._home.serials()

    def _implant(self, serial: str) -> Implant:
        if serial not in self._implants:
            self._implants[serial] = self._home.load(serial)
        return self._implants[serial]

    def _now(self, serial: str) -> int:
        """True time, never before what the implant has already lived, should the clock be set back."""
        return max(self._clock(), self._implant(serial).now_ms)

    def _keep(self, implant: Implant) -> None:
        """Disk first. After a failed save nobody knows which state is on disk, so it is read again.

        What is read then may be in memory only, so it is saved at the next look.
        """
        self._implants.pop(implant.serial, None)
        self._saved_ms[implant.serial] = implant.now_ms - SAVE_AFTER_MS
        self._home.save(implant)
        self._implants[implant.serial] = implant
        self._saved_ms[implant.serial] = implant.now_ms

    def _tell_frames(self, serial: str) -> None:
        """Let the firmware know what its radio has counted; in lots, so that few readings make a save."""
        frames = self._frames[serial]
        if frames >= radio.frames_told_at_once():
            self._keep(radio.talked(self._implant(serial), frames, self._now(serial)))
            self._frames[serial] -= frames

    def _catch_up(self, serial: str) -> None:
        with self._lock:
            self._tell_frames(serial)
            self._keep(advance(self._implant(serial), self._now(serial)).implant)

    def _save_now_and_then(self, every_ms: int) -> None:
        while not self._stopping.wait(every_ms / units.MS_PER_S):
            now_ms = self._clock()
            most = radio.frames_told_at_once()
            due = [
                serial
                for serial, saved in tuple(self._saved_ms.items())
                if now_ms - saved >= SAVE_AFTER_MS or self._frames[serial] >= most
            ]
            try:
                for serial in due:
                    self._catch_up(serial)
            except OSError as error:  # delivery is not lost: it is computed again from the last save
                _log.error("implants could not be saved: %s", error)


@dataclass(frozen=True, slots=True)
class _Caller:
    """A key that is taken: what it may do, and the key."""

    role: Role
    public: bytes


@dataclass(frozen=True, slots=True)
class _Pinned:
    """An implant's own key, and who is taken by the home, by the id of their keys."""

    own: KeyPair
    callers: dict[bytes, _Caller]


@dataclass(frozen=True, slots=True)
class _Gate:
    """An open pairing gate as the link needs it."""

    service: PumpService
    gate: OpenGate
    own: KeyPair

    @property
    def code(self) -> bytes:
        """The code that must be known."""
        return self.gate.code

    def admit(self, public: bytes, digits: str, request: bytes) -> bytes:
        """Take a proved key in."""
        return self.service.admit(self.gate, public, digits, request)


def provision(home: Path | Home, implant: Implant) -> None:
    """Add an implant to a home and make its keys; `ImplantError` if the serial is taken."""
    _home(home).add(implant)


def list_serials(home: Path | Home) -> tuple[str, ...]:
    """The serial numbers of the implants in a home, sorted."""
    return _home(home).serials()


def _home(home: Path | Home) -> Home:
    return home if isinstance(home, Home) else Home(home)
