"""Stage, read back, commit by hash, confirm: what lies staged delivers nothing, what runs was read back."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.implant import from_bytes, program_digest, to_bytes
from openitb.prescription import SimpleContinuous, Stopped
from openitb.protocol import (
    Applied,
    CommitStaged,
    ConfirmProgram,
    LogKind,
    ProgramPump,
    ReadStaged,
    Refused,
    Role,
    StageProgram,
    TransferReport,
    staged_digest,
)

FIRST, SECOND = SimpleContinuous(100_000_000), SimpleContinuous(150_000_000)
LIFETIME_MS = catalogue.load().practice["transfer"].fact("staged_lifetime").whole("ms")


def stage(bench: object, order: object, prime_nl: int = 0) -> Applied | Refused:
    digest = program_digest(bench.implant)
    return bench.tell(StageProgram("nurse", bench.command_id(), digest, order, prime_nl))


def read(bench: object) -> TransferReport:
    return bench.tell(ReadStaged("nurse"))


def commit(bench: object, digest: str) -> Applied | Refused:
    return bench.tell(CommitStaged("nurse", bench.command_id(), digest))


def kinds(bench: object) -> list[LogKind]:
    return [entry.kind for entry in bench.implant.firmware.log.entries]


@pytest.mark.requirement("TEL-06", "DEL-05")
def test_a_staged_program_changes_no_stroke_until_it_is_committed(bench: object, make_bench: object) -> None:
    control = make_bench()
    for each in (bench, control):
        each.order(FIRST)
        each.run(units.MS_PER_H)
    stage(bench, SECOND)
    later = 2 * units.MS_PER_H
    assert bench.run_to(later) == control.run_to(later)


@pytest.mark.requirement("TEL-06")
def test_what_is_read_back_is_what_is_committed_and_then_confirmed(bench: object) -> None:
    bench.order(FIRST)
    stage(bench, SECOND, prime_nl=250_000)
    staged = read(bench).staged
    assert (staged.order, staged.prime_nl, staged.dose_pg_per_day) == (SECOND, 250_000, 150_000_000)
    applied = commit(bench, staged.staged_digest)
    assert applied.program_digest == staged.program_digest == program_digest(bench.implant)
    assert read(bench) == TransferReport(staged.program_digest, confirmed=False, staged=None)
    bench.tell(ConfirmProgram("nurse", bench.command_id(), staged.program_digest))
    assert read(bench).confirmed
    assert bench.implant.firmware.link.unconfirmed == ""
    assert kinds(bench)[-4:] == [
        LogKind.PROGRAM_INTENDED,
        LogKind.PROGRAM_CHANGED,
        LogKind.CONFIRMATION_INTENDED,
        LogKind.PROGRAM_CONFIRMED,
    ]


@pytest.mark.requirement("TEL-06")
@given(st.text("0123456789abcdef", min_size=64, max_size=64) | st.just(""))
def test_a_commit_by_another_hash_is_refused(make_bench: object, digest: str) -> None:
    bench = make_bench()
    stage(bench, FIRST)
    refused = commit(bench, digest)
    assert isinstance(refused, Refused)
    assert refused.field == "staged_digest"
    assert program_digest(bench.implant) != read(bench).staged.program_digest


@pytest.mark.requirement("TEL-06")
def test_a_swapped_draft_is_not_committed_under_the_hash_of_the_first(bench: object) -> None:
    stage(bench, FIRST)
    digest = read(bench).staged.staged_digest
    stage(bench, SECOND)
    assert commit(bench, digest).field == "staged_digest"


@pytest.mark.requirement("TEL-06")
def test_the_hash_covers_the_prime_too(bench: object) -> None:
    stage(bench, FIRST)
    without = read(bench).staged.staged_digest
    stage(bench, FIRST, prime_nl=250_000)
    assert read(bench).staged.staged_digest != without


@pytest.mark.requirement("DEL-13", "TEL-06")
def test_a_stop_states_its_reason_which_is_committed_with_it_and_logged(bench: object) -> None:
    bench.order(FIRST)
    digest = program_digest(bench.implant)
    refused = bench.tell(StageProgram("nurse", bench.command_id(), digest, Stopped()))
    assert refused.field == "reason"
    at_once = bench.tell(ProgramPump("nurse", bench.command_id(), digest, Stopped()))
    assert at_once.field == "reason"
    told = bench.tell(
        StageProgram("nurse", bench.command_id(), digest, Stopped(), reason="pump pocket opened")
    )
    assert isinstance(told, Applied)
    commit(bench, read(bench).staged.staged_digest)
    stopped = [entry for entry in bench.implant.firmware.log.entries if entry.kind is LogKind.STOPPED]
    assert [entry.get("reason") for entry in stopped] == ["pump pocket opened"]


@pytest.mark.requirement("TEL-06")
def test_both_ends_compute_the_same_hash(bench: object) -> None:
    bench.order(FIRST)
    command = StageProgram("nurse", bench.command_id(), program_digest(bench.implant), SECOND, 250_000, "why")
    bench.tell(command)
    staged = read(bench).staged
    assert staged.staged_digest == staged_digest(command, staged.program_digest)
    for other in (replace(command, reason=""), replace(command, prime_nl=0), replace(command, order=FIRST)):
        assert staged_digest(other, staged.program_digest) != staged.staged_digest


@pytest.mark.requirement("TEL-06")
def test_a_draft_staged_against_a_program_since_replaced_is_refused(bench: object) -> None:
    stage(bench, FIRST)
    digest = read(bench).staged.staged_digest
    bench.order(SECOND)
    assert commit(bench, digest).field == "expected_digest"


@pytest.mark.requirement("TEL-06")
@pytest.mark.parametrize(("after_ms", "is_there"), [(LIFETIME_MS - 1, True), (LIFETIME_MS, False)])
def test_a_staged_program_is_dropped_when_its_time_is_over(
    bench: object, after_ms: int, is_there: bool
) -> None:
    stage(bench, FIRST)
    digest = read(bench).staged.staged_digest
    bench.run(after_ms)
    assert (read(bench).staged is not None) == is_there
    assert isinstance(commit(bench, digest), Applied) == is_there


@pytest.mark.requirement("TEL-06")
def test_what_could_not_be_run_is_not_staged(bench: object) -> None:
    assert isinstance(stage(bench, SimpleContinuous(1)), Refused)
    assert stage(bench, Stopped(), prime_nl=250_000).field == "prime_nl"
    assert read(bench).staged is None


@pytest.mark.requirement("TEL-06")
def test_only_the_running_program_can_be_confirmed(bench: object) -> None:
    bench.order(FIRST)
    refused = bench.tell(ConfirmProgram("nurse", bench.command_id(), "another"))
    assert refused.field == "program_digest"


@pytest.mark.requirement("TEL-05", "TEL-06")
def test_a_repeated_commit_is_answered_again_and_done_once(bench: object) -> None:
    stage(bench, FIRST, prime_nl=250_000)
    command = CommitStaged("nurse", "once", read(bench).staged.staged_digest)
    assert bench.tell(command) == bench.tell(command)
    assert kinds(bench).count(LogKind.PROGRAM_CHANGED) == 1


@pytest.mark.requirement("SYS-06", "TEL-06")
def test_staged_and_unconfirmed_survive_a_restart(bench: object) -> None:
    stage(bench, FIRST)
    commit(bench, read(bench).staged.staged_digest)
    stage(bench, SECOND)
    before = read(bench)
    bench.implant = from_bytes(to_bytes(bench.implant))
    assert read(bench) == before
    assert before.staged is not None
    assert not before.confirmed


@pytest.mark.requirement("TEL-01", "TEL-06")
@pytest.mark.parametrize("role", [Role.PATIENT, Role.READ_ONLY, Role.BREAK_GLASS])
def test_nobody_but_a_clinician_stages_or_commits(bench: object, role: Role) -> None:
    stage(bench, FIRST)
    digest = read(bench).staged.staged_digest
    before = bench.implant.firmware.controller
    command = StageProgram("x", "1", program_digest(bench.implant), SECOND)
    for each in (command, CommitStaged("x", "2", digest), ConfirmProgram("x", "3", before.program.digest)):
        assert bench.tell(each, role).field == "role"
    assert bench.implant.firmware.controller == before
    assert replace(read(bench).staged, expires_in_ms=0).staged_digest == digest
