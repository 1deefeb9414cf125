"""A channel and a listener over the loopback: what arrives, and what each failure means."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from openitb.telemetry import (
    FrameError,
    Hello,
    KeyPair,
    Keys,
    Limits,
    LinkDown,
    Listener,
    NoAnswer,
    PairingGate,
    Responder,
    Transport,
    connect,
    encode_frame,
    key_id,
)
from openitb.telemetry.caller import Caller
from openitb.telemetry.contact import CHALLENGE_BYTES
from openitb.telemetry.stream import close, receive_frame, send_frame

QUICK = Limits(
    connect_s=2.0, handshake_s=0.3, answer_s=0.5, idle_s=0.5, sessions=4, strangers=4, contact_s=0.0
)


class EchoGate:
    """Knows one implant and one caller; answers with the request, reversed, and counts."""

    def __init__(self) -> None:
        self.implant = KeyPair.generate()
        self.caller = KeyPair.generate()
        self.requests: list[bytes] = []

    def keys_for(self, hello: Hello) -> Keys | None:
        known = hello == Hello("NGP1", key_id(self.caller.public))
        return Keys(self.implant, self.caller.public) if known else None

    def answer(self, hello: Hello, request: bytes) -> bytes:
        assert hello.serial == "NGP1"
        self.requests.append(request)
        return request[::-1]

    def carries(self, _serial: str, _size: int) -> bool:
        return True

    def pairing(self, _serial: str) -> PairingGate | None:
        return None

    def ended(self, hello: Hello) -> None:
        self.gone = hello

    @property
    def caller_keys(self) -> Keys:
        return Keys(self.caller, self.implant.public)


@pytest.fixture
def gate() -> EchoGate:
    return EchoGate()


@pytest.fixture
def listener(gate: EchoGate) -> Iterator[Listener]:
    listener = Listener(gate, limits=QUICK)
    yield listener
    listener.stop()


@pytest.fixture
def address(listener: Listener) -> tuple[str, int]:
    return listener.start()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_request_comes_back_answered(gate: EchoGate, address: tuple[str, int]) -> None:
    with connect(address, "NGP1", gate.caller_keys, QUICK) as channel:
        assert channel.send(b"abc") == b"cba"
        assert channel.send(b"x" * 60_000) == b"x" * 60_000
    assert len(gate.requests) == 2


def test_the_listener_is_on_the_loopback_only(address: tuple[str, int]) -> None:
    assert address[0] == "127.0.0.1"


@pytest.mark.requirement("TEL-12")
def test_an_unknown_serial_is_met_with_silence(gate: EchoGate, address: tuple[str, int]) -> None:
    with pytest.raises(LinkDown, match="implant NGP2: no session"):
        connect(address, "NGP2", gate.caller_keys, QUICK)
    assert gate.requests == []


@pytest.mark.requirement("TEL-01")
def test_an_unknown_key_is_met_with_silence(gate: EchoGate, address: tuple[str, int]) -> None:
    with pytest.raises(LinkDown, match="no session"):
        connect(address, "NGP1", Keys(KeyPair.generate(), gate.implant.public), QUICK)
    assert gate.requests == []


class RawCaller:
    """Speaks frame by frame over a plain socket, so that a test can put anything in between."""

    def __init__(self, sock: socket.socket, keys: Keys) -> None:
        self._sock = sock
        self.caller = Caller("NGP1", keys)

    def exchange(self, frame: bytes) -> bytes:
        send_frame(self._sock, frame, 1)
        return receive_frame(self._sock, 1)

    def opened(self) -> Transport:
        challenge = self.exchange(self.caller.hello())
        return self.caller.transport(self.exchange(self.caller.opening(challenge)))


@pytest.mark.requirement("TEL-01")
def test_a_stolen_key_id_without_the_key_gets_nowhere(gate: EchoGate, address: tuple[str, int]) -> None:
    thief_keys = Keys(replace(KeyPair.generate(), public=gate.caller.public), gate.implant.public)
    with socket.create_connection(address) as sock:
        thief = RawCaller(sock, thief_keys)
        challenge = thief.exchange(thief.caller.hello())
        assert len(challenge) == CHALLENGE_BYTES
        with pytest.raises(FrameError):
            thief.exchange(thief.caller.opening(challenge))
    assert gate.requests == []


@pytest.mark.requirement("TEL-02", "TEL-03", "TEL-04")
@pytest.mark.hazard("INC-21")
def test_a_recorded_opening_replayed_is_refused_before_any_key_exchange(
    gate: EchoGate, listener: Listener, address: tuple[str, int]
) -> None:
    with socket.create_connection(address) as sock:
        true = RawCaller(sock, gate.caller_keys)
        recorded = true.caller.opening(true.exchange(true.caller.hello()))
        true.exchange(recorded)
    wait_until(lambda: listener.costs.key_exchanges == 1)
    with socket.create_connection(address) as sock:
        replayer = RawCaller(sock, gate.caller_keys)
        replayer.exchange(replayer.caller.hello())
        with pytest.raises(FrameError):
            replayer.exchange(recorded)
    assert listener.costs.key_exchanges == 1
    assert gate.requests == []


@pytest.mark.requirement("TEL-02")
@pytest.mark.hazard("INC-21")
def test_a_replayed_request_ends_the_session_without_effect(gate: EchoGate, address: tuple[str, int]) -> None:
    with socket.create_connection(address) as sock:
        raw = RawCaller(sock, gate.caller_keys)
        transport = raw.opened()
        frame = transport.seal(b"once")
        assert transport.open(raw.exchange(frame)) == b"ecno"
        with pytest.raises(FrameError):
            raw.exchange(frame)
    assert gate.requests == [b"once"]


@pytest.mark.requirement("TEL-02")
def test_a_request_cut_short_has_no_effect(gate: EchoGate, address: tuple[str, int]) -> None:
    with socket.create_connection(address) as sock:
        transport = RawCaller(sock, gate.caller_keys).opened()
        sock.sendall(encode_frame(transport.seal(b"whole"))[:-1])
        sock.shutdown(socket.SHUT_WR)
        with pytest.raises(FrameError):
            receive_frame(sock, 1)
    assert gate.requests == []


@pytest.mark.requirement("TEL-08")
def test_garbage_ends_its_own_session_only(gate: EchoGate, address: tuple[str, int]) -> None:
    with socket.create_connection(address) as sock:
        sock.sendall(b"\xff" * 500)
        with pytest.raises(FrameError):
            receive_frame(sock, 2)
    with connect(address, "NGP1", gate.caller_keys, QUICK) as channel:
        assert channel.send(b"ok") == b"ko"


def test_nobody_at_the_port_is_a_link_that_is_down(gate: EchoGate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free_port = server.getsockname()[1]
    with pytest.raises(LinkDown, match="nobody answers"):
        connect(("127.0.0.1", free_port), "NGP1", gate.caller_keys, QUICK)


def test_a_silent_peer_is_given_up_after_the_handshake_time(gate: EchoGate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(LinkDown, match="no session"):
        connect(mute.getsockname(), "NGP1", gate.caller_keys, QUICK)


@pytest.mark.requirement("PRG-11")
def test_a_request_without_answer_is_unknown_and_closes_the_channel(gate: EchoGate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        peer = threading.Thread(target=_takes_a_request_and_dies, args=(server, gate))
        peer.start()
        channel = connect(server.getsockname(), "NGP1", gate.caller_keys, QUICK)
        with pytest.raises(NoAnswer, match="may have been acted on"):
            channel.send(b"dose")
        with pytest.raises(LinkDown, match="closed"):
            channel.send(b"dose")
        peer.join()


def test_a_request_that_is_too_long_is_not_sent(gate: EchoGate, address: tuple[str, int]) -> None:
    with (
        connect(address, "NGP1", gate.caller_keys, QUICK) as channel,
        pytest.raises(LinkDown, match="expected at most"),
    ):
        channel.send(bytes(65_536))
    assert gate.requests == []


@pytest.mark.requirement("TEL-11")
def test_idle_strangers_do_not_keep_a_caller_with_a_key_out(gate: EchoGate, address: tuple[str, int]) -> None:
    idle = [socket.create_connection(address) for _ in range(5 * QUICK.strangers)]
    with connect(address, "NGP1", gate.caller_keys, QUICK) as channel:
        assert channel.send(b"ok") == b"ko"
    for sock in idle:
        close(sock)


@pytest.mark.requirement("TEL-11")
def test_under_a_flood_strangers_cost_no_key_exchange_and_a_known_caller_gets_in(gate: EchoGate) -> None:
    limits = replace(
        QUICK, strangers=32, strangers_per_s=50.0, strangers_burst=20, contact_s=20.0, retry_s=0.02
    )
    listener = Listener(gate, limits=limits)
    address = listener.start()
    began = time.monotonic()
    with _crowd(address, gate, limits):
        wait_until(lambda: listener.costs.turned_away > 50)
        with connect(address, "NGP1", gate.caller_keys, limits) as channel:
            assert channel.send(b"ok") == b"ko"
    heard = limits.strangers_burst + limits.strangers_per_s * (time.monotonic() - began)
    assert listener.costs.key_exchanges == 1  # that of the caller with a key
    assert listener.costs.challenges <= heard + 1
    listener.stop()


@pytest.mark.requirement("TEL-11")
def test_proved_callers_beyond_the_session_limit_are_turned_away(
    gate: EchoGate, address: tuple[str, int]
) -> None:
    channels = [connect(address, "NGP1", gate.caller_keys, QUICK) for _ in range(QUICK.sessions)]
    with pytest.raises(LinkDown):
        connect(address, "NGP1", gate.caller_keys, QUICK)
    for channel in channels:
        channel.close()


def test_an_idle_stranger_is_dropped_in_bounded_time(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as sock:
        sock.settimeout(3)
        assert sock.recv(1) == b""


@pytest.mark.requirement("TEL-11")
def test_a_stranger_dripping_bytes_is_dropped_in_bounded_time(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as sock:
        sock.settimeout(0.1)
        assert _is_dropped_while_dripping(sock)


def test_a_taken_port_is_refused_in_one_line(gate: EchoGate, address: tuple[str, int]) -> None:
    with pytest.raises(LinkDown, match=f"cannot listen on {address[1]}"):
        Listener(gate, port=address[1]).start()


def test_stopping_ends_open_sessions(gate: EchoGate) -> None:
    listener = Listener(gate, limits=QUICK)
    channel = connect(listener.start(), "NGP1", gate.caller_keys, QUICK)
    listener.stop()
    with pytest.raises(NoAnswer):
        channel.send(b"anyone there")


@contextmanager
def _crowd(address: tuple[str, int], gate: EchoGate, limits: Limits) -> Iterator[None]:
    """Strangers knocking as fast as they can, until the block ends."""
    over = threading.Event()
    crowd = [threading.Thread(target=_flood, args=(address, gate, limits, over)) for _ in range(3)]
    for thread in crowd:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in crowd:
            thread.join()


def _flood(address: tuple[str, int], gate: EchoGate, limits: Limits, over: threading.Event) -> None:
    stranger = Keys(KeyPair.generate(), gate.implant.public)
    while not over.is_set():
        with pytest.raises(LinkDown):
            connect(address, "NGP1", stranger, replace(limits, contact_s=0.0))


def _takes_a_request_and_dies(server: socket.socket, gate: EchoGate) -> None:
    sock, _ = server.accept()
    with sock:
        responder = Responder(gate, bytes(CHALLENGE_BYTES))
        for _ in range(2):
            send_frame(sock, responder.receive(receive_frame(sock, 1)), 1)
        receive_frame(sock, 1)


def _is_dropped_while_dripping(sock: socket.socket) -> bool:
    for _ in range(30):
        try:
            sock.sendall(b"\x00")
            if sock.recv(1) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False
