"""Frames and hellos: any bytes give a payload or one typed refusal, within the limit."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb.telemetry import MAX_FRAME, FrameError, Hello, encode_frame
from openitb.telemetry.frames import read_frame
from openitb.telemetry.hello import decode_hello


@given(st.binary(min_size=1, max_size=500))
def test_a_frame_reads_back_as_written(payload: bytes) -> None:
    assert read_frame(io.BytesIO(encode_frame(payload)).read) == payload


def test_a_frame_that_arrives_byte_by_byte_is_put_together() -> None:
    wire = io.BytesIO(encode_frame(b"slow and whole"))
    assert read_frame(lambda _: wire.read(1)) == b"slow and whole"


@pytest.mark.parametrize("payload", [b"", bytes(MAX_FRAME + 1)])
def test_an_empty_or_oversized_payload_is_not_framed(payload: bytes) -> None:
    with pytest.raises(FrameError, match="expected 1 to 65535"):
        encode_frame(payload)


@pytest.mark.requirement("TEL-08")
def test_a_frame_above_the_readers_limit_is_refused_before_its_bytes_are_read() -> None:
    wire = io.BytesIO(encode_frame(bytes(100)))
    with pytest.raises(FrameError, match="got a length of 100 bytes, expected 1 to 99"):
        read_frame(wire.read, limit=99)
    assert wire.tell() == 2


@pytest.mark.requirement("TEL-08")
@given(st.binary(max_size=40))
def test_any_bytes_give_a_payload_or_a_frame_error(noise: bytes) -> None:
    try:
        payload = read_frame(io.BytesIO(noise).read)
    except FrameError:
        return
    assert encode_frame(payload) == noise[: len(payload) + 2]


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}", fullmatch=True), st.binary(min_size=8, max_size=8))
def test_a_hello_reads_back_as_written(serial: str, key_id: bytes) -> None:
    hello = Hello(serial, key_id)
    assert decode_hello(hello.encode()) == hello


@pytest.mark.requirement("TEL-08")
@given(st.binary(max_size=64))
def test_any_bytes_give_a_hello_or_a_frame_error(noise: bytes) -> None:
    with pytest.raises(FrameError):
        decode_hello(noise)
    with pytest.raises(FrameError):
        decode_hello(b"openitb telemetry 1\n" + bytes(8) + b"\xff" + noise)


@pytest.mark.parametrize("serial", ["", "-1", "../etc", "a b", "a" * 33, "NGP\n", "é"])
def test_a_serial_that_could_mean_something_else_is_refused(serial: str) -> None:
    with pytest.raises(FrameError, match="serial"):
        Hello(serial, bytes(8))
