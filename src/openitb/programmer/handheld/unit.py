"""The patient's handheld: what may be asked for now, when next, alarms in words, and requests.

The pump alone decides and keeps the time: a lock-out is shown as what is left of it, counted on by a
clock that only runs, so the handheld's own calendar does not matter. A request that was not answered
is unknown until it is checked; while it is, pressing again sends nothing.

Holds: PAT-01, PAT-02, PAT-03, PAT-05, PAT-06.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from openitb import catalogue, units
from openitb.programmer.handheld.words import AlarmWords, alarm_words, in_order, wait_text
from openitb.programmer.outcomes import Unreachable
from openitb.programmer.session import Sender, Wand, ask, contact, interrogate
from openitb.protocol import (
    Applied,
    Interrogation,
    NoAnswerKept,
    ProtocolError,
    ReadAnswer,
    Refused,
    Reply,
    RequestPatientAdjustment,
    RequestPatientBolus,
    Role,
)
from openitb.telemetry import LinkDown, NoAnswer

UNKNOWN = "Unknown, check: the pump did not answer. It may or may not have acted."
FORGOTTEN = "The pump no longer knows what became of it. See how many doses it counts, or call."
PENDING = "Your last request is not answered yet. Check it first; nothing was sent."
ACTOR = "patient"

Running = Callable[[], int]
PatientRequest = RequestPatientBolus | RequestPatientAdjustment


@dataclass(frozen=True, slots=True)
class Card:
    """What a handheld carries: the way to one pump, whom to call, and fresh names for requests.

    `running` is a clock in ms that only runs forward; it tells no date.
    """

    wand: Wand
    call: str
    running: Running
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a patient may ask for; `wait_ms` until it can be granted, at the running time `at_ms`."""

    text: str
    wait_ms: int
    at_ms: int
    later: str = "Next in"

    def left_ms(self, now_ms: int) -> int:
        """What is left of the wait at a running time."""
        return max(0, self.wait_ms - (now_ms - self.at_ms))

    def line(self, now_ms: int) -> str:
        """What to show: allowed now, or in how long."""
        left = self.left_ms(now_ms)
        when = f"{self.later} {wait_text(left)}." if left else "You may ask now; the pump decides."
        return f"{self.text} {when}"


@dataclass(frozen=True, slots=True)
class Status:
    """What the pump said when it was read."""

    bolus: Allowed | None
    adjustment: Allowed | None
    alarms: tuple[AlarmWords, ...]
    delivering: str


@dataclass(frozen=True, slots=True)
class NoContact:
    """The pump could not be read: nothing is known about it now, and no alarm is ruled out."""

    reason: str

    @property
    def text(self) -> str:
        """What to show."""
        return (
            "No contact with the pump: unknown, check. Hold the handheld over the pump and try again. "
            "If the pump sounds or you feel unwell, call."
        )


@dataclass(frozen=True, slots=True)
class Granted:
    """The pump says it does what was asked."""

    text: str


@dataclass(frozen=True, slots=True)
class Denied:
    """The pump says no: why, and how long to wait where waiting helps; nothing was delivered."""

    reason: str
    wait_ms: int

    @property
    def text(self) -> str:
        """What to show."""
        later = f" Next in {wait_text(self.wait_ms)}." if self.wait_ms else ""
        return f"Not given: {self.reason}.{later}"


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing was sent, so nothing happened."""

    text: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """It was sent and no answer came: unknown until it is checked."""

    text: str = UNKNOWN


Answer = Granted | Denied | NotSent | Unanswered


@dataclass(frozen=True, slots=True)
class Unit:
    """The handheld between presses: the request that waits for its answer, and the last answer."""

    pending: str | None = None
    answer: Answer | None = None
    pressed_ms: int | None = None


def status(card: Card) -> Status | NoContact:
    """Read the pump and say what it means for the patient."""
    reading = interrogate(card.wand, _sender(card))
    if isinstance(reading, Unreachable):
        return NoContact(reading.reason)
    return _status(reading.interrogation, card)


def press_bolus(unit: Unit, card: Card) -> Unit:
    """Ask the pump for the bolus the clinic allowed."""
    return _press(unit, card, lambda command_id: RequestPatientBolus(ACTOR, command_id))


def press_step(unit: Unit, card: Card, steps: int) -> Unit:
    """Ask the pump to move the daily dose by steps, down if below zero."""
    return _press(unit, card, lambda command_id: RequestPatientAdjustment(ACTOR, command_id, steps))


def check(unit: Unit, card: Card) -> Unit:
    """Find out from the pump what it answered to the request whose answer was lost; asks for nothing."""
    if unit.pending is None:
        return unit
    try:
        with contact(card.wand) as channel:
            reply = ask(channel, ReadAnswer(ACTOR, unit.pending))
    except (LinkDown, NoAnswer, ProtocolError):
        return replace(unit, answer=Unanswered())
    return replace(unit, pending=None, answer=_of_kept(reply))


def _press(unit: Unit, card: Card, request: Callable[[str], PatientRequest]) -> Unit:
    now_ms = card.running()
    if _bounces(unit, now_ms):
        return unit
    if unit.pending is not None:
        return replace(unit, answer=NotSent(PENDING), pressed_ms=now_ms)
    command = request(card.new_id())
    answered = _sent(card, command)
    waits = isinstance(answered, Unanswered)
    pending = command.command_id if waits else None  # presses made meanwhile count as made just now
    return Unit(pending, answered, card.running())


def _sent(card: Card, command: PatientRequest) -> Answer:
    try:
        with contact(card.wand) as channel:
            reply = ask(channel, command)
    except LinkDown as error:
        return NotSent(f"No contact, nothing was sent: {error}")
    except (NoAnswer, ProtocolError):
        return Unanswered()
    if isinstance(reply, Refused):
        return Denied(reply.reason, reply.wait_ms or 0)
    return Granted(_GRANTED[type(command)])


def _of_kept(reply: Reply) -> Answer:
    match reply:
        case Applied():
            return Granted("The pump has done what you asked.")
        case Refused(reason=reason):
            return Denied(reason, 0)
        case NoAnswerKept(may_be_forgotten=False):
            return NotSent("The pump never got your request: nothing was given. You may ask again.")
        case _:
            return Unanswered(FORGOTTEN)


_GRANTED: dict[type[PatientRequest], str] = {
    RequestPatientBolus: "The pump gives your extra dose now.",
    RequestPatientAdjustment: "The pump has changed your daily dose.",
}


def _status(read: Interrogation, card: Card) -> Status:
    at_ms = card.running()
    return Status(
        bolus=_bolus(read, at_ms),
        adjustment=_adjustment(read, at_ms),
        alarms=tuple(alarm_words(alarm, card.call) for alarm in in_order(read.alarms)),
        delivering=f"The pump says: {read.state.value}.",
    )


def _bolus(read: Interrogation, at_ms: int) -> Allowed | None:
    held = read.patient_bolus
    if held is None:
        return None
    dose, takes = units.format_mass(held.dose_pg), wait_text(held.duration_ms)
    text = f"Extra dose of {dose} over {takes}, {held.given_in_day} of {held.most_per_day} given in 24 h."
    return Allowed(text, held.wait_ms, at_ms)


def _adjustment(read: Interrogation, at_ms: int) -> Allowed | None:
    held = read.patient_adjustment
    if held is None:
        return None
    low, high = units.format_dose(held.low_pg_per_day), units.format_dose(held.high_pg_per_day)
    now = units.format_dose(read.dose_pg_per_day)
    text = f"Daily dose {now}, yours to move by {held.step_percent} % between {low} and {high}."
    return Allowed(text, held.wait_ms, at_ms, "Up again in")


def _bounces(unit: Unit, now_ms: int) -> bool:
    bounce_ms = catalogue.load().practice["programmer"].fact("key_bounce").whole("ms")
    return unit.pressed_ms is not None and now_ms - unit.pressed_ms <= bounce_ms


def _sender(card: Card) -> Sender:
    return Sender(ACTOR, card.running, Role.PATIENT)
