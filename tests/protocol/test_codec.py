"""Messages survive the wire; anything else is refused in one line."""

import dataclasses
from typing import get_args

import cbor2
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from openitb import units
from openitb.prescription import Flex, FlexPattern, FlexStep, MinimumRate, Periodic, SimpleContinuous, Stopped
from openitb.protocol import (
    MAX_MESSAGE_BYTES,
    AccessReport,
    AlarmCondition,
    AlarmReport,
    Anchor,
    Applied,
    BatteryReport,
    BolusKind,
    BolusReport,
    CancelBolus,
    CommitStaged,
    ConfirmProgram,
    DeliverBolus,
    DisablePatientAdjustment,
    DisablePatientBolus,
    EnablePatientAdjustment,
    EnablePatientBolus,
    Interrogate,
    Interrogation,
    LibraryReport,
    LogEntry,
    LogKind,
    NoAnswerKept,
    OverdoseAttestation,
    OverdoseSign,
    PatientAdjustmentReport,
    PatientBolusReport,
    PeerReport,
    ProgramPump,
    ProtocolError,
    PumpState,
    ReadAccess,
    ReadAnswer,
    ReadStaged,
    RecordRefill,
    ReduceToMinimum,
    Refused,
    Reply,
    Request,
    RequestPatientAdjustment,
    RequestPatientBolus,
    ReservoirReport,
    RevokeKey,
    Role,
    SetClock,
    SetDoseLimits,
    SetLowReservoirAlarm,
    SilenceAlarm,
    SoundTone,
    StagedProgram,
    StageKind,
    StageProgram,
    StageReport,
    TransferReport,
    UpdateLibrary,
    WindowDose,
    decode_reply,
    decode_request,
    encode,
)

integers = st.integers(-(2**63), 2**63 - 1)
texts = st.text(max_size=40)
digests = st.binary(min_size=32, max_size=32)
anchors = st.builds(Anchor, integers, digests)


@st.composite
def flex_orders(draw: st.DrawFn) -> Flex:
    minutes = draw(st.lists(st.integers(1, 1439), unique=True, max_size=5).map(sorted))
    steps = tuple(
        FlexStep(minute * units.MS_PER_MIN, draw(st.integers(1, 10**9))) for minute in (0, *minutes)
    )
    return Flex((FlexPattern(tuple(range(7)), steps),))


orders = st.one_of(
    st.just(Stopped()),
    st.just(MinimumRate()),
    st.integers(1, 10**12).map(SimpleContinuous),
    flex_orders(),
    st.builds(
        Periodic,
        st.integers(1, 10**9),
        st.integers(1, 59).map(lambda minutes: minutes * units.MS_PER_MIN),
        st.sampled_from([1, 2, 3, 4, 6, 8, 12, 24]).map(lambda hours: hours * units.MS_PER_H),
        st.integers(0, 10**12),
    ),
)
entries = st.builds(
    LogEntry,
    integers,
    integers,
    integers,
    st.sampled_from(LogKind),
    texts,
    st.lists(st.tuples(texts, st.one_of(texts, integers)), max_size=3).map(tuple),
    digests,
)
window_doses = st.lists(st.builds(WindowDose, integers, integers), max_size=3).map(tuple)
binaries = st.binary(max_size=40)
attestations = st.builds(
    OverdoseAttestation, texts, texts, st.lists(st.sampled_from(OverdoseSign), max_size=3).map(tuple)
)
requests = st.one_of(
    st.builds(Interrogate, texts, st.none() | integers),
    st.builds(ProgramPump, texts, texts, texts, orders, integers, texts),
    st.builds(RecordRefill, texts, texts, texts, integers, integers, st.none() | integers),
    st.builds(SetLowReservoirAlarm, texts, texts, integers),
    st.builds(SetClock, texts, texts, integers, integers),
    st.builds(SetDoseLimits, texts, texts, texts, window_doses),
    st.builds(DeliverBolus, texts, texts, texts, integers, integers),
    st.builds(EnablePatientBolus, texts, texts, integers, integers, integers, integers),
    st.builds(EnablePatientAdjustment, texts, texts, integers, integers, integers),
    st.builds(RequestPatientAdjustment, texts, texts, integers),
    st.builds(StageProgram, texts, texts, texts, orders, integers, texts),
    st.builds(SoundTone, texts, texts, st.booleans()),
    st.builds(CommitStaged, texts, texts, texts),
    st.builds(ConfirmProgram, texts, texts, texts),
    st.builds(ReduceToMinimum, texts, texts, attestations),
    st.builds(SilenceAlarm, texts, texts, integers),
    st.builds(RevokeKey, texts, texts, binaries),
    st.builds(UpdateLibrary, texts, texts, binaries, binaries),
    st.builds(ReadStaged, texts),
    st.builds(ReadAccess, texts),
    st.builds(ReadAnswer, texts, texts),
    *(
        st.builds(kind, texts, texts)
        for kind in (CancelBolus, DisablePatientBolus, DisablePatientAdjustment, RequestPatientBolus)
    ),
)
interrogations = st.builds(
    Interrogation,
    dose_limits=window_doses,
    serial=texts,
    pump_id=texts,
    at_ms=integers,
    zone_offset_ms=integers,
    age_ms=integers,
    state=st.sampled_from(PumpState),
    order=orders,
    program_digest=texts,
    concentration_ug_per_ml=integers,
    rate_nl_per_day=integers,
    dose_pg_per_day=integers,
    stages=st.lists(
        st.builds(StageReport, st.sampled_from(StageKind), integers, st.none() | integers), max_size=2
    ).map(tuple),
    reservoir=st.builds(ReservoirReport, *[integers] * len(dataclasses.fields(ReservoirReport))),
    alarms=st.lists(
        st.builds(AlarmReport, st.sampled_from(AlarmCondition), st.booleans(), integers), max_size=3
    ).map(tuple),
    battery=st.builds(BatteryReport, integers, integers, integers),
    log_anchor=anchors,
    log=st.lists(entries, max_size=3).map(tuple),
    log_head=anchors,
    bolus=st.none()
    | st.builds(BolusReport, st.sampled_from(BolusKind), integers, integers, st.none() | integers),
    patient_bolus=st.none()
    | st.builds(PatientBolusReport, *[integers] * len(dataclasses.fields(PatientBolusReport))),
    patient_adjustment=st.none()
    | st.builds(PatientAdjustmentReport, *[integers] * len(dataclasses.fields(PatientAdjustmentReport))),
)
staged = st.builds(
    StagedProgram, texts, texts, texts, orders, integers, texts, integers, integers, texts, integers
)
peers = st.builds(PeerReport, binaries, st.sampled_from(Role), texts, integers, st.none() | integers)
replies = st.one_of(
    interrogations,
    st.builds(TransferReport, texts, st.booleans(), st.none() | staged),
    st.builds(
        AccessReport,
        st.lists(peers, max_size=2).map(tuple),
        st.lists(binaries, max_size=2).map(tuple),
        st.none() | st.builds(LibraryReport, integers, texts, texts, integers),
        st.none() | integers,
        integers,
    ),
    st.builds(NoAnswerKept, texts, st.booleans()),
    st.builds(Applied, texts, texts, anchors),
    st.builds(Refused, texts, texts, st.none() | integers),
)

PROGRAM = ProgramPump("nurse", "id-1", "digest", SimpleContinuous(200_000_000))


@given(requests)
def test_every_request_reads_back_as_sent(request: Interrogate) -> None:
    assert decode_request(encode(request)) == request


@given(replies)
def test_every_reply_reads_back_as_sent(reply: Refused) -> None:
    assert decode_reply(encode(reply)) == reply


@pytest.mark.requirement("TEL-08")
@given(st.binary(max_size=300))
def test_any_bytes_give_a_message_or_a_protocol_error(noise: bytes) -> None:
    for decode in (decode_request, decode_reply):
        with pytest.raises(ProtocolError):
            decode(noise)


@pytest.mark.requirement("TEL-08")
@given(requests, st.data())
def test_a_damaged_request_is_refused_or_is_another_whole_request(
    request: Interrogate, data: st.DataObject
) -> None:
    wire = bytearray(encode(request))
    wire[data.draw(st.integers(0, len(wire) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = decode_request(bytes(wire))
    except ProtocolError:
        return
    assert other != request


json_like = st.recursive(
    st.none() | st.booleans() | integers | st.floats() | texts | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.requirement("TEL-08")
@given(kind=st.sampled_from(["Interrogate", "ProgramPump", "RecordRefill", "Applied"]), fields=json_like)
def test_a_well_formed_frame_with_wrong_fields_is_refused(kind: str, fields: object) -> None:
    with pytest.raises(ProtocolError):
        decode_request(cbor2.dumps([1, kind, fields], canonical=True))


@given(json_like)
def test_an_order_of_any_shape_is_refused_as_a_field(order: object) -> None:
    fields = {
        "actor": "a",
        "command_id": "b",
        "expected_digest": "c",
        "order": order,
        "prime_nl": 0,
        "reason": "",
    }
    with pytest.raises(ProtocolError, match=r"ProgramPump\.order|got a fraction") as refused:
        decode_request(cbor2.dumps([1, "ProgramPump", fields], canonical=True))
    assert "\n" not in str(refused.value)


@pytest.mark.requirement("PRG-01")
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"prime_nl": True}, "ProgramPump.prime_nl: got True, expected a whole number"),
        ({"prime_nl": 1.0}, "got a fraction"),
        ({"prime_nl": 2**63}, "expected a whole number of 64 bits"),
        ({"actor": 7}, "ProgramPump.actor: got 7, expected text"),
        ({"actor": "x" * 5000}, "expected at most 4096"),
        ({"extra": 1}, "'extra' is missing or unknown"),
        ({"order": {"mode": "full"}}, "ProgramPump.order.mode: got 'full'"),
        ({"order": {"mode": "simple continuous", "dose": "200 ug/h"}}, "ProgramPump.order.dose"),
        ({"order": {"mode": "simple continuous", "dose": "0200 ug/day"}}, "ProgramPump.order: .* canonical"),
        ({"order": {"mode": "simple continuous", "dose": "0.2 mg/day"}}, "ProgramPump.order: .* canonical"),
    ],
)
def test_each_wrong_field_is_named(change: dict[str, object], complaint: str) -> None:
    fields = cbor2.loads(encode(PROGRAM))[2] | change
    with pytest.raises(ProtocolError, match=complaint):
        decode_request(cbor2.dumps([1, "ProgramPump", fields], canonical=True))


def test_a_missing_field_is_named() -> None:
    fields = cbor2.loads(encode(PROGRAM))[2]
    del fields["expected_digest"]
    with pytest.raises(ProtocolError, match="'expected_digest' is missing"):
        decode_request(cbor2.dumps([1, "ProgramPump", fields], canonical=True))


def test_another_version_is_refused() -> None:
    _, kind, fields = cbor2.loads(encode(PROGRAM))
    with pytest.raises(ProtocolError, match="version: got 2, expected 1"):
        decode_request(cbor2.dumps([2, kind, fields], canonical=True))


def test_a_reply_is_not_taken_for_a_request() -> None:
    with pytest.raises(ProtocolError, match="got kind 'Refused'"):
        decode_request(encode(Refused("order", "no")))


def test_a_form_that_is_not_canonical_is_refused() -> None:
    with pytest.raises(ProtocolError, match="not canonical"):
        decode_request(encode(PROGRAM) + b"\x00")
    unsorted = cbor2.dumps(
        [1, "SetLowReservoirAlarm", {"volume_nl": 1, "actor": "a", "command_id": "b"}], canonical=False
    )
    with pytest.raises(ProtocolError, match="not canonical"):
        decode_request(unsorted)


@pytest.mark.requirement("TEL-08")
def test_deep_nesting_is_refused_in_bounded_depth() -> None:
    with pytest.raises(ProtocolError):
        decode_request(b"\x81" * 50_000 + b"\x00")


@pytest.mark.requirement("TEL-08")
def test_an_oversized_message_is_refused_before_it_is_read() -> None:
    with pytest.raises(ProtocolError, match=f"expected at most {MAX_MESSAGE_BYTES}"):
        decode_request(bytes(MAX_MESSAGE_BYTES + 1))
    with pytest.raises(ProtocolError, match="expected at most"):
        encode(Refused("x", "y" * MAX_MESSAGE_BYTES))


@pytest.mark.requirement("TEL-07")
@pytest.mark.hazard("INC-22")
def test_the_wire_offers_no_request_that_reads_or_writes_memory() -> None:
    offered = {kind.__name__ for kind in get_args(Request)}
    for name in ("Peek", "Poke", "ReadMemory", "WriteMemory", "Debug"):
        with pytest.raises(ProtocolError, match="expected one of Interrogate, ") as refused:
            decode_request(cbor2.dumps([1, name, {}], canonical=True))
        assert all(kind in str(refused.value) for kind in offered)
    for kind in get_args(Request):
        fields = {field.name for field in dataclasses.fields(kind)}
        assert fields.isdisjoint({"address", "offset", "memory", "register", "opcode"})


def test_every_kind_of_request_and_reply_is_tried_above() -> None:
    tried = {type(example) for strategy in (requests, replies) for example in examples_of(strategy)}
    assert tried == {*get_args(Request), *get_args(Reply)}


def examples_of(strategy: st.SearchStrategy) -> list[object]:
    return [find(branch, lambda _: True) for branch in strategy.branches]
