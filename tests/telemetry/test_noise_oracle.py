"""Our handshakes against an independent Noise library, in both roles."""

import pytest
from noise import connection

from openitb.telemetry import KeyPair
from openitb.telemetry.noise import KK, XXPSK3, Handshake, Party, Pattern

PROLOGUE = b"openitb telemetry 2 and a challenge"
PSK = bytes(range(32))


def other_side(pattern: Pattern, is_initiator: bool, own: KeyPair, peer: bytes) -> object:
    noise = connection.NoiseConnection.from_name(pattern.name)
    if is_initiator:
        noise.set_as_initiator()
    else:
        noise.set_as_responder()
    noise.set_prologue(PROLOGUE)
    noise.set_keypair_from_private_bytes(connection.Keypair.STATIC, own.private)
    if pattern.statics_known:
        noise.set_keypair_from_public_bytes(connection.Keypair.REMOTE_STATIC, peer)
    if pattern.with_psk:
        noise.set_psks(PSK)
    noise.start_handshake()
    return noise


@pytest.mark.requirement("TEL-13")
@pytest.mark.parametrize("pattern", [KK, XXPSK3], ids=lambda pattern: pattern.name.decode())
@pytest.mark.parametrize("we_begin", [True, False])
def test_our_handshake_speaks_with_an_independent_library(pattern: Pattern, we_begin: bool) -> None:
    ours, theirs = KeyPair.generate(), KeyPair.generate()
    peer = theirs.public if pattern.statics_known else b""
    mine = Handshake(pattern, Party(we_begin, ours, peer, PSK if pattern.with_psk else b""), PROLOGUE)
    other = other_side(pattern, not we_begin, theirs, ours.public)
    for turn in range(len(pattern.messages)):
        if (turn % 2 == 0) == we_begin:
            assert bytes(other.read_message(mine.write(b"from us"))) == b"from us"
        else:
            assert mine.read(bytes(other.write_message(b"from them"))) == b"from them"
    transport = mine.transport()
    assert transport.handshake_hash == other.get_handshake_hash()
    assert mine.peer_public == theirs.public
    assert bytes(other.decrypt(transport.seal(b"sealed")[8:])) == b"sealed"
    assert transport.open(bytes(8) + bytes(other.encrypt(b"back"))) == b"back"
