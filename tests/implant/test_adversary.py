"""An adversary on the link: drops, doubles, delays, reorders, replays, truncates and alters frames.

Two programmers speak to two pumps through it, frame by frame in one thread, so a failing history is
replayed exactly. Whatever it does, a command acts at most once and only on the pump it was meant
for, and no programmer is told something that is not so.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openitb.implant import Home, Implant, PumpService, program_digest, provision
from openitb.implant.firmware.log import new_log
from openitb.prescription import SimpleContinuous
from openitb.protocol import Applied, LogKind, ProgramPump, decode_reply, encode
from openitb.telemetry import Challenges, LinkDown, NearDialer, NoAnswer, connect
from openitb.telemetry.channel import Channel

FIRST, SECOND = "NGP000001", "NGP000002"
FATES = ("pass", "drop", "double", "hold", "replay", "truncate", "alter", "splice")


@dataclass
class Adversary:
    """Decides about each frame in turn; keeps all it has ever seen."""

    fates: list[tuple[str, int]]
    seen: list[bytes] = field(default_factory=list)
    held: list[bytes] = field(default_factory=list)

    def __call__(self, frame: bytes) -> tuple[bytes, ...]:
        self.seen.append(frame)
        fate, number = self.fates.pop(0) if self.fates else ("pass", 0)
        late, self.held = tuple(self.held), []
        match fate:
            case "drop":
                return late
            case "double":
                return (frame, *late, frame)
            case "hold":
                self.held = [frame]
                return late
            case "replay":
                return (self.seen[number % len(self.seen)], frame, *late)
            case "truncate":
                return (frame[: number % len(frame)], *late)
            case "alter":
                place = number % len(frame)
                altered = bytes([frame[place] ^ (1 + number % 255)])
                return (frame[:place] + altered + frame[place + 1 :], *late)
            case "splice":
                other = self.seen[number % len(self.seen)]
                return (frame[:8] + other[8:], *late)
            case _:
                return (frame, *late)


@dataclass
class Ward:
    """Two pumps behind one port, and what each programmer believes of each command it sent."""

    home: Home
    service: PumpService
    challenges: Challenges

    def send(self, serial: str, command: ProgramPump, adversary: Adversary, twice: bool) -> list[str]:
        """What came of a command, sent once or twice over one session: the words of the programmer."""
        dialer = NearDialer(self.service, self.challenges, adversary, adversary)
        try:
            channel = connect(dialer, serial, self.home.programmer_keys(serial))
        except LinkDown:
            return ["not sent"]
        with channel:
            return [self._outcome(channel, command) for _ in range(1 + twice)]

    def _outcome(self, channel: Channel, command: ProgramPump) -> str:
        try:
            reply = decode_reply(channel.send(encode(command)))
        except LinkDown:
            return "not sent"
        except NoAnswer:
            return "unknown"
        return "applied" if isinstance(reply, Applied) else "refused"

    def changes(self, serial: str) -> list[str]:
        """Command ids the pump carried out, in order."""
        entries = self.service.implant(serial).firmware.log.entries
        return [str(e.get("command_id")) for e in entries if e.kind is LogKind.PROGRAM_CHANGED]


def renamed(implant: Implant, serial: str) -> Implant:
    firmware = replace(implant.firmware, log=new_log(serial))
    return replace(implant, build=replace(implant.build, serial=serial), firmware=firmware)


def ward(folder: Path, make_bench: Callable) -> Ward:
    home = Home(folder)
    bench = make_bench()
    provision(home, bench.implant)
    provision(home, renamed(bench.implant, SECOND))
    now_ms = bench.implant.now_ms
    return Ward(home, PumpService(home, lambda: now_ms), Challenges(home.started()))


fates = st.lists(st.tuples(st.sampled_from(FATES), st.integers(0, 10_000)), max_size=10)
attempts = st.tuples(
    st.sampled_from([FIRST, SECOND]),
    st.sampled_from(["anna", "ben"]),
    st.integers(0, 3),
    fates,
    st.booleans(),
)


@pytest.mark.requirement("TEL-02", "TEL-05", "TEL-12", "PAT-02")
@settings(max_examples=60)
@given(st.lists(attempts, min_size=1, max_size=8))
def test_whatever_the_adversary_does_a_command_acts_once_where_meant_and_nobody_is_told_untruth(
    make_bench: Callable, history: list[tuple[str, str, int, list[tuple[str, int]], bool]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        both = ward(Path(folder), make_bench)
        adversary = Adversary([])
        told: dict[str, list[str]] = {}
        meant: dict[str, str] = {}
        digests = {s: program_digest(both.service.implant(s)) for s in (FIRST, SECOND)}
        for serial, actor, number, plan, twice in history:
            adversary.fates, adversary.held = list(plan), []
            command_id = f"{serial}-{actor}-{number}"
            order = SimpleContinuous(100_000_000 + 10_000_000 * number)
            command = ProgramPump(actor, command_id, digests[serial], order)
            meant[command_id] = serial
            told.setdefault(command_id, []).extend(both.send(serial, command, adversary, twice))
        for serial in (FIRST, SECOND):
            done = both.changes(serial)
            assert len(done) == len(set(done)) <= 1  # all were reviewed against the same program
            assert all(meant[command_id] == serial for command_id in done)
        carried_out = set(both.changes(FIRST) + both.changes(SECOND))
        for command_id, words in told.items():
            if "applied" in words:
                assert command_id in carried_out
            if "refused" in words:
                assert command_id not in carried_out
            if set(words) == {"not sent"}:
                assert command_id not in carried_out


@pytest.mark.requirement("TEL-02")
@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(FATES), st.integers(0, 10_000)), min_size=1, max_size=6))
def test_a_recorded_session_played_again_in_any_order_changes_nothing(
    make_bench: Callable, order: list[tuple[str, int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        both = ward(Path(folder), make_bench)
        tape = Adversary([])
        digest = program_digest(both.service.implant(FIRST))
        command = ProgramPump("anna", "one", digest, SimpleContinuous(100_000_000))
        assert both.send(FIRST, command, tape, twice=False) == ["applied"]
        before = both.home.load(FIRST)
        line = NearDialer(both.service, both.challenges).dial(None)
        for _, number in order:
            line.send(tape.seen[number % len(tape.seen)], 1.0)
        assert both.home.load(FIRST) == before


@pytest.mark.requirement("TEL-12")
def test_a_session_meant_for_one_pump_and_led_to_another_is_refused(
    tmp_path: Path, make_bench: Callable
) -> None:
    both = ward(tmp_path, make_bench)

    def misled(frame: bytes) -> tuple[bytes, ...]:
        return (frame.replace(FIRST.encode(), SECOND.encode()),)

    dialer = NearDialer(both.service, both.challenges, to_implant=misled)
    with pytest.raises(LinkDown):
        connect(dialer, FIRST, both.home.programmer_keys(FIRST))
    assert both.changes(SECOND) == []


@pytest.mark.requirement("TEL-05", "TEL-02")
def test_every_lost_answer_is_settled_by_sending_the_same_again(tmp_path: Path, make_bench: Callable) -> None:
    both = ward(tmp_path, make_bench)
    digest = program_digest(both.service.implant(FIRST))
    command = ProgramPump("anna", "one", digest, SimpleContinuous(100_000_000))
    lost = Adversary([("pass", 0)] * 5 + [("drop", 0)])
    assert both.send(FIRST, command, lost, twice=False) == ["unknown"]
    assert both.send(FIRST, command, Adversary([]), twice=False) == ["applied"]
    assert both.changes(FIRST) == ["one"]


@pytest.mark.requirement("TEL-04")
def test_a_restart_with_the_same_random_source_takes_no_recorded_session(
    tmp_path: Path, make_bench: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openitb.telemetry.contact.secrets.token_bytes", bytes)
    both = ward(tmp_path, make_bench)
    tape = Adversary([])
    digest = program_digest(both.service.implant(FIRST))
    command = ProgramPump("anna", "one", digest, SimpleContinuous(100_000_000))
    both.send(FIRST, command, tape, twice=False)
    now_ms = both.home.load(FIRST).now_ms
    again = PumpService(both.home, lambda: now_ms)
    before = both.home.load(FIRST)
    line = NearDialer(again, Challenges(both.home.started())).dial(None)
    for frame in tape.seen[::2]:
        line.send(frame, 1.0)
    assert both.home.load(FIRST) == before


@pytest.mark.requirement("TEL-04")
def test_no_challenge_is_ever_repeated_over_restarts_and_crashes(tmp_path: Path) -> None:
    home = Home(tmp_path)
    tmp_path.mkdir(exist_ok=True)
    made: list[bytes] = []
    for _ in range(5):
        challenges = Challenges(home.started())
        made += [challenges.next()[:16] for _ in range(3)]
    assert len(set(made)) == 15
    assert made == sorted(made)


@pytest.mark.requirement("TEL-08")
@settings(max_examples=25)
@given(st.lists(st.binary(max_size=200), max_size=6))
def test_no_bytes_from_a_stranger_change_a_pump(make_bench: Callable, noise: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        both = ward(Path(folder), make_bench)
        before = both.home.load(FIRST)
        line = NearDialer(both.service, both.challenges).dial(None)
        for frame in noise:
            line.send(frame or b"\x00", 1.0)
        assert both.home.load(FIRST) == before


def test_a_refused_command_is_told_as_refused(tmp_path: Path, make_bench: Callable) -> None:
    both = ward(tmp_path, make_bench)
    command = ProgramPump("anna", "one", "another program", SimpleContinuous(100_000_000))
    assert both.send(FIRST, command, Adversary([]), twice=False) == ["refused"]
    assert both.changes(FIRST) == []
