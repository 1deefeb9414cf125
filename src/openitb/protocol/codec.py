"""Messages as bytes: canonical CBOR of `[version, kind, fields]`.

Holds: TEL-07, TEL-08.
"""

from typing import Any, get_args

from openitb.protocol import schema
from openitb.protocol.messages import Message, Reply, Request
from openitb.protocol.schema import ProtocolError
from openitb.protocol.writing import encoded

VERSION = 1
MAX_MESSAGE_BYTES = 60_000  # leaves room for the seal inside one frame of the link


_REQUESTS: dict[str, Any] = {kind.__name__: kind for kind in get_args(Request)}
_REPLIES: dict[str, Any] = {kind.__name__: kind for kind in get_args(Reply)}


def encode(message: Message) -> bytes:
    """The wire form; `ProtocolError` if the message is longer than a frame can carry."""
    data = encoded((VERSION, type(message).__name__, message))
    if len(data) > MAX_MESSAGE_BYTES:
        raise ProtocolError("message", f"got {len(data)} bytes, expected at most {MAX_MESSAGE_BYTES}")
    return data


def decode_request(data: bytes) -> Request:
    """What a programmer asks; any bytes that are no request raise `ProtocolError`."""
    request: Request = _decode(data, _REQUESTS)
    return request


def decode_reply(data: bytes) -> Reply:
    """What an implant answers; any bytes that are no reply raise `ProtocolError`."""
    reply: Reply = _decode(data, _REPLIES)
    return reply


def _decode(data: bytes, kinds: dict[str, Any]) -> Any:
    if len(data) > MAX_MESSAGE_BYTES:
        raise ProtocolError("message", f"got {len(data)} bytes, expected at most {MAX_MESSAGE_BYTES}")
    match schema.from_bytes(data, "message"):
        case [int(version), str(name), dict(fields)] if version == VERSION and type(version) is int:
            if name not in kinds:
                raise ProtocolError("message", f"got kind {name!r:.40}, expected one of {', '.join(kinds)}")
            return schema.from_plain(kinds[name], fields, name)
        case [int(version), *_] if version != VERSION:
            raise ProtocolError("version", f"got {version}, expected {VERSION}")
        case _:
            raise ProtocolError("message", "expected a version, a kind and a map of fields")
