"""The published schema: the same as the code's, and agreed with by a CDDL library of its own."""

from pathlib import Path
from typing import get_args

import cbor2
import pycddl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb.prescription import (
    Flex,
    FlexPattern,
    FlexStep,
    MinimumRate,
    Order,
    Periodic,
    SimpleContinuous,
    Stopped,
)
from openitb.protocol import (
    DrugLibrary,
    Message,
    ProtocolError,
    Reply,
    Request,
    decode_reply,
    decode_request,
    encode,
    library_bytes,
)
from openitb.protocol.cddl import cddl

PUBLISHED = Path(__file__).parents[2] / "docs" / "telemetry.cddl"
SCHEMA = pycddl.Schema(cddl())
LIBRARY = pycddl.Schema("start = drug-library\n" + cddl().split("\n", 1)[1])

st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))
st.register_type_strategy(str, st.text(max_size=20))
st.register_type_strategy(bytes, st.binary(max_size=40))
FLEX = Flex(
    (
        FlexPattern((0, 1, 2, 3, 4), (FlexStep(0, 12_000_000), FlexStep(5_400_000, 13_500_000))),
        FlexPattern((5, 6), (FlexStep(0, 9_000_000),)),
    )
)
EVERY_DAY = Flex((FlexPattern(tuple(range(7)), (FlexStep(0, 12_000_000), FlexStep(60_000, 1_234_567))),))
PERIODIC = Periodic(10_000_000, 900_000, 21_600_000, 123_456_789)
orders = st.sampled_from([Stopped(), MinimumRate(), SimpleContinuous(123_456_789), PERIODIC, FLEX, EVERY_DAY])
for order in get_args(Order):
    st.register_type_strategy(order, orders)


@pytest.mark.requirement("TEL-08")
def test_the_published_schema_is_the_one_the_code_has() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == cddl()


@pytest.mark.requirement("TEL-08")
@pytest.mark.parametrize("kind", [*get_args(Request), *get_args(Reply)], ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_message_the_encoder_writes_fits_the_schema(kind: type[Message], data: st.DataObject) -> None:
    SCHEMA.validate_cbor(encode(data.draw(st.from_type(kind))))


@given(st.from_type(DrugLibrary))
def test_every_drug_library_fits_the_schema(library: DrugLibrary) -> None:
    LIBRARY.validate_cbor(library_bytes(library))


@given(st.from_type(Request), st.data())
def test_what_the_schema_refuses_the_decoder_refuses(request: Message, data: st.DataObject) -> None:
    version, kind, fields = cbor2.loads(encode(request))
    name = data.draw(st.sampled_from(sorted(fields)))
    fields[name] = data.draw(st.sampled_from([None, True, 1.5, -(2**70), ["x"], {"a": 1}, b"", "", 7]))
    wire = cbor2.dumps([version, kind, fields], canonical=True)
    try:
        SCHEMA.validate_cbor(wire)
    except pycddl.ValidationError:
        for decode in (decode_request, decode_reply):
            with pytest.raises(ProtocolError):
                decode(wire)
