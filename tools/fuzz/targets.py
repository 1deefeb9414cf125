"""What is fuzzed. A target takes any bytes; it may refuse them with its room's error and nothing else.

What it takes it must write back as it came, so that no two spellings mean the same and nothing is read
that was not said.
"""

import io
import json
from collections.abc import Callable
from contextlib import suppress

from openitb.implant.errors import ImplantError
from openitb.implant.pairing import read_request
from openitb.implant.store import StoreError, from_bytes, salvaged, to_bytes
from openitb.implant.wand import read_placement
from openitb.prescription import OrderError, order_to_mapping, parse_order
from openitb.protocol import ProtocolError, decode_reply, decode_request, encode, read_library
from openitb.protocol.library import library_bytes
from openitb.telemetry import KeyPair, Keys
from openitb.telemetry.errors import FrameError, HandshakeError, TelemetryError
from openitb.telemetry.frames import encode_frame, read_frame
from openitb.telemetry.hello import Hello, decode_hello
from openitb.telemetry.pairing import read_code
from openitb.telemetry.responder import Responder
from openitb.world.case import parse
from openitb.world.casefile import CaseError

Target = Callable[[bytes], None]

IMPLANT, CALLER, FRESH = (KeyPair.from_private(bytes([number]) * 32) for number in (1, 2, 3))
CHALLENGE = bytes(range(32))
CODE = bytes(range(16))
SERIAL = "NGP1"


def request(data: bytes) -> None:
    """What a programmer sends."""
    try:
        message = decode_request(data)
    except ProtocolError as error:
        _one_line(error)
    else:
        _same(encode(message), data)


def reply(data: bytes) -> None:
    """What an implant answers."""
    try:
        message = decode_reply(data)
    except ProtocolError as error:
        _one_line(error)
    else:
        _same(encode(message), data)


def frames(data: bytes) -> None:
    """A stream of frames that drips in, a few bytes at a time."""
    stream, read = io.BytesIO(data), list[bytes]()
    try:
        while True:
            read.append(read_frame(lambda most: stream.read(min(most, 3))))
    except FrameError as error:
        _one_line(error)
    whole = b"".join(map(encode_frame, read))
    _same(whole, data[: len(whole)])


def hello(data: bytes) -> None:
    """The first frame of a contact."""
    try:
        said = decode_hello(data)
    except FrameError as error:
        _one_line(error)
    else:
        _same(said.encode(), data)


def contact(data: bytes) -> None:
    """A whole contact as the implant sees it: hello, proof, handshake, sealed requests, or pairing."""
    stream, gate = io.BytesIO(data), _Gate()
    responder = Responder(gate, CHALLENGE, lambda: FRESH)
    try:
        while True:
            responder.receive(read_frame(stream.read, responder.longest_frame))
    except TelemetryError as error:
        _one_line(error)
    responder.end()


def library(data: bytes) -> None:
    """A drug library."""
    try:
        edition = read_library(data)
    except ProtocolError as error:
        _one_line(error)
    else:
        _same(library_bytes(edition), data)


def order(data: bytes) -> None:
    """An order in its textual form."""
    given: object = None
    with suppress(ValueError, RecursionError):  # the form comes out of TOML, CBOR or JSON; they read first
        given = json.loads(data)
    _order(given)


def _order(given: object) -> None:
    try:
        made = parse_order(given)
    except OrderError as error:
        _one_line(error)
    else:
        _same(parse_order(order_to_mapping(made)), made)


def case(data: bytes) -> None:
    """A case file."""
    try:
        parse(data.decode())
    except UnicodeDecodeError:
        pass  # refused where the file is read
    except CaseError as error:
        _one_line(error)


def memory(data: bytes) -> None:
    """A slot of an implant's memory, its three sections read one by one."""
    for read in (from_bytes, salvaged):
        try:
            implant = read(data)
        except StoreError as error:
            _one_line(error)
            continue
        _same(to_bytes(from_bytes(to_bytes(implant))), to_bytes(implant))


def small(data: bytes) -> None:
    """What is typed or left in small files: pairing code, pairing request, place of the wand."""
    text = data.decode(errors="replace")
    _refused_or_read(lambda: read_code(text), HandshakeError)
    _refused_or_read(lambda: read_request(data), ProtocolError)
    _refused_or_read(lambda: read_placement(text), ImplantError)


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (request, reply, frames, hello, contact, library, order, case, memory, small)
}


class _Gate:
    """An implant's end that knows one caller, and whose pairing gate is open."""

    own, code = IMPLANT, CODE

    def carries(self, _serial: str, _size: int) -> bool:
        return True

    def keys_for(self, said: Hello) -> Keys | None:
        return Keys(IMPLANT, CALLER.public) if said.serial == SERIAL else None

    def answer(self, _said: Hello, asked: bytes) -> bytes:
        request(asked)
        return b"answered"

    def pairing(self, serial: str) -> "_Gate | None":
        return self if serial == SERIAL else None

    def admit(self, _public: bytes, _digits: str, asked: bytes) -> bytes:
        small(asked)
        return b"admitted"

    def ended(self, _said: Hello) -> None:
        pass


def _refused_or_read(read: Callable[[], object], refusal: type[Exception]) -> None:
    try:
        read()
    except refusal as error:
        _one_line(error)


def _same(written: object, read: object) -> None:
    if written != read:
        raise AssertionError(f"got {read!r}, which is written {written!r}")


def _one_line(error: Exception) -> None:
    if "\n" in str(error) or not str(error):
        raise AssertionError(f"not one line: {error!r}") from error
