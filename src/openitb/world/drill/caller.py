"""A programmer: opens sessions, asks one thing at a time, repeats what got no answer.

It moves frame by frame, so that two of them, and the adversary between, can come in each other's way
at any point. It believes a reply only from its own open session, as the real one does.
"""

from dataclasses import dataclass, field

from openitb.protocol import (
    Applied,
    CommitStaged,
    Interrogation,
    ReadAnswer,
    RecordRefill,
    Reply,
    Role,
    StageProgram,
    TransferReport,
    encode,
)
from openitb.records import replace
from openitb.telemetry import KeyPair, Keys, Transport
from openitb.telemetry.caller import Caller as Opening
from openitb.world.drill.line import Air
from openitb.world.drill.ward import Contact, key_of, programmer_key, told_in
from openitb.world.drill.wishes import Wish


class UnaskedError(ValueError):
    """An answer came through the channel that belongs to no question."""


@dataclass
class Session:
    """One line to one implant, from hello to hanging up."""

    serial: str
    air: Air
    contact: Contact
    opening: Opening
    called: bool = False
    transport: Transport | None = field(default=None, repr=False)
    asked: Wish | None = None

    @property
    def is_waiting(self) -> bool:
        """True while an answer is due."""
        return self.transport is None or self.asked is not None


@dataclass
class Caller:
    """One programmer. `unknown` are its commands that may or may not have been acted on.

    `staged` is what it has laid aside in a pump, None until it was read back.
    """

    name: str
    role: Role
    session: Session | None = None
    readings: dict[str, Interrogation] = field(default_factory=dict)
    unknown: dict[str, Wish] = field(default_factory=dict)
    staged: dict[str, TransferReport | None] = field(default_factory=dict)
    told: list[tuple[str, Wish, Reply]] = field(default_factory=list)

    def open(self, serial: str, air: Air, contact: Contact, fresh: bytes) -> None:
        """Call an implant: a hello is in the air."""
        keys = Keys(programmer_key(serial, self.role), key_of(serial).public)
        opening = Opening(serial, keys, lambda: KeyPair.from_private(fresh))
        self.session = Session(serial, air, contact, opening)
        air.send(opening.hello(), to_implant=True)

    def ask(self, wish: Wish) -> None:
        """Send a request over the open session."""
        session = self._open()
        if session.transport is None:
            raise ValueError(f"{self.name}: asked before the handshake was through")
        session.asked = wish
        if wish.command_id:
            self.unknown[session.serial] = wish
        session.air.send(session.transport.seal(encode(wish.request)), to_implant=True)

    def hang_up(self) -> None:
        """Leave; a command without an answer stays unknown."""
        self.session = None

    def receive(self, frame: bytes) -> None:
        """Take a frame from the implant; a `TelemetryError` or `ProtocolError` ends the session."""
        session = self._open()
        if session.transport is None:
            self._shake(session, frame)
            return
        reply = told_in(session.transport.open(frame))
        wish, session.asked = session.asked, None
        if wish is None:
            raise UnaskedError(f"{self.name}: got an answer without a question")
        self._believe(session.serial, wish, reply)

    def _shake(self, session: Session, frame: bytes) -> None:
        if session.called:
            session.transport = session.opening.transport(frame)
            return
        session.called = True
        session.air.send(session.opening.opening(frame), to_implant=True)

    def _believe(self, serial: str, wish: Wish, reply: Reply) -> None:
        self.told.append((serial, wish, reply))
        match reply:
            case Interrogation():
                self.readings[serial] = reply
            case TransferReport():
                self._read_back(serial, reply)
            case _:
                self._heard_outcome(serial, wish, reply)

    def _read_back(self, serial: str, reply: TransferReport) -> None:
        self.staged[serial] = reply
        if reply.staged is None:
            del self.staged[serial]  # it was dropped: stage it again

    def _heard_outcome(self, serial: str, wish: Wish, reply: Reply) -> None:
        unknown = self.unknown.get(serial)
        if unknown is not None and unknown.command_id == _settles(wish):
            del self.unknown[serial]
        if isinstance(wish.request, CommitStaged):
            self.staged.pop(serial, None)
        if isinstance(reply, Applied):
            self._was_applied(serial, wish, reply)

    def _was_applied(self, serial: str, wish: Wish, reply: Applied) -> None:
        if isinstance(wish.request, RecordRefill):
            self.readings.pop(serial, None)  # dose and drug belong together: read back before the next order
        elif isinstance(wish.request, StageProgram):
            self.staged[serial] = None  # to be read back before it is committed
        elif serial in self.readings:
            self.readings[serial] = replace(self.readings[serial], program_digest=reply.program_digest)

    def _open(self) -> Session:
        if self.session is None:
            raise ValueError(f"{self.name}: no session")
        return self.session


def _settles(wish: Wish) -> str:
    """The command whose outcome an answer to this wish tells."""
    return wish.request.command_id if isinstance(wish.request, ReadAnswer) else wish.command_id
