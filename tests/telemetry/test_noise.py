"""The handshake against the published vectors, and against everyone who should not get in."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openitb.telemetry import FrameError, HandshakeError, Initiator, KeyPair, Keys, Transport, respond
from openitb.telemetry.noise import KK, XXPSK3, Handshake, Party

PROLOGUE = b"openitb telemetry 1\nNGP000001"

VECTORS = json.loads((Path(__file__).parent / "noise_vectors.json").read_text())["vectors"]
PATTERNS = {pattern.name.decode(): pattern for pattern in (KK, XXPSK3)}


@pytest.fixture
def programmer() -> KeyPair:
    return KeyPair.generate()


@pytest.fixture
def implant() -> KeyPair:
    return KeyPair.generate()


def session(programmer: KeyPair, implant: KeyPair) -> tuple[Transport, Transport]:
    initiator = Initiator(Keys(programmer, implant.public), PROLOGUE)
    _, answer, theirs = respond(initiator.first(), Keys(implant, programmer.public), PROLOGUE)
    _, mine = initiator.second(answer)
    return mine, theirs


def party(vector: dict[str, object], side: str) -> Handshake:
    """One side of a published vector: its keys, its secret and its fixed ephemeral key."""
    remote = str(vector.get(f"{side}_remote_static", ""))
    psk = str(vector.get(f"{side}_psks", [""])[0])
    return Handshake(
        PATTERNS[vector["protocol_name"]],
        Party(
            side == "init",
            KeyPair.from_private(bytes.fromhex(vector[f"{side}_static"])),
            bytes.fromhex(remote),
            bytes.fromhex(psk),
        ),
        bytes.fromhex(vector[f"{side}_prologue"]),
        KeyPair.from_private(bytes.fromhex(vector[f"{side}_ephemeral"])),
    )


@pytest.mark.requirement("TEL-13")
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["protocol_name"])
def test_the_handshake_reproduces_the_published_vector(vector: dict[str, object]) -> None:
    sides = party(vector, "init"), party(vector, "resp")
    count = len(PATTERNS[vector["protocol_name"]].messages)
    messages = [(bytes.fromhex(m["payload"]), bytes.fromhex(m["ciphertext"])) for m in vector["messages"]]
    for turn, (payload, wire) in enumerate(messages[:count]):
        assert sides[turn % 2].write(payload) == wire
        assert sides[1 - turn % 2].read(wire) == payload
    transports = tuple(side.transport() for side in sides)
    assert {t.handshake_hash.hex() for t in transports} == {vector["handshake_hash"]}
    for turn, (payload, wire) in enumerate(messages[count:], start=count):
        assert transports[turn % 2].seal(payload)[8:] == wire


def test_both_sides_can_talk_after_the_handshake(programmer: KeyPair, implant: KeyPair) -> None:
    mine, theirs = session(programmer, implant)
    assert theirs.open(mine.seal(b"how are you")) == b"how are you"
    assert mine.open(theirs.seal(b"well")) == b"well"


@pytest.mark.requirement("TEL-03")
def test_the_first_message_carries_no_payload_unless_asked(programmer: KeyPair, implant: KeyPair) -> None:
    first = Initiator(Keys(programmer, implant.public), PROLOGUE).first()
    assert len(first) == 32 + 16


@pytest.mark.requirement("TEL-01")
@pytest.mark.hazard("INC-22")
def test_a_stranger_with_another_key_is_refused(programmer: KeyPair, implant: KeyPair) -> None:
    stranger = Initiator(Keys(KeyPair.generate(), implant.public), PROLOGUE)
    with pytest.raises(HandshakeError, match="pinned key"):
        respond(stranger.first(), Keys(implant, programmer.public), PROLOGUE)


@pytest.mark.requirement("TEL-01")
def test_an_impostor_implant_is_refused(programmer: KeyPair, implant: KeyPair) -> None:
    initiator = Initiator(Keys(programmer, implant.public), PROLOGUE)
    first = initiator.first()
    impostor = KeyPair.generate()
    with pytest.raises(HandshakeError):
        respond(first, Keys(impostor, programmer.public), PROLOGUE)
    with pytest.raises(HandshakeError):
        initiator.second(impostor.public + bytes(16))


@pytest.mark.requirement("TEL-12")
@pytest.mark.hazard("HAZ-24")
def test_another_serial_in_the_prologue_is_refused(programmer: KeyPair, implant: KeyPair) -> None:
    first = Initiator(Keys(programmer, implant.public), PROLOGUE).first()
    with pytest.raises(HandshakeError):
        respond(first, Keys(implant, programmer.public), PROLOGUE[:-1] + b"2")


@pytest.mark.requirement("TEL-02")
@given(position=st.integers(0, 47), flip=st.integers(1, 255))
@example(position=31, flip=0x80)  # the bit that X25519 ignores; the running hash does not
def test_any_altered_byte_of_the_first_message_is_refused(position: int, flip: int) -> None:
    programmer, implant = KeyPair.generate(), KeyPair.generate()
    first = bytearray(Initiator(Keys(programmer, implant.public), PROLOGUE).first())
    first[position] ^= flip
    with pytest.raises(HandshakeError):
        respond(bytes(first), Keys(implant, programmer.public), PROLOGUE)


@pytest.mark.requirement("TEL-02")
@given(position=st.integers(0, 30), flip=st.integers(1, 255))
def test_any_altered_byte_of_a_sealed_message_is_refused(position: int, flip: int) -> None:
    mine, theirs = session(KeyPair.generate(), KeyPair.generate())
    frame = bytearray(mine.seal(b"seventy"))
    frame[position] ^= flip
    with pytest.raises(FrameError):
        theirs.open(bytes(frame))


@pytest.mark.requirement("TEL-02")
@pytest.mark.hazard("INC-21")
def test_a_replayed_message_is_refused(programmer: KeyPair, implant: KeyPair) -> None:
    mine, theirs = session(programmer, implant)
    frame = mine.seal(b"once")
    theirs.open(frame)
    with pytest.raises(FrameError, match="counter: got 0, expected above 0"):
        theirs.open(frame)


@pytest.mark.requirement("TEL-02")
def test_a_late_message_is_refused_after_a_newer_one(programmer: KeyPair, implant: KeyPair) -> None:
    mine, theirs = session(programmer, implant)
    early, late = mine.seal(b"first"), mine.seal(b"second")
    assert theirs.open(late) == b"second"
    with pytest.raises(FrameError, match="counter"):
        theirs.open(early)


def test_a_lost_message_does_not_block_the_session(programmer: KeyPair, implant: KeyPair) -> None:
    mine, theirs = session(programmer, implant)
    mine.seal(b"lost on the way")
    assert theirs.open(mine.seal(b"next")) == b"next"


def test_a_forged_message_does_not_use_up_its_counter(programmer: KeyPair, implant: KeyPair) -> None:
    mine, theirs = session(programmer, implant)
    forged = (99).to_bytes(8, "big") + bytes(32)
    with pytest.raises(FrameError, match="altered"):
        theirs.open(forged)
    assert theirs.open(mine.seal(b"true")) == b"true"


@pytest.mark.requirement("TEL-02")
def test_a_message_from_another_session_is_refused(programmer: KeyPair, implant: KeyPair) -> None:
    recorded = session(programmer, implant)[0].seal(b"yesterday")
    _, theirs = session(programmer, implant)
    with pytest.raises(FrameError, match="altered"):
        theirs.open(recorded)


@pytest.mark.requirement("TEL-02")
def test_a_message_is_not_taken_in_the_wrong_direction(programmer: KeyPair, implant: KeyPair) -> None:
    mine, _ = session(programmer, implant)
    with pytest.raises(FrameError, match="altered"):
        mine.open(mine.seal(b"echo"))


@given(st.binary(max_size=80))
def test_no_bytes_open_by_chance(noise: bytes) -> None:
    _, theirs = session(KeyPair.generate(), KeyPair.generate())
    with pytest.raises(FrameError):
        theirs.open(noise)


@pytest.mark.parametrize("length", [0, 31, 47])
def test_a_truncated_first_message_is_refused(length: int, programmer: KeyPair, implant: KeyPair) -> None:
    first = Initiator(Keys(programmer, implant.public), PROLOGUE).first()
    with pytest.raises(HandshakeError):
        respond(first[:length], Keys(implant, programmer.public), PROLOGUE)


def test_a_public_key_of_zeros_is_refused(programmer: KeyPair, implant: KeyPair) -> None:
    with pytest.raises(HandshakeError, match="shares no secret"):
        respond(bytes(48), Keys(implant, programmer.public), PROLOGUE)


@pytest.mark.requirement("TEL-14")
@pytest.mark.hazard("HAZ-27")
def test_a_private_key_is_never_printed(programmer: KeyPair, implant: KeyPair) -> None:
    shown = repr(Keys(programmer, implant.public))
    assert repr(programmer.private)[2:-1] not in shown
    assert programmer.private.hex() not in shown


def test_a_key_of_the_wrong_length_is_refused(programmer: KeyPair) -> None:
    with pytest.raises(HandshakeError, match="expected 32"):
        Keys(programmer, b"short")
    with pytest.raises(HandshakeError, match="expected 32"):
        KeyPair.from_private(b"short")
