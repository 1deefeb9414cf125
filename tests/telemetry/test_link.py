"""A channel and a listener over the loopback: what arrives, and what each failure means."""

import socket
import threading
from collections.abc import Iterator

import pytest

from openitb.telemetry import (
    FrameError,
    Hello,
    Initiator,
    KeyPair,
    Keys,
    Limits,
    LinkDown,
    Listener,
    NoAnswer,
    connect,
    encode_frame,
    key_id,
    respond,
)
from openitb.telemetry.stream import close, receive_frame, send_frame

QUICK = Limits(connect_s=2.0, handshake_s=0.3, answer_s=0.5, idle_s=0.5, sessions=4)


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

    @property
    def caller_keys(self) -> Keys:
        return Keys(self.caller, self.implant.public)


@pytest.fixture
def gate() -> EchoGate:
    return EchoGate()


@pytest.fixture
def address(gate: EchoGate) -> Iterator[tuple[str, int]]:
    listener = Listener(gate, limits=QUICK)
    yield listener.start()
    listener.stop()


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


@pytest.mark.requirement("TEL-01")
def test_a_stolen_key_id_without_the_key_gets_nowhere(gate: EchoGate, address: tuple[str, int]) -> None:
    with socket.create_connection(address) as sock:
        hello = Hello("NGP1", key_id(gate.caller.public)).encode()
        thief = Initiator(Keys(KeyPair.generate(), gate.implant.public), hello)
        send_frame(sock, hello, 1)
        send_frame(sock, thief.first(), 1)
        with pytest.raises(FrameError):
            receive_frame(sock, 1)
    assert gate.requests == []


@pytest.mark.requirement("TEL-02", "TEL-03")
@pytest.mark.hazard("INC-21")
def test_a_recorded_first_message_replayed_has_no_effect(gate: EchoGate, address: tuple[str, int]) -> None:
    hello = Hello("NGP1", key_id(gate.caller.public)).encode()
    recorded = Initiator(gate.caller_keys, hello).first()
    for _ in range(2):
        with socket.create_connection(address) as sock:
            send_frame(sock, hello, 1)
            send_frame(sock, recorded, 1)
            assert len(receive_frame(sock, 1)) == 48
    assert gate.requests == []


@pytest.mark.requirement("TEL-02")
@pytest.mark.hazard("INC-21")
def test_a_replayed_request_ends_the_session_without_effect(gate: EchoGate, address: tuple[str, int]) -> None:
    hello = Hello("NGP1", key_id(gate.caller.public)).encode()
    initiator = Initiator(gate.caller_keys, hello)
    with socket.create_connection(address) as sock:
        send_frame(sock, hello, 1)
        send_frame(sock, initiator.first(), 1)
        _, transport = initiator.second(receive_frame(sock, 1))
        frame = transport.seal(b"once")
        send_frame(sock, frame, 1)
        assert transport.open(receive_frame(sock, 1)) == b"ecno"
        send_frame(sock, frame, 1)
        with pytest.raises(FrameError):
            receive_frame(sock, 1)
    assert gate.requests == [b"once"]


@pytest.mark.requirement("TEL-02")
def test_a_request_cut_short_has_no_effect(gate: EchoGate, address: tuple[str, int]) -> None:
    hello = Hello("NGP1", key_id(gate.caller.public)).encode()
    initiator = Initiator(gate.caller_keys, hello)
    with socket.create_connection(address) as sock:
        send_frame(sock, hello, 1)
        send_frame(sock, initiator.first(), 1)
        _, transport = initiator.second(receive_frame(sock, 1))
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


def test_strangers_beyond_the_session_limit_are_turned_away(gate: EchoGate, address: tuple[str, int]) -> None:
    idle = [socket.create_connection(address) for _ in range(QUICK.sessions)]
    with pytest.raises(LinkDown):
        connect(address, "NGP1", gate.caller_keys, QUICK)
    for sock in idle:
        close(sock)


@pytest.mark.requirement("TEL-11")
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


def _takes_a_request_and_dies(server: socket.socket, gate: EchoGate) -> None:
    sock, _ = server.accept()
    with sock:
        hello = receive_frame(sock, 1)
        _, answer, transport = respond(receive_frame(sock, 1), Keys(gate.implant, gate.caller.public), hello)
        send_frame(sock, answer, 1)
        transport.open(receive_frame(sock, 1))


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
