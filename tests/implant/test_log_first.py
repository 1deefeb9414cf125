"""Intent, effect, outcome: what is on disk after a crash at any write; and a disk or log that has no room."""

from dataclasses import replace

import pytest

from openitb import units
from openitb.implant import Home, Implant, PumpService, handle, log_entries, program_digest, provision
from openitb.implant.faults.bad_store import BadStore, Failure, PowerLostError
from openitb.implant.memory import recall, save
from openitb.prescription import SimpleContinuous
from openitb.protocol import LogKind, ProgramPump, Role, SetLowReservoirAlarm

DAY, HOUR = units.MS_PER_DAY, units.MS_PER_H
NEW = SimpleContinuous(250 * units.PG_PER_UG)


def crashed(before: Implant, after: Implant, fails_at: int, failure: Failure) -> Implant:
    """The pump after power came back, if it was lost at that write of the save."""
    store = BadStore()
    save(store, before)
    store.fails_at, store.failure, store.writes = fails_at, failure, 0
    with pytest.raises(PowerLostError):
        save(store, after)
    store.power_on()
    return recall(store)


@pytest.mark.requirement("LOG-02", "SYS-05")
@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("fails_at", [1, 2])
def test_no_program_runs_that_the_log_did_not_intend_first(
    fails_at: int, failure: Failure, bench: object
) -> None:
    bench.order(SimpleContinuous(200 * units.PG_PER_UG))
    bench.run(HOUR)
    before = bench.implant
    command = ProgramPump("nurse", "crash", program_digest(before), NEW)
    after, applied = handle(before, command, before.now_ms)
    found = crashed(before, after, fails_at, failure)
    told = [e.kind for e in log_entries(found) if e.get("command_id") == "crash"]
    runs_new = program_digest(found) == applied.program_digest
    assert told == ([LogKind.PROGRAM_INTENDED, LogKind.PROGRAM_CHANGED] if runs_new else [])
    assert program_digest(found) in {program_digest(before), applied.program_digest}


@pytest.mark.requirement("LOG-02")
def test_a_command_that_changes_nothing_after_its_intent_leaves_no_outcome(bench: object) -> None:
    bench.order(SimpleContinuous(200 * units.PG_PER_UG))
    bench.tell(ProgramPump("nurse", "stale", "0" * 64, NEW))
    told = [e.kind for e in log_entries(bench.implant) if e.get("command_id") == "stale"]
    assert told == [LogKind.REFUSED]


@pytest.mark.requirement("SYS-08", "DEL-17", "LOG-04")
@pytest.mark.hazard("INC-26")
def test_a_log_that_is_full_holds_up_no_stroke_and_counts_the_alarms_that_gave_way(
    bench: object, make_bench: object
) -> None:
    control = make_bench()
    for each in (bench, control):
        each.order(SimpleContinuous(200 * units.PG_PER_UG))
    capacity = bench.implant.firmware.log.capacity
    for number in range(capacity + 100):
        bench.run(HOUR // 50)
        bench.tell(SetLowReservoirAlarm("x", f"flood-{number}", 3_000_000), Role.READ_ONLY)
    control.run(bench.now_ms)
    assert bench.delivered_nl() == control.delivered_nl()
    entries = log_entries(bench.implant)
    assert len(entries) <= capacity
    wrapped = [entry for entry in entries if entry.kind is LogKind.LOG_WRAPPED]
    assert wrapped
    assert wrapped[0].get("alarms") == 0


@pytest.mark.requirement("SYS-08", "DEL-17")
@pytest.mark.parametrize("error", [OSError("disk full"), PermissionError("read-only")])
def test_a_disk_that_takes_nothing_holds_up_no_stroke(
    error: OSError, bench: object, make_bench: object, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = make_bench()
    for each in (bench, control):
        each.order(SimpleContinuous(200 * units.PG_PER_UG))
    control.run_days(30)
    home = Home(tmp_path)
    provision(home, bench.implant)
    now = {"ms": bench.implant.now_ms}
    service = PumpService(home, lambda: now["ms"])
    service.catch_up()

    def refuses(*_: object) -> None:
        raise error

    monkeypatch.setattr(Home, "save", refuses)
    for _ in range(30):
        now["ms"] += DAY
        with pytest.raises(OSError, match=str(error)):
            service.catch_up()
    assert service.implant(bench.implant.serial).hardware.delivered_nl == control.delivered_nl()
    monkeypatch.undo()
    service.catch_up()
    assert replace(home.load(bench.implant.serial)).hardware.delivered_nl == control.delivered_nl()
