"""The handshake against the published vector, and against everyone who should not get in."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openitb.telemetry import FrameError, HandshakeError, Initiator, KeyPair, Keys, Transport, respond

PROLOGUE = b"openitb telemetry 1\nNGP000001"

# cacophony's test vector for Noise_KK_25519_ChaChaPoly_SHA256 (github.com/haskell-cryptography/cacophony).
VECTOR = {
    "prologue": "4a6f686e2047616c74",
    "init_static": "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
    "init_ephemeral": "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
    "resp_static": "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
    "resp_ephemeral": "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
    "hash": "24c6b51ecb76277140ca018b5985bc9f03de321dae2d34dcae433dafef0131d9",
}
VECTOR_MESSAGES = [
    (
        "4c756477696720766f6e204d69736573",
        "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79440177015efc1fe7a37c629af7120a9627"
        "4e6ab7afcc9261901d0e09ae32a5bb96",
    ),
    (
        "4d757272617920526f746862617264",
        "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843b274d3429adc47ca093ba63ef90f8da8"
        "9fda108db471dccfa4894aa7b00003",
    ),
    ("462e20412e20486179656b", "966b05bc69ec01b8454d3160a214e6f24a3d884eb31ec2408af63f"),
    ("4361726c204d656e676572", "0ad887fba4f611bbb4afe44ba3556b8164332ca7d5934634d63d80"),
    (
        "4a65616e2d426170746973746520536179",
        "012b28ae646ae7830e2c5472cb023eab071c1db3d8413ec69b513b83832f974c2d",
    ),
    (
        "457567656e2042f6686d20766f6e2042617765726b",
        "bb3e6a48160d9c5971d37f975727294e0d868342db31832e54d07191ab0ca3c3703b5ed3d9",
    ),
]


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


@pytest.mark.requirement("TEL-13")
def test_the_handshake_reproduces_the_published_vector() -> None:
    initiator_static, responder_static, initiator_ephemeral, responder_ephemeral = (
        KeyPair.from_private(bytes.fromhex(VECTOR[name]))
        for name in ("init_static", "resp_static", "init_ephemeral", "resp_ephemeral")
    )
    prologue = bytes.fromhex(VECTOR["prologue"])
    (first, first_wire), (second, second_wire), *transport = [
        (bytes.fromhex(plain), bytes.fromhex(wire)) for plain, wire in VECTOR_MESSAGES
    ]
    initiator = Initiator(Keys(initiator_static, responder_static.public), prologue, initiator_ephemeral)
    sent = initiator.first(first)
    responder_keys = Keys(responder_static, initiator_static.public)
    received, answer, theirs = respond(sent, responder_keys, prologue, second, responder_ephemeral)
    answered, mine = initiator.second(answer)
    assert (sent, received, answer, answered) == (first_wire, first, second_wire, second)
    assert mine.handshake_hash == theirs.handshake_hash == bytes.fromhex(VECTOR["hash"])
    for index, (plain, wire) in enumerate(transport):
        sender = (mine, theirs)[index % 2]
        assert sender.seal(plain)[8:] == wire


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
