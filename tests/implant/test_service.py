"""Implants behind a port: reached over the link, saved before they answer, caught up when away."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from openitb import units
from openitb.implant import (
    Home,
    Implant,
    PumpService,
    StoreError,
    advance,
    handle,
    latched_alarms,
    program_digest,
    provision,
)
from openitb.implant import home as home_module
from openitb.implant import service as service_module
from openitb.implant.firmware.log import new_log
from openitb.prescription import SimpleContinuous
from openitb.protocol import (
    AlarmCondition,
    Applied,
    Interrogate,
    Interrogation,
    ProgramPump,
    ReadStaged,
    Refused,
    Reply,
    Request,
    Role,
    TransferReport,
    decode_reply,
    encode,
    verify_chain,
)
from openitb.protocol.chain import genesis
from openitb.telemetry import KeyPair, Keys, Limits, LinkDown, NoAnswer, connect

DAY = units.MS_PER_DAY
SIMPLE = SimpleContinuous(200_000_000)
SERIAL = "NGP000001"
QUICK = Limits(connect_s=2.0, handshake_s=2.0, answer_s=2.0, idle_s=2.0)


class FakeClock:
    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock(bench: object) -> FakeClock:
    return FakeClock(bench.implant.now_ms)


@pytest.fixture
def home(tmp_path: Path, bench: object) -> Home:
    provision(tmp_path, bench.implant)
    return Home(tmp_path)


@pytest.fixture
def service(home: Home, clock: FakeClock) -> Iterator[PumpService]:
    service = PumpService(home, clock, QUICK)
    service.start()
    yield service
    service.stop()


def ask(home: Home, request: Request, role: Role = Role.CLINICIAN, serial: str = SERIAL) -> Reply:
    with connect(home.address(), serial, home.programmer_keys(serial, role), QUICK) as channel:
        return decode_reply(channel.send(encode(request)))


def order(home: Home, command_id: str = "one", serial: str = SERIAL) -> ProgramPump:
    reading = ask(home, Interrogate("nurse"), serial=serial)
    assert isinstance(reading, Interrogation)
    return ProgramPump("nurse", command_id, reading.program_digest, SIMPLE)


def test_a_dose_ordered_over_the_link_is_delivered_at_the_outlet(
    home: Home, service: PumpService, clock: FakeClock
) -> None:
    assert isinstance(ask(home, order(home)), Applied)
    clock.now_ms += 10 * DAY
    reading = ask(home, Interrogate("nurse"))
    assert isinstance(reading, Interrogation)
    assert reading.reservoir.delivered_nl == 4_000_000
    assert service.implant(SERIAL).hardware.delivered_nl == 4_000_000
    assert verify_chain(reading.log, genesis(SERIAL)) is None


@pytest.mark.requirement("SYS-05")
def test_an_answered_command_is_already_on_disk(home: Home, service: PumpService) -> None:
    applied = ask(home, order(home))
    assert isinstance(applied, Applied)
    assert program_digest(home.load(SERIAL)) == applied.program_digest


def test_what_changes_nothing_is_answered_without_a_write(
    home: Home, service: PumpService, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(home, order(home))
    clock.now_ms += DAY
    saved = list[Implant]()
    monkeypatch.setattr(Home, "save", lambda _, implant: saved.append(implant))
    assert isinstance(ask(home, ReadStaged("nurse")), TransferReport)
    assert saved == []
    assert isinstance(ask(home, Interrogate("nurse")), Interrogation)
    assert len(saved) == 1


@pytest.mark.requirement("TEL-05")
def test_a_command_repeated_over_a_new_session_is_answered_and_not_repeated(
    home: Home, service: PumpService
) -> None:
    command = order(home)
    assert ask(home, command) == ask(home, command)
    assert sum(entry.kind == "program changed" for entry in service.implant(SERIAL).firmware.log.entries) == 1


@pytest.mark.requirement("TEL-05", "SYS-06")
@pytest.mark.hazard("INC-17")
def test_a_command_repeated_after_a_restart_is_answered_and_not_repeated(
    home: Home, clock: FakeClock
) -> None:
    first = PumpService(home, clock, QUICK)
    first.start()
    command = order(home)
    applied = ask(home, command)
    first.stop()
    second = PumpService(home, clock, QUICK)
    second.start()
    assert ask(home, command) == applied
    second.stop()


@pytest.mark.requirement("TEL-01")
def test_a_reader_can_read_and_not_program(home: Home, service: PumpService) -> None:
    assert isinstance(ask(home, Interrogate("reader"), Role.READ_ONLY), Interrogation)
    refused = ask(home, order(home), Role.READ_ONLY)
    assert refused == Refused("role", "got read-only, expected clinician")


@pytest.mark.requirement("TEL-08")
def test_bytes_that_are_no_request_are_refused_over_the_link(home: Home, service: PumpService) -> None:
    with connect(home.address(), SERIAL, home.programmer_keys(SERIAL), QUICK) as channel:
        refused = decode_reply(channel.send(b"\x00garbage"))
        assert isinstance(refused, Refused)
        assert refused.field == "message"
        assert isinstance(decode_reply(channel.send(encode(Interrogate("nurse")))), Interrogation)


@pytest.mark.requirement("TEL-01")
@pytest.mark.hazard("INC-22")
def test_a_programmer_without_a_pinned_key_reaches_nothing(home: Home, service: PumpService) -> None:
    stranger = Keys(KeyPair.generate(), home.programmer_keys(SERIAL).peer_public)
    before = home.load(SERIAL)
    with pytest.raises(LinkDown):
        connect(home.address(), SERIAL, stranger, QUICK)
    assert home.load(SERIAL) == before


def test_one_port_serves_many_implants_each_by_its_serial(
    home: Home, service: PumpService, make_bench: Callable, clock: FakeClock
) -> None:
    other = make_bench()
    other.order(SIMPLE)
    provision(home, _renamed(other.implant, "NGP000002"))
    clock.now_ms += DAY
    readings = {serial: ask(home, Interrogate("nurse"), serial=serial) for serial in home.serials()}
    assert {serial: reading.serial for serial, reading in readings.items()} == {s: s for s in home.serials()}
    assert [reading.rate_nl_per_day for reading in readings.values()] == [0, 400_000]


@pytest.mark.requirement("TEL-12")
@pytest.mark.hazard("HAZ-24")
def test_keys_of_one_implant_do_not_open_another(
    home: Home, service: PumpService, make_bench: Callable
) -> None:
    provision(home, _renamed(make_bench().implant, "NGP000002"))
    with pytest.raises(LinkDown):
        connect(home.address(), "NGP000002", home.programmer_keys(SERIAL), QUICK)


@pytest.mark.requirement("SYS-06")
def test_an_implant_is_caught_up_over_the_time_the_service_was_down(home: Home, clock: FakeClock) -> None:
    first = PumpService(home, clock, QUICK)
    first.start()
    ask(home, order(home))
    first.stop()
    never_down = home.load(SERIAL)
    clock.now_ms += 50 * DAY
    second = PumpService(home, clock, QUICK)
    second.start()
    assert home.load(SERIAL) == advance(never_down, clock.now_ms).implant
    assert AlarmCondition.EMPTY_RESERVOIR in latched_alarms(home.load(SERIAL))
    second.stop()


def test_a_service_that_looked_often_ends_as_one_that_never_looked(home: Home, clock: FakeClock) -> None:
    service = PumpService(home, clock, QUICK)
    start = service.implant(SERIAL)
    command = ProgramPump("nurse", "one", program_digest(start), SIMPLE)
    running, _ = handle(start, command, clock.now_ms)
    home.save(running)
    service = PumpService(home, clock, QUICK)
    for _ in range(40):
        clock.now_ms += DAY + 12_345
        service.catch_up()
    assert home.load(SERIAL) == advance(running, clock.now_ms).implant


def test_a_clock_set_back_stops_nothing_and_takes_nothing_back(
    home: Home, service: PumpService, clock: FakeClock
) -> None:
    ask(home, order(home))
    clock.now_ms += DAY
    assert ask(home, Interrogate("nurse")).reservoir.delivered_nl == 400_000
    clock.now_ms -= DAY // 2
    assert ask(home, Interrogate("nurse")).reservoir.delivered_nl == 400_000


def test_stopping_saves_the_present(home: Home, clock: FakeClock) -> None:
    service = PumpService(home, clock, QUICK)
    service.start()
    clock.now_ms += DAY
    service.stop()
    assert home.load(SERIAL).now_ms == clock.now_ms


def test_implants_are_saved_now_and_then(
    home: Home, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = PumpService(home, clock, QUICK)
    saved = threading.Event()
    keep = Home.save

    def save(self: Home, implant: Implant) -> None:
        keep(self, implant)
        if implant.now_ms == clock.now_ms:
            saved.set()

    service.start(look_every_ms=10)
    clock.now_ms += DAY
    monkeypatch.setattr(Home, "save", save)
    assert saved.wait(5)
    service.stop()
    assert home.load(SERIAL).now_ms == clock.now_ms


def test_an_implant_that_nobody_speaks_to_is_left_alone_for_a_day(
    home: Home, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Semaphore(0)

    def watched() -> int:
        looked.release()
        return clock.now_ms

    service = PumpService(home, watched, QUICK)
    service.start(look_every_ms=5)
    clock.now_ms += DAY - 1
    with monkeypatch.context() as patched:
        patched.setattr(service_module, "advance", lambda *_: pytest.fail("it was advanced"))
        for _ in range(10):
            assert looked.acquire(timeout=5)
    service.stop()


@pytest.mark.requirement("SYS-03")
def test_a_damaged_implant_is_not_served_as_something_else(home: Home, clock: FakeClock) -> None:
    for file in (home.path / "pumps").iterdir():
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(StoreError, match="damaged"):
        PumpService(home, clock, QUICK).start()


@pytest.mark.requirement("SYS-05")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_command_that_could_not_be_saved_is_not_answered_and_not_in_force(
    home: Home, service: PumpService, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = order(home)
    before = home.load(SERIAL)

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(home_module.os, "fsync", full)
    with pytest.raises(NoAnswer):
        ask(home, command)
    monkeypatch.undo()
    assert program_digest(service.implant(SERIAL)) == program_digest(before)
    assert isinstance(ask(home, command), Applied)


@pytest.mark.requirement("SYS-05")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_after_a_failure_between_the_two_slots_the_disk_decides_what_is_in_force(
    home: Home, service: PumpService, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, synced = order(home), list[int]()

    def lost(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            raise OSError("second slot not written")

    monkeypatch.setattr(home_module.os, "fsync", lost)
    with pytest.raises(NoAnswer):
        ask(home, command)
    monkeypatch.undo()
    assert len(synced) == 2
    assert program_digest(service.implant(SERIAL)) == program_digest(home.load(SERIAL))
    assert isinstance(ask(home, command), Applied)


def test_a_full_disk_does_not_end_the_periodic_saving(
    home: Home, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = PumpService(home, clock, QUICK)
    service.start(look_every_ms=5)
    failed = threading.Event()

    def full(*_: object) -> None:
        failed.set()
        raise OSError("disk full")

    monkeypatch.setattr(home_module.os, "fsync", full)
    clock.now_ms += DAY
    assert failed.wait(5)
    monkeypatch.undo()
    saved = threading.Event()
    keep = Home.save
    monkeypatch.setattr(Home, "save", lambda self, implant: (keep(self, implant), saved.set()))
    assert saved.wait(5)
    service.stop()


@pytest.mark.requirement("PRG-10")
@pytest.mark.hazard("HAZ-29")
def test_programmers_at_once_are_answered_in_some_order_and_one_wins(
    home: Home, service: PumpService
) -> None:
    command = order(home, "same digest")
    replies: list[Reply] = []

    def program(number: int) -> None:
        replies.append(ask(home, ProgramPump("nurse", f"id-{number}", command.expected_digest, SIMPLE)))

    threads = [threading.Thread(target=program, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(reply, Applied) for reply in replies) == 1
    assert {reply.field for reply in replies if isinstance(reply, Refused)} == {"expected_digest"}


RUN = "from openitb.cli.pump import app; app()"


def start_process(home: Home) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", RUN, "run", "--home", str(home.path)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=os.environ)
    assert "1 implant at 127.0.0.1 port" in process.stdout.readline()
    return process


def end_process(process: subprocess.Popen[str], number: signal.Signals) -> int:
    process.send_signal(number)
    status = process.wait(20)
    process.stdout.close()
    return status


@pytest.mark.requirement("SYS-05", "SYS-06")
@pytest.mark.hazard("HAZ-12")
def test_the_pump_process_keeps_a_committed_program_over_kill_9(home: Home) -> None:
    process = start_process(home)
    applied = ask(home, order(home))
    end_process(process, signal.SIGKILL)
    process = start_process(home)
    reading = ask(home, Interrogate("nurse"))
    assert isinstance(applied, Applied)
    assert reading.program_digest == applied.program_digest
    assert end_process(process, signal.SIGTERM) == 0


def _renamed(implant: Implant, serial: str) -> Implant:
    """The same implant under another serial, its log begun anew."""
    firmware = replace(implant.firmware, log=new_log(serial))
    return replace(implant, build=replace(implant.build, serial=serial), firmware=firmware)
