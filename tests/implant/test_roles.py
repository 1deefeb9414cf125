"""Role by command, decided at the pump: every kind of request that the wire offers, for every role."""

from typing import get_args

import pytest

from openitb.implant import program_digest
from openitb.prescription import SimpleContinuous
from openitb.protocol import (
    AccessReport,
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
    OverdoseAttestation,
    OverdoseSign,
    ProgramPump,
    ReadAccess,
    ReadAnswer,
    ReadStaged,
    RecordRefill,
    ReduceToMinimum,
    Refused,
    Request,
    RequestPatientAdjustment,
    RequestPatientBolus,
    RevokeKey,
    Role,
    SetClock,
    SetDoseLimits,
    SetLowReservoirAlarm,
    SilenceAlarm,
    SoundTone,
    StageProgram,
    TransferReport,
    UpdateLibrary,
)

SIMPLE = SimpleContinuous(150_000_000)
ATTESTED = OverdoseAttestation("Dr. Stone", "ward", (OverdoseSign.SEIZURE,))

# What each role may ask besides a clinician, who may ask everything; written apart from the code's table.
READS = {"Interrogate", "ReadStaged", "ReadAccess", "ReadAnswer"}
OTHERS_MAY = {
    Role.PATIENT: {"Interrogate", "ReadAnswer", "RequestPatientBolus", "RequestPatientAdjustment"},
    Role.READ_ONLY: READS,
    Role.BREAK_GLASS: {
        "Interrogate",
        "ReadStaged",
        "ReadAccess",
        "ReadAnswer",
        "ReduceToMinimum",
        "SilenceAlarm",
    },
}


def requests(bench: object) -> dict[str, object]:
    """One request of each kind here that a clinician could send now."""
    digest = program_digest(bench.implant)
    each = (
        Interrogate("x"),
        ReadStaged("x"),
        ReadAccess("x"),
        ReadAnswer("x", "1"),
        ProgramPump("x", "1", digest, SIMPLE),
        RecordRefill("x", "2", digest, 18_000_000, 500),
        SetLowReservoirAlarm("x", "3", 3_000_000),
        SetClock("x", "4", 0, 0),
        SetDoseLimits("x", "20", digest, ()),
        StageProgram("x", "5", digest, SIMPLE),
        CommitStaged("x", "6", "none"),
        ConfirmProgram("x", "7", digest),
        ReduceToMinimum("x", "8", ATTESTED),
        SilenceAlarm("x", "9", 60_000),
        SoundTone("x", "21", critical=False),
        RevokeKey("x", "10", bytes(8)),
        UpdateLibrary("x", "11", b"", b""),
        DeliverBolus("x", "12", digest, 10_000, 600_000),
        CancelBolus("x", "13"),
        EnablePatientBolus("x", "14", 5_000_000, 600_000, 14_400_000, 4),
        DisablePatientBolus("x", "15"),
        EnablePatientAdjustment("x", "16", 5, 140_000_000, 160_000_000),
        DisablePatientAdjustment("x", "17"),
        RequestPatientBolus("x", "18"),
        RequestPatientAdjustment("x", "19", -1),
    )
    return {type(request).__name__: request for request in each}


def test_every_kind_of_request_is_tried_here(bench: object) -> None:
    assert set(requests(bench)) == {kind.__name__ for kind in get_args(Request)}


@pytest.mark.requirement("TEL-01", "TEL-10", "PAT-01")
@pytest.mark.parametrize("role", OTHERS_MAY)
def test_a_role_may_ask_what_its_row_says_and_nothing_else(make_bench: object, role: Role) -> None:
    for kind, request in requests(make_bench()).items():
        bench = make_bench()
        before = bench.implant.firmware
        reply = bench.tell(request, role)
        refused_for_role = isinstance(reply, Refused) and reply.field == "role"
        assert refused_for_role == (kind not in OTHERS_MAY[role]), kind
        if refused_for_role:
            after = bench.implant.firmware
            assert (after.controller, after.reservoir, after.clock, after.link.peers) == (
                before.controller,
                before.reservoir,
                before.clock,
                before.link.peers,
            )


@pytest.mark.requirement("TEL-01")
def test_a_clinician_is_refused_nothing_for_the_role(make_bench: object) -> None:
    for request in requests(make_bench()).values():
        reply = make_bench().tell(request, Role.CLINICIAN)
        assert not (isinstance(reply, Refused) and reply.field == "role")


@pytest.mark.requirement("TEL-01")
def test_a_kind_of_request_not_named_in_a_row_is_denied() -> None:
    from openitb.implant.firmware.roles import may

    for kind in get_args(Request):
        for role, allowed in OTHERS_MAY.items():
            assert may(role, kind.__name__) == (kind.__name__ in allowed)
        assert may(Role.CLINICIAN, kind.__name__)
    assert not any(may(role, "ReadMemory") for role in Role)


@pytest.mark.requirement("PAT-01")
def test_a_patient_reads_states_and_alarms_but_not_the_log(bench: object) -> None:
    reading = bench.tell(Interrogate("handheld"), Role.PATIENT)
    assert isinstance(reading, Interrogation)
    assert reading.log == ()
    assert reading.log_anchor == reading.log_head


@pytest.mark.requirement("TEL-01")
def test_a_reader_reads_everything(bench: object) -> None:
    assert isinstance(bench.tell(ReadStaged("x"), Role.READ_ONLY), TransferReport)
    assert isinstance(bench.tell(ReadAccess("x"), Role.READ_ONLY), AccessReport)
