"""Bytes between a programmer and an implant: frames, a secure channel, a loopback transport.

This room knows keys and serial numbers and no dose. What a request means is decided elsewhere.
A failed request has one of two outcomes, told apart by type: `LinkDown`, nothing was sent and
nothing can have happened; `NoAnswer`, it was sent and may have been acted on, so read back.
"""

from openitb.telemetry.channel import Address, Channel, connect
from openitb.telemetry.errors import FrameError, HandshakeError, LinkDown, NoAnswer, TelemetryError
from openitb.telemetry.frames import MAX_FRAME, encode_frame
from openitb.telemetry.hello import Hello
from openitb.telemetry.keys import KeyPair, Keys, key_id
from openitb.telemetry.limits import Limits
from openitb.telemetry.listener import Gate, Listener
from openitb.telemetry.noise import MAX_PLAIN, Initiator, Transport, respond

__all__ = [
    "MAX_FRAME",
    "MAX_PLAIN",
    "Address",
    "Channel",
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
    "NoAnswer",
    "TelemetryError",
    "Transport",
    "connect",
    "encode_frame",
    "key_id",
    "respond",
]
