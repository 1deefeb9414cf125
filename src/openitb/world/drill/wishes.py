"""What programmers and handhelds ask for: a table of requests per role, sense and nonsense alike.

To widen the workload add a row: how often, a name, and a function that makes the request from the drawn
numbers and the last reading. `sound=False` marks what a pump must never carry out, whoever asks.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from openitb.catalogue import Pump
from openitb.prescription import Flex, FlexPattern, FlexStep, Order, SimpleContinuous, Stopped
from openitb.protocol import (
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
    ReadRequest,
    ReadStaged,
    RecordRefill,
    ReduceToMinimum,
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
    WindowDose,
)
from openitb.world.drill.editions import edition, forged
from openitb.world.drill.orders import DAY, EVERY_DAY, HOUR, MINUTE, drawn_order

CONCENTRATIONS = (500, 1000, 2000, 501, 1999)
# Instants at which clocks wrap: 2^31 s, 2^32 s, the end of a century's leap rule, 1970, year 9999.
EDGES_MS = (2**31 * 1000, 2**32 * 1000, 4_107_456_000_000, 0, 253_402_300_799_999)
WINDOWS_MS = (HOUR, 4 * HOUR, DAY)
HUGE = 2**62
OTHER = "0" * 64


@dataclass(frozen=True, slots=True)
class Desk:
    """What a programmer has before it when it decides: the dice, its name, the last readings, an id."""

    draw: random.Random
    actor: str
    read: Interrogation
    staged: TransferReport | None
    has_staged: bool
    pump: Pump
    command_id: str


@dataclass(frozen=True, slots=True)
class Wish:
    """A request; `command_id` is empty for a reading."""

    name: str
    request: Request
    sound: bool = True

    @property
    def command_id(self) -> str:
        """The id that ties it to its effect."""
        return "" if isinstance(self.request, ReadRequest) else self.request.command_id


class Row(NamedTuple):
    """One kind of request: its share among the others, its name, how it is made, whether it makes sense."""

    weight: int
    name: str
    make: Callable[[Desk], Request]
    sound: bool = True


def reading(actor: str) -> Wish:
    """The wish to read a pump."""
    return Wish("read", Interrogate(actor))


def question(actor: str, command_id: str) -> Wish:
    """The wish to know what became of a command."""
    return Wish("read answer", ReadAnswer(actor, command_id))


def drawn_wish(desk: Desk, role: Role, weights: list[int]) -> Wish:
    """One row of the role's table, by these weights."""
    if desk.has_staged and desk.draw.random() < 0.8:
        never_read = Wish("commit what was never read", _commit_other(desk), sound=False)
        return never_read if desk.draw.random() < 0.1 else Wish("commit what is staged", _commit(desk))
    likely = _what_a_patient_would(desk) if role is Role.PATIENT else None
    if likely is not None and desk.draw.random() < 0.6:
        return likely
    row = desk.draw.choices(BY_ROLE[role], weights)[0]
    return Wish(row.name, row.make(desk), row.sound)


def _what_a_patient_would(desk: Desk) -> Wish | None:
    """Ask for what the last reading said is allowed."""
    if desk.read.patient_bolus is not None:
        return Wish("ask for a bolus", RequestPatientBolus(desk.actor, desk.command_id))
    return Wish("adjust the dose", _adjust(desk)) if desk.read.patient_adjustment is not None else None


def _read_old(desk: Desk) -> Request:
    return Interrogate(desk.actor, desk.draw.randint(0, desk.read.log_head.number + 1))


def _order(desk: Desk, order: Order, prime_nl: int = 0) -> Request:
    reason = "a drill" if isinstance(order, Stopped) else ""
    return ProgramPump(desk.actor, desk.command_id, desk.read.program_digest, order, prime_nl, reason)


def _any_order(desk: Desk) -> Order:
    return drawn_order(desk.draw, desk.pump, desk.read.concentration_ug_per_ml)


def _primed(desk: Desk) -> Request:
    return _order(desk, _any_order(desk), desk.draw.randint(1, 500_000))


def _refill(desk: Desk, volume_nl: int | None = None) -> Request:
    lowest, highest = desk.read.reservoir.residual_nl, desk.read.reservoir.capacity_nl
    volume = desk.draw.randint(lowest, highest) if volume_nl is None else volume_nl
    same = desk.read.concentration_ug_per_ml
    return RecordRefill(desk.actor, desk.command_id, desk.read.program_digest, volume, same)


def _new_drug(desk: Desk) -> Request:
    draw, read = desk.draw, desk.read
    volume = draw.randint(read.reservoir.residual_nl, read.reservoir.capacity_nl)
    drug = draw.choice(CONCENTRATIONS)
    bridge = None if drug == read.concentration_ug_per_ml else draw.choice((0, draw.randint(0, 400_000)))
    return RecordRefill(desk.actor, desk.command_id, read.program_digest, volume, drug, bridge)


def _low_alarm(desk: Desk) -> Request:
    read = desk.read.reservoir
    volume_nl = desk.draw.randint(read.residual_nl, read.capacity_nl)
    return SetLowReservoirAlarm(desk.actor, desk.command_id, volume_nl)


def _clock(desk: Desk) -> Request:
    at_ms = max(0, desk.read.at_ms + desk.draw.randint(-3 * HOUR, 3 * HOUR))
    zone_ms = desk.draw.choice((0, HOUR, 2 * HOUR, -8 * HOUR, 5 * HOUR + HOUR // 2))
    return SetClock(desk.actor, desk.command_id, at_ms, zone_ms)


def _clock_to_an_edge(desk: Desk) -> Request:
    at_ms = min(max(0, desk.draw.choice(EDGES_MS) - desk.draw.randint(0, DAY)), EDGES_MS[-1])
    return SetClock(desk.actor, desk.command_id, at_ms, 0)


def _limits(desk: Desk, share: float | None = None) -> Request:
    """Caps from just above the dose that runs to several times it."""
    times = desk.draw.choice((1.02, desk.draw.uniform(1.05, 4))) if share is None else share
    day_pg = max(1, int(desk.read.dose_pg_per_day * times))
    windows = desk.draw.sample(WINDOWS_MS, desk.draw.randint(1, 3))
    limits = tuple(
        WindowDose(ms, max(1, day_pg * (2 if ms < DAY else 1) * ms // DAY)) for ms in sorted(windows)
    )
    return SetDoseLimits(desk.actor, desk.command_id, desk.read.program_digest, limits)


def _no_limits(desk: Desk) -> Request:
    return SetDoseLimits(desk.actor, desk.command_id, desk.read.program_digest, ())


def _bolus(desk: Desk, volume_nl: int | None = None, duration_ms: int | None = None) -> Request:
    volume = desk.draw.randint(1_000, 100_000) if volume_nl is None else volume_nl
    lasts = desk.draw.randint(10 * MINUTE, 6 * HOUR) if duration_ms is None else duration_ms
    return DeliverBolus(desk.actor, desk.command_id, desk.read.program_digest, volume, lasts)


def _allow_bolus(desk: Desk, lockout_ms: int | None = None) -> Request:
    draw, drug = desk.draw, desk.read.concentration_ug_per_ml
    duration_ms = draw.randint(3, 20) * MINUTE
    lockout = duration_ms + draw.randint(10, 300) * MINUTE if lockout_ms is None else lockout_ms
    dose_pg = draw.randint(1_500, 40_000) * drug
    return EnablePatientBolus(desk.actor, desk.command_id, dose_pg, duration_ms, lockout, draw.randint(1, 6))


def _allow_adjustment(desk: Desk, step_percent: int | None = None) -> Request:
    dose = desk.read.dose_pg_per_day
    step = desk.draw.randint(1, 10) if step_percent is None else step_percent
    low, high = dose - dose * desk.draw.randint(0, 30) // 100, dose + dose * desk.draw.randint(0, 30) // 100
    return EnablePatientAdjustment(desk.actor, desk.command_id, step, low, high)


def _stage(desk: Desk) -> Request:
    prime_nl = desk.draw.choice((0, 0, desk.draw.randint(1, 300_000)))
    return StageProgram(desk.actor, desk.command_id, desk.read.program_digest, _any_order(desk), prime_nl)


def _commit(desk: Desk) -> Request:
    """What was read back; before anything was, read it."""
    if desk.staged is None or desk.staged.staged is None:
        return ReadStaged(desk.actor)
    return CommitStaged(desk.actor, desk.command_id, desk.staged.staged.staged_digest)


def _commit_other(desk: Desk) -> Request:
    return CommitStaged(desk.actor, desk.command_id, OTHER)


def _attested(desk: Desk, signs: tuple[OverdoseSign, ...] = (OverdoseSign.DROWSY,)) -> Request:
    attestation = OverdoseAttestation("Dr Who", "emergency room", signs)
    return ReduceToMinimum(desk.actor, desk.command_id, attestation)


def _silence(desk: Desk, duration_ms: int | None = None) -> Request:
    lasts = desk.draw.randint(1, 40) * MINUTE if duration_ms is None else duration_ms
    return SilenceAlarm(desk.actor, desk.command_id, lasts)


def _library(desk: Desk, version: int | None = None) -> Request:
    number = desk.draw.randint(1, 40) if version is None else version
    library, signature = edition(number, desk.read.at_ms + 400 * DAY)
    return UpdateLibrary(desk.actor, desk.command_id, library, signature)


def _forged_library(desk: Desk) -> Request:
    library, signature = forged(desk.draw.randint(1, 40), desk.read.at_ms + 400 * DAY)
    return UpdateLibrary(desk.actor, desk.command_id, library, signature)


def _beyond_flow(desk: Desk) -> Request:
    flow = desk.draw.choice((desk.pump.highest_flow_nl_per_day + 1, desk.pump.lowest_flow_nl_per_day - 1))
    factor = desk.draw.choice((1, 1, 10)) if flow > desk.pump.highest_flow_nl_per_day else 1
    return _order(desk, SimpleContinuous(factor * flow * desk.read.concentration_ug_per_ml))


def _too_many_changes(desk: Desk) -> Request:
    lowest = desk.pump.lowest_flow_nl_per_day * desk.read.concentration_ug_per_ml // 24
    count = desk.pump.flex_changes_per_day + 1
    steps = tuple(FlexStep(n * HOUR, 2 * lowest + n) for n in range(count))
    return _order(desk, Flex((FlexPattern(EVERY_DAY, steps),)))


def _absurd_prime(desk: Desk) -> Request:
    return _order(desk, _any_order(desk), desk.draw.choice((-1, 20_000_001, HUGE)))


def _forgotten_bridge(desk: Desk) -> Request:
    drug = desk.read.concentration_ug_per_ml + desk.draw.choice((1, 500))
    volume = desk.read.reservoir.capacity_nl
    return RecordRefill(desk.actor, desk.command_id, desk.read.program_digest, volume, drug)


def _overfull(desk: Desk) -> Request:
    return _refill(desk, desk.draw.choice((-1, 0, desk.read.reservoir.capacity_nl + 1, HUGE)))


def _absurd_bolus(desk: Desk) -> Request:
    times = ((HUGE, HOUR), (2_000_001, HOUR), (0, HOUR), (-250, HOUR), (1_000, 1), (1_000, 0), (1_000, -1))
    return _bolus(desk, *desk.draw.choice(times))


def _nameless(desk: Desk) -> Request:
    return SetLowReservoirAlarm(desk.draw.choice(("", "a\nb", "x" * 81)), desk.command_id, 2_000_000)


def _absurd_clock(desk: Desk) -> Request:
    at_ms = desk.draw.choice((-1, EDGES_MS[-1] + 1, HUGE))
    return SetClock(desk.actor, desk.command_id, at_ms, desk.draw.choice((0, 15 * HOUR)))


def _adjust(desk: Desk) -> Request:
    return RequestPatientAdjustment(desk.actor, desk.command_id, desk.draw.choice((1, 1, -1, -2, -9)))


def _plain(kind: Callable[[str, str], Request]) -> Callable[[Desk], Request]:
    return lambda desk: kind(desk.actor, desk.command_id)


_READS = (
    Row(8, "read", lambda desk: Interrogate(desk.actor)),
    Row(1, "read access", lambda desk: ReadAccess(desk.actor)),
    Row(1, "read what is staged", lambda desk: ReadStaged(desk.actor)),
)
WISHES: tuple[Row, ...] = (
    *_READS,
    Row(2, "read old entries", _read_old),
    Row(10, "order", lambda desk: _order(desk, _any_order(desk))),
    Row(3, "stop", lambda desk: _order(desk, Stopped())),
    Row(4, "order with prime", _primed),
    Row(5, "stage", _stage),
    Row(9, "commit what is staged", _commit),
    Row(2, "confirm", lambda desk: ConfirmProgram(desk.actor, desk.command_id, desk.read.program_digest)),
    Row(4, "record refill", _refill),
    Row(4, "record a new drug with bridge", _new_drug),
    Row(3, "set low alarm", _low_alarm),
    Row(3, "set clock", _clock),
    Row(1, "set clock to an edge", _clock_to_an_edge),
    Row(5, "set dose limits", _limits),
    Row(1, "end dose limits", _no_limits),
    Row(8, "bolus", _bolus),
    Row(1, "cancel bolus", _plain(CancelBolus)),
    Row(5, "allow patient bolus", _allow_bolus),
    Row(1, "end patient bolus", _plain(DisablePatientBolus)),
    Row(5, "allow adjustment", _allow_adjustment),
    Row(1, "end adjustment", _plain(DisablePatientAdjustment)),
    Row(2, "silence", _silence),
    Row(1, "sound a tone", lambda desk: SoundTone(desk.actor, desk.command_id, desk.draw.random() < 0.5)),
    Row(1, "revoke a lost key", lambda desk: RevokeKey(desk.actor, desk.command_id, desk.draw.randbytes(8))),
    Row(1, "update library", _library),
    Row(1, "reduce to minimum", _attested),
    Row(2, "order beyond the flow limits", _beyond_flow, sound=False),
    Row(1, "order too many changes", _too_many_changes, sound=False),
    Row(1, "order an absurd prime", _absurd_prime, sound=False),
    Row(1, "stop with a prime", lambda desk: _order(desk, Stopped(), 50_000), sound=False),
    Row(1, "forget the bridge", _forgotten_bridge, sound=False),
    Row(1, "record an impossible volume", _overfull, sound=False),
    Row(
        1,
        "order for another program",
        lambda desk: ProgramPump(desk.actor, desk.command_id, OTHER, _any_order(desk)),
        sound=False,
    ),
    Row(1, "speak without a name", _nameless, sound=False),
    Row(1, "set an absurd clock", _absurd_clock, sound=False),
    Row(1, "give an absurd bolus", _absurd_bolus, sound=False),
    Row(1, "allow without lock-out", partial(_allow_bolus, lockout_ms=0), sound=False),
    Row(1, "allow an absurd step", partial(_allow_adjustment, step_percent=50), sound=False),
    Row(1, "limit to less than runs", partial(_limits, share=0.0)),
    Row(1, "commit what was never read", _commit_other, sound=False),
    Row(
        1,
        "confirm what does not run",
        lambda desk: ConfirmProgram(desk.actor, desk.command_id, OTHER),
        sound=False,
    ),
    Row(1, "silence for ever", partial(_silence, duration_ms=HUGE), sound=False),
    Row(1, "forge a library", _forged_library, sound=False),
    Row(1, "bring back an old library", partial(_library, version=0), sound=False),
    Row(1, "attest nothing", partial(_attested, signs=()), sound=False),
)
_TRESPASSES = (
    Row(2, "trespass: order", lambda desk: _order(desk, _any_order(desk)), sound=False),
    Row(1, "trespass: stage", _stage, sound=False),
    Row(1, "trespass: bolus", _bolus, sound=False),
    Row(1, "trespass: refill", _refill, sound=False),
    Row(1, "trespass: clock", _clock, sound=False),
    Row(1, "trespass: allow a bolus", _allow_bolus, sound=False),
    Row(1, "trespass: end dose limits", _no_limits, sound=False),
)
PATIENT: tuple[Row, ...] = (
    Row(6, "read", lambda desk: Interrogate(desk.actor)),
    Row(12, "ask for a bolus", _plain(RequestPatientBolus)),
    Row(8, "adjust the dose", _adjust),
    *_TRESPASSES,
    Row(1, "trespass: reduce", _attested, sound=False),
    Row(1, "trespass: silence", _silence, sound=False),
)
READER: tuple[Row, ...] = (*_READS, *_TRESPASSES)
BREAK_GLASS: tuple[Row, ...] = (
    *_READS,
    Row(5, "reduce to minimum", _attested),
    Row(2, "silence", _silence),
    *_TRESPASSES,
)
BY_ROLE: dict[Role, tuple[Row, ...]] = {
    Role.CLINICIAN: WISHES,
    Role.PATIENT: PATIENT,
    Role.READ_ONLY: READER,
    Role.BREAK_GLASS: BREAK_GLASS,
}
