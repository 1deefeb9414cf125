"""Bytes between a programmer and an implant: frames, a secure channel, a loopback transport.

This room knows keys and serial numbers and no dose. What a request means is decided elsewhere.
A failed request has one of two outcomes, told apart by type: `LinkDown`, nothing was sent and
nothing can have happened; `NoAnswer`, it was sent and may have been acted on, so read back.
"""

from openitb.telemetry.channel import Candidate, Channel, Paired, connect, pair
from openitb.telemetry.contact import CHALLENGE_BYTES, Challenges
from openitb.telemetry.errors import FrameError, HandshakeError, LinkDown, NoAnswer, TelemetryError
from openitb.telemetry.frames import MAX_FRAME, encode_frame
from openitb.telemetry.hello import Hello, Purpose
from openitb.telemetry.keys import KeyPair, Keys, key_id
from openitb.telemetry.limits import Limits
from openitb.telemetry.line import Address, Air, Dialer, NearDialer, clear_air
from openitb.telemetry.listener import Listener
from openitb.telemetry.noise import MAX_PLAIN, Initiator, Transport, respond
from openitb.telemetry.pairing import check_digits, code_text, new_code, read_code
from openitb.telemetry.responder import Gate, PairingGate, Responder
from openitb.telemetry.signing import SigningKey, is_signed
from openitb.telemetry.toll import Costs

__all__ = [
    "CHALLENGE_BYTES",
    "MAX_FRAME",
    "MAX_PLAIN",
    "Address",
    "Air",
    "Candidate",
    "Challenges",
    "Channel",
    "Costs",
    "Dialer",
    "FrameError",
    "Gate",
    "HandshakeError",
    "Hello",
    "Initiator",
    "KeyPair",
    "Keys",
    "Limits",
    "LinkDown",
    "Listener",
    "NearDialer",
    "NoAnswer",
    "Paired",
    "PairingGate",
    "Purpose",
    "Responder",
    "SigningKey",
    "TelemetryError",
    "Transport",
    "check_digits",
    "clear_air",
    "code_text",
    "connect",
    "encode_frame",
    "is_signed",
    "key_id",
    "new_code",
    "pair",
    "read_code",
    "respond",
]
