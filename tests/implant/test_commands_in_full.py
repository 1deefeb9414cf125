"""Every command to its last word: the page `commands.txt` holds the answer and what the log then tells.

The steps are one life of one pump. What a command leaves in the log is what an inquiry has to go by, and
what a refusal says is all a clinician has; so both are held here, with either side of each edge.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openitb import units
from openitb.implant import program_digest
from openitb.prescription import Flex, FlexPattern, FlexStep, MinimumRate, SimpleContinuous, Stopped
from openitb.protocol import (
    Applied,
    CancelBolus,
    CommitStaged,
    ConfirmProgram,
    DeliverBolus,
    EnablePatientAdjustment,
    Interrogate,
    Interrogation,
    OverdoseAttestation,
    OverdoseSign,
    ProgramPump,
    ReadAnswer,
    ReadStaged,
    RecordRefill,
    ReduceToMinimum,
    Refused,
    Reply,
    Request,
    RequestPatientBolus,
    RevokeKey,
    Role,
    SetClock,
    SetDoseLimits,
    SetLowReservoirAlarm,
    SilenceAlarm,
    SoundTone,
    StageProgram,
    WindowDose,
)

PAGE = Path(__file__).with_name("commands.txt")
UG, MINUTE, HOUR, DAY = units.PG_PER_UG, units.MS_PER_MIN, units.MS_PER_H, units.MS_PER_DAY
LAST_INSTANT_MS = 253_402_300_799_999
LARGEST_STAGE_NL = 2_000_000  # asserted below, not assumed
SIMPLE, MORE = SimpleContinuous(200 * UG), SimpleContinuous(230 * UG)
TWICE = Flex((FlexPattern(tuple(range(7)), (FlexStep(0, 12 * UG), FlexStep(8 * HOUR, 6 * UG))),))
Step = tuple[str, Callable[[object, str], Request], Role]


def digest(bench: object) -> str:
    return program_digest(bench.implant)


def staged(bench: object) -> str:
    return bench.tell(ReadStaged("nurse")).staged.staged_digest


def by(name: str, make: Callable[[object, str], Request], role: Role = Role.CLINICIAN) -> Step:
    return name, make, role


def program(name: str, order: object, prime_nl: int = 0, reason: str = "") -> Step:
    return by(name, lambda b, i: ProgramPump("nurse", i, digest(b), order, prime_nl, reason))


def refill(name: str, volume_nl: int, strength: int, bridge_nl: int | None = None) -> Step:
    return by(name, lambda b, i: RecordRefill("nurse", i, digest(b), volume_nl, strength, bridge_nl))


def alarm_at(name: str, volume_nl: int) -> Step:
    return by(name, lambda _, i: SetLowReservoirAlarm("nurse", i, volume_nl))


def clock(name: str, at_ms: int, zone_ms: int = 0) -> Step:
    return by(name, lambda _, i: SetClock("nurse", i, at_ms, zone_ms))


def limits(name: str, *windows: tuple[int, int]) -> Step:
    doses = tuple(WindowDose(hours * HOUR, ug * UG) for hours, ug in windows)
    return by(name, lambda b, i: SetDoseLimits("nurse", i, digest(b), doses))


def bolus(name: str, volume_nl: int = 10_000) -> Step:
    return by(name, lambda b, i: DeliverBolus("nurse", i, digest(b), volume_nl, 30 * MINUTE))


def stage(name: str, order: object = MORE, prime_nl: int = 0, reason: str = "") -> Step:
    return by(name, lambda b, i: StageProgram("nurse", i, digest(b), order, prime_nl, reason))


SIGNS = OverdoseAttestation("Dr Ada", "ward 3", tuple(OverdoseSign)[:2])
STEPS: tuple[Step, ...] = (
    program("a first program", SIMPLE),
    by("another program than the pump's", lambda _, i: ProgramPump("nurse", i, "0" * 64, MORE)),
    program("a dose of no flow", SimpleContinuous(1)),
    program("a prime of nothing", SIMPLE, 0),
    program("a prime below nothing", SIMPLE, -1),
    program("the largest prime", TWICE, LARGEST_STAGE_NL),
    program("a prime beyond the largest", SIMPLE, LARGEST_STAGE_NL + 1),
    program("a program that ends the prime", SIMPLE),
    program("a stop with a prime", Stopped(), 250, "a leak"),
    program("a stop without a reason", Stopped()),
    program("a stop for a reason of two lines", Stopped(), 0, "a\nb"),
    program("a stop for a reason too long", Stopped(), 0, "r" * 201),
    program("a stop", Stopped(), 0, "r" * 200),
    program("a prime of nothing while stopped", MinimumRate(), 0),
    program("back", SIMPLE, 0, "the leak is closed"),
    refill("a refill of the same", 18_000_000, 500),
    refill("a refill of the same with a bridge", 18_000_000, 500, 0),
    refill("another strength without a word of a bridge", 18_000_000, 2000),
    refill("another strength with no bridge on purpose", 18_000_000, 2000, 0),
    refill("another strength with a bridge", 18_000_000, 500, 316_000),
    refill("a bridge beyond the largest", 18_000_000, 1000, LARGEST_STAGE_NL + 1),
    refill("a bridge below nothing", 18_000_000, 1000, -1),
    refill("less than stays behind", 1_399_999, 500),
    refill("what stays behind", 1_400_000, 500),
    refill("all it holds", 20_000_000, 500),
    refill("more than it holds", 20_000_001, 500),
    by("a refill of another program", lambda _, i: RecordRefill("nurse", i, "0" * 64, 18_000_000, 500)),
    alarm_at("an alarm below what stays behind", 1_399_999),
    alarm_at("an alarm at what stays behind", 1_400_000),
    alarm_at("an alarm at all it holds", 20_000_000),
    alarm_at("an alarm above all it holds", 20_000_001),
    alarm_at("a usual alarm", 2_000_000),
    clock("the earliest clock", 0),
    clock("before the earliest", -1),
    clock("the latest clock", LAST_INSTANT_MS),
    clock("after the latest", LAST_INSTANT_MS + 1),
    clock("the farthest east", 1_767_571_200_000, 14 * HOUR),
    clock("farther than the farthest east", 1_767_571_200_000, 14 * HOUR + 1),
    clock("the farthest west", 1_767_571_200_000, -14 * HOUR),
    clock("farther than the farthest west", 1_767_571_200_000, -14 * HOUR - 1),
    limits("two limits", (24, 900), (4, 300)),
    limits("every window that is watched", (1, 100), (4, 300), (24, 900)),
    limits("one window twice", (24, 900), (24, 800)),
    limits("a window that is not watched", (5, 300)),
    limits("a limit of nothing", (24, 0)),
    limits("a limit below the program", (24, 199)),
    limits("a limit at the program", (24, 200)),
    program("a program above its limit", MORE),
    limits("no limits"),
    by("limits for another program", lambda _, i: SetDoseLimits("nurse", i, "0" * 64, ())),
    bolus("a bolus"),
    bolus("a bolus during a bolus"),
    by("the bolus given up", lambda _, i: CancelBolus("nurse", i)),
    by("no bolus to give up", lambda _, i: CancelBolus("nurse", i)),
    bolus("one more bolus"),
    program("a program that ends the bolus", MORE),
    by("a commit with nothing staged", lambda _, i: CommitStaged("nurse", i, "0" * 64)),
    stage("a program staged", SIMPLE, 250, "back to what helped"),
    by("what is staged, read back", lambda _, __: ReadStaged("nurse")),
    stage("what could not run staged", SimpleContinuous(1)),
    by("a commit of something else", lambda _, i: CommitStaged("nurse", i, "0" * 64)),
    by("a commit", lambda b, i: CommitStaged("nurse", i, staged(b))),
    by("nothing staged any more, and a program to confirm", lambda _, __: ReadStaged("nurse")),
    by("the same commit again", lambda _, i: CommitStaged("nurse", i, "0" * 64)),
    by("a confirmation of something else", lambda _, i: ConfirmProgram("nurse", i, "0" * 64)),
    by("a confirmation", lambda b, i: ConfirmProgram("nurse", i, digest(b))),
    by("a program confirmed", lambda _, __: ReadStaged("nurse")),
    by("a patient who may adjust", lambda _, i: EnablePatientAdjustment("nurse", i, 5, 180 * UG, 220 * UG)),
    program("a program that ends what the patient may", SIMPLE),
    by("a patient who may not", lambda _, i: RequestPatientBolus("patient", i), Role.PATIENT),
    by("a reader who programs", lambda _, i: SetClock("reader", i, 0, 0), Role.READ_ONLY),
    by("a tone to be heard", lambda _, i: SoundTone("nurse", i, True)),
    by("a key revoked", lambda _, i: RevokeKey("nurse", i, bytes(8))),
    by("half a key revoked", lambda _, i: RevokeKey("nurse", i, bytes(4))),
    by("silence", lambda _, i: SilenceAlarm("nurse", i, 10 * MINUTE)),
    by("the minimum rate by attestation", lambda _, i: ReduceToMinimum("nurse", i, SIGNS), Role.BREAK_GLASS),
    by("the minimum rate once more", lambda _, i: ReduceToMinimum("nurse", i, SIGNS), Role.BREAK_GLASS),
    by("a reading", lambda _, __: Interrogate("nurse")),
    by("a reading with the glass broken", lambda _, __: Interrogate("nurse"), Role.BREAK_GLASS),
    by("a patient's reading", lambda _, __: Interrogate("patient"), Role.PATIENT),
    by("a reading of a later page", lambda _, __: Interrogate("nurse", 3)),
    by("a reading of a page that is not there", lambda _, __: Interrogate("nurse", 10_000)),
    by("the answer to a command", lambda _, __: ReadAnswer("nurse", "a stop")),
    by("the answer to no command", lambda _, __: ReadAnswer("nurse", "nothing")),
    by("an actor without a name", lambda _, i: SetClock("", i, 0, 0)),
    by("the longest name", lambda _, i: SetLowReservoirAlarm("n" * 80, i, 2_000_000)),
    by("a longer name", lambda _, i: SetLowReservoirAlarm("n" * 81, i, 2_000_000)),
    by("a name of two lines", lambda _, i: SetLowReservoirAlarm("a\nb", i, 2_000_000)),
    by("the longest id", lambda _, __: SetLowReservoirAlarm("nurse", "i" * 64, 2_000_000)),
    by("a longer id", lambda _, __: SetLowReservoirAlarm("nurse", "i" * 65, 2_000_000)),
    by("an id again for another command", lambda _, __: SetLowReservoirAlarm("nurse", "i" * 64, 2_000_001)),
    by("an id again for the same command", lambda _, __: SetLowReservoirAlarm("nurse", "i" * 64, 2_000_000)),
    by("no message of the wire", lambda _, i: SetLowReservoirAlarm("nurse", i, 2**63)),
)


def life(bench: object) -> Iterator[tuple[str, str]]:
    """Every step with its answer and the entries it left, a minute apart."""
    for name, make, role in STEPS:
        bench.run(MINUTE)
        request = make(bench, "a commit" if name == "the same commit again" else name)
        before = len(bench.implant.firmware.log.entries)
        reply = bench.tell(request, role)
        lines = [answered(reply)]
        for entry in bench.implant.firmware.log.entries[before:]:
            detail = ", ".join(f"{key} {value}" for key, value in entry.detail)
            lines.append(f"  {entry.kind.value} by {entry.actor}: {detail}".rstrip())
        yield name, re.sub(r"\b([0-9a-f]{8})[0-9a-f]{56}\b", r"\1…", "\n".join(lines))


def answered(reply: Reply) -> str:
    match reply:
        case Applied():
            return f"applied {reply.command_id}, program {reply.program_digest}"
        case Refused():
            return f"refused, {reply.field}: {reply.reason}"
        case Interrogation():
            told = [entry.number for entry in reply.log]
            return f"Interrogation, entries {told[:1]} to {told[-1:]} after {reply.log_anchor.number}"
        case _:
            return str(reply)


def page() -> list[tuple[str, str]]:
    blocks = re.split(r"\n*^## (.+)$\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return list(zip(blocks[1::2], (text.strip("\n") for text in blocks[2::2]), strict=True))


@pytest.mark.requirement("LOG-01")
def test_every_command_is_answered_and_logged_as_its_page_says(bench: object) -> None:
    assert list(life(bench)) == page()


def test_the_edges_above_are_those_of_the_pump(make_bench: Callable) -> None:
    build = make_bench().implant.build
    assert (build.residual_nl, build.capacity_nl, build.largest_stage_nl) == (
        1_400_000,
        20_000_000,
        LARGEST_STAGE_NL,
    )
