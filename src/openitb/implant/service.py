"""Many implants behind one loopback port, living on while nobody looks.

An implant is advanced when it is asked something, and now and then; since `advance` does not care
how time is cut, an implant that was not looked at, or not even running, is the same as one that was.
A command is on disk before it is answered, so an answer is never forgotten by a crash.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from openitb import units
from openitb.implant.home import Home
from openitb.implant.implant import Implant, advance, handle
from openitb.protocol import ProtocolError, Refused, Role, decode_request, encode
from openitb.telemetry import Address, Hello, Keys, Limits, Listener, key_id

SAVE_EVERY_MS = 5 * units.MS_PER_MIN

Clock = Callable[[], int]

_log = logging.getLogger(__name__)

_DEFAULT_LIMITS = Limits()


class PumpService:
    """Serves the implants of a home from `start` to `stop`; `clock` tells true time in ms UTC.

    On start every implant is loaded and caught up with the time it was away; a damaged one raises
    `StoreError` rather than being served as something else. Implants added to the home later are
    found at their first contact.
    """

    def __init__(self, home: Home, clock: Clock, limits: Limits = _DEFAULT_LIMITS) -> None:
        self._home = home
        self._clock = clock
        self._limits = limits
        self._lock = threading.Lock()
        self._implants: dict[str, Implant] = {}
        self._roles = {key_id(home.programmer_public(role)): role for role in Role}
        self._stopping = threading.Event()
        self._listener: Listener | None = None
        self._saver: threading.Thread | None = None

    def start(self, port: int = 0, save_every_ms: int = SAVE_EVERY_MS) -> Address:
        """Catch up, open the port, serve in the background; the address is left in the home too."""
        self.catch_up()
        self._listener = Listener(self, port, self._limits)
        address = self._listener.start()
        self._home.announce(address)
        self._saver = threading.Thread(target=self._save_now_and_then, args=(save_every_ms,), daemon=True)
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
            with self._lock:
                self._keep(advance(self._implant(serial), self._now(serial)).implant)

    def implant(self, serial: str) -> Implant:
        """The implant as it is now, truth included: for the simulation bench, never for a programmer."""
        with self._lock:
            return advance(self._implant(serial), self._now(serial)).implant

    def keys_for(self, hello: Hello) -> Keys | None:
        """The keys for a session, if the implant lives here and the programmer is known."""
        role = self._roles.get(hello.key_id)
        if role is None or hello.serial not in self._home.serials():
            return None
        return self._home.implant_keys(hello.serial, role)

    def answer(self, hello: Hello, request: bytes) -> bytes:
        """The reply to a request from the holder of the key that the hello named.

        Raises `OSError`, and so leaves the request unanswered, if the outcome could not be saved.
        """
        try:
            message = decode_request(request)
        except ProtocolError as error:
            return encode(Refused(error.field, error.problem))
        with self._lock:
            implant, now_ms = self._implant(hello.serial), self._now(hello.serial)
            implant, reply = handle(implant, message, now_ms, self._roles[hello.key_id])
            self._keep(implant)
        return encode(reply)

    def _implant(self, serial: str) -> Implant:
        if serial not in self._implants:
            self._implants[serial] = self._home.load(serial)
        return self._implants[serial]

    def _now(self, serial: str) -> int:
        """True time, never before what the implant has already lived, should the clock be set back."""
        return max(self._clock(), self._implant(serial).now_ms)

    def _keep(self, implant: Implant) -> None:
        """Disk first. After a failed save nobody knows which state is on disk, so it is read again."""
        self._implants.pop(implant.serial, None)
        self._home.save(implant)
        self._implants[implant.serial] = implant

    def _save_now_and_then(self, every_ms: int) -> None:
        while not self._stopping.wait(every_ms / units.MS_PER_S):
            try:
                self.catch_up()
            except OSError as error:  # delivery is not lost: it is computed again from the last save
                _log.error("implants could not be saved: %s", error)


def provision(home: Path | Home, implant: Implant) -> None:
    """Add an implant to a home and make its keys; `ImplantError` if the serial is taken."""
    _home(home).add(implant)


def list_serials(home: Path | Home) -> tuple[str, ...]:
    """The serial numbers of the implants in a home, sorted."""
    return _home(home).serials()


def _home(home: Path | Home) -> Home:
    return home if isinstance(home, Home) else Home(home)
