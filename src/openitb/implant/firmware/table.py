"""The state table: what the motor does in each state, what may happen there and where it leads.

One table, three readers: the firmware (which event a state admits, and what flows in it), the page
`docs/states.md`, and a test that brings a pump into every state and tries every event. An event that
is neither led on nor refused cannot occur in that state.

Holds: DEL-15.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from openitb.implant.firmware.refusal import require
from openitb.protocol import AlarmCondition, PumpState

STOPPED, MINIMUM_RATE, RUNNING = PumpState.STOPPED, PumpState.MINIMUM_RATE, PumpState.RUNNING
PRIME, BOLUS, BRIDGE = PumpState.PRIME, PumpState.BOLUS, PumpState.BRIDGE
GUARD_STOP, END_OF_SERVICE = PumpState.GUARD_STOP, PumpState.END_OF_SERVICE


class Flow(StrEnum):
    """What the motor is asked for."""

    NONE = "nothing"
    HIGHEST = "the pump's highest flow"
    PROGRAM = "the program"
    BRIDGE = "the program, metered for the drug in the path"
    BOLUS = "the program or bridge, and the bolus"


class Event(StrEnum):
    """What may come to a pump: commands, then what happens by itself."""

    READ = "interrogation"
    SETTING = "alarm or clock setting"
    PROGRAM = "order with a dose"
    IDLE = "order minimum rate"
    STOP = "order stopped"
    PROGRAM_AND_PRIME = "order with a prime"
    REFILL = "refill without a bridge"
    REFILL_AND_BRIDGE = "refill with a bridge"
    BOLUS = "clinician's bolus"
    CANCEL = "cancel bolus"
    PERMIT = "patient control changed"
    REQUEST = "patient asks for a bolus"
    ADJUST = "patient adjusts the dose"
    STAGE_DONE = "prime or bridge is through"
    BOLUS_DONE = "bolus is through"
    CRITICAL_ALARM = "another critical alarm"
    VETO = "guard refuses a stroke"
    SERVICE_OVER = "service ends"


To = tuple[PumpState, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One state: `leads` names where an event may lead, `refuses` why it is not admitted.

    `alarm` is what sounds there, at once or in time.
    """

    meaning: str
    flow: Flow
    leads: Mapping[Event, To]
    refuses: Mapping[Event, str]
    alarm: AlarmCondition | None = None


def require_admitted(state: PumpState, event: Event) -> None:
    """`RefusalError` with the table's reason if the state does not admit the event."""
    reason = TABLE[state].refuses.get(event)
    require(reason is None, "state", reason or "")


def delivers(state: PumpState) -> bool:
    """True if something is meant to flow."""
    return TABLE[state].flow is not Flow.NONE


_DELIVERING: To = (RUNNING, MINIMUM_RATE, BRIDGE)
_ORDERS: Mapping[Event, To] = {
    Event.PROGRAM: (RUNNING, BRIDGE),
    Event.IDLE: (MINIMUM_RATE, STOPPED),  # a valve pump has no rate to keep it turning
    Event.STOP: (STOPPED,),
    Event.PROGRAM_AND_PRIME: (PRIME,),
}
_ENDS: Mapping[Event, To] = {Event.VETO: (GUARD_STOP,), Event.SERVICE_OVER: (END_OF_SERVICE,)}


@dataclass(frozen=True, slots=True)
class Overlay:
    """What a pump reports in place of the state it is in: where the motor does not do what the state asks.

    The state below goes on, admits and refuses what it always does, and shows again when it is over.
    """

    meaning: str
    alarm: AlarmCondition


OVERLAYS: Mapping[PumpState, Overlay] = {
    PumpState.MOTOR_STALL: Overlay(
        "the rotor has not followed for the qualifier time; it goes on being driven, delivery resumes with "
        "the first stroke it follows, and missed strokes are not made up",
        AlarmCondition.MOTOR_STALL,
    )
}


def _stays(state: PumpState, *events: Event) -> Mapping[Event, To]:
    return dict.fromkeys(events, (state,))


def _quiet(state: PumpState) -> Mapping[Event, To]:
    return _stays(state, Event.READ, Event.SETTING, Event.PERMIT, Event.CRITICAL_ALARM)


_NO_BOLUS = {Event.CANCEL: "no bolus is under way"}
_STOPPED_REASON = "the pump is stopped"
_PRIME_REASON = "a prime is under way"
_BOLUS_REASON = "a bolus is under way; one at a time"
_GUARD_REASON = "the delivery guard has stopped the pump; a clinician must program it"
_SERVICE_REASON = "the pump has reached its end of service and cannot be programmed"


def _refused(reason: str, *events: Event) -> Mapping[Event, str]:
    return dict.fromkeys(events, reason)


TABLE: Mapping[PumpState, Row] = {
    STOPPED: Row(
        meaning="an ordered stop, or minimum rate on a pump that has none",
        flow=Flow.NONE,
        leads={
            **_quiet(STOPPED),
            **_ORDERS,
            **_stays(STOPPED, Event.REFILL, Event.REFILL_AND_BRIDGE),
            Event.SERVICE_OVER: (END_OF_SERVICE,),
        },
        refuses={**_NO_BOLUS, **_refused(_STOPPED_REASON, Event.BOLUS, Event.REQUEST, Event.ADJUST)},
        alarm=AlarmCondition.STOPPED_TOO_LONG,
    ),
    MINIMUM_RATE: Row(
        meaning="the drive is kept turning; no treatment",
        flow=Flow.PROGRAM,
        leads={
            **_quiet(MINIMUM_RATE),
            **_ORDERS,
            **_ENDS,
            **_stays(MINIMUM_RATE, Event.IDLE, Event.REFILL, Event.REFILL_AND_BRIDGE, Event.STAGE_DONE),
            Event.BOLUS: (BOLUS,),
        },
        refuses={
            **_NO_BOLUS,
            **_refused("the pump idles at minimum rate by order", Event.REQUEST, Event.ADJUST),
        },
    ),
    RUNNING: Row(
        meaning="the program: simple continuous, flex or periodic bolus",
        flow=Flow.PROGRAM,
        leads={
            **_quiet(RUNNING),
            **_ORDERS,
            **_ENDS,
            Event.PROGRAM: (RUNNING,),
            **_stays(RUNNING, Event.REFILL, Event.ADJUST),
            Event.REFILL_AND_BRIDGE: (BRIDGE,),
            Event.BOLUS: (BOLUS,),
            Event.REQUEST: (BOLUS,),
        },
        refuses=_NO_BOLUS,
    ),
    PRIME: Row(
        meaning="a stage that fills the path, bounded by volume",
        flow=Flow.HIGHEST,
        leads={
            **_quiet(PRIME),
            **_ORDERS,
            **_ENDS,
            Event.REFILL: _DELIVERING,
            Event.REFILL_AND_BRIDGE: (BRIDGE, MINIMUM_RATE),
            Event.STAGE_DONE: _DELIVERING,
        },
        refuses={**_NO_BOLUS, **_refused(_PRIME_REASON, Event.BOLUS, Event.REQUEST, Event.ADJUST)},
    ),
    BRIDGE: Row(
        meaning="a stage that lets out the drug still in the path, at the dose that is ordered",
        flow=Flow.BRIDGE,
        leads={
            **_quiet(BRIDGE),
            **_ORDERS,
            **_ENDS,
            **_stays(BRIDGE, Event.PROGRAM, Event.REFILL_AND_BRIDGE, Event.ADJUST),
            Event.REFILL: (RUNNING, BRIDGE),
            Event.BOLUS: (BOLUS,),
            Event.REQUEST: (BOLUS,),
            Event.STAGE_DONE: (RUNNING, BRIDGE),
        },
        refuses=_NO_BOLUS,
    ),
    BOLUS: Row(
        meaning="a bolus on top of program or bridge, bounded by volume",
        flow=Flow.BOLUS,
        leads={
            **_stays(BOLUS, Event.READ, Event.SETTING),
            **_ORDERS,
            **_ENDS,
            Event.PERMIT: (BOLUS, RUNNING, BRIDGE),
            Event.REFILL: _DELIVERING,
            Event.REFILL_AND_BRIDGE: (BRIDGE, MINIMUM_RATE),
            Event.CANCEL: _DELIVERING,
            Event.BOLUS_DONE: _DELIVERING,
            Event.CRITICAL_ALARM: _DELIVERING,
        },
        refuses=_refused(_BOLUS_REASON, Event.BOLUS, Event.REQUEST, Event.ADJUST),
    ),
    GUARD_STOP: Row(
        meaning="the guard refused a stroke: delivery that cannot be bounded",
        flow=Flow.NONE,
        leads={
            **_quiet(GUARD_STOP),
            **_ORDERS,
            **_stays(GUARD_STOP, Event.REFILL, Event.REFILL_AND_BRIDGE),
            Event.SERVICE_OVER: (END_OF_SERVICE,),
        },
        refuses={**_NO_BOLUS, **_refused(_GUARD_REASON, Event.BOLUS, Event.REQUEST, Event.ADJUST)},
        alarm=AlarmCondition.DELIVERY_GUARD,
    ),
    END_OF_SERVICE: Row(
        meaning="for good",
        flow=Flow.NONE,
        leads=_stays(END_OF_SERVICE, Event.READ, Event.SETTING, Event.CRITICAL_ALARM),
        refuses=_refused(
            _SERVICE_REASON,
            *_ORDERS,
            Event.REFILL,
            Event.REFILL_AND_BRIDGE,
            Event.BOLUS,
            Event.CANCEL,
            Event.PERMIT,
            Event.REQUEST,
            Event.ADJUST,
        ),
        alarm=AlarmCondition.END_OF_SERVICE,
    ),
}
