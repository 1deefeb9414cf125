"""What a visit has found that a person has to be told once it is over, and what to do about it.

Holds: ALM-12, ALM-03.
"""

from collections.abc import Iterator

from openitb.programmer.actions import Silence
from openitb.programmer.magnet import Scan, after_magnet, before_of_report
from openitb.programmer.outcomes import Applied
from openitb.programmer.visit import Visit, last_reading
from openitb.programmer.workflow import BEFORE_REPORT, SOUND, SOUND_NOT_HEARD

HEARD, NOT_HEARD = "heard", "no"


def advice(visit: Visit) -> tuple[str, ...]:
    """Lines for a person, for the screen and the report; empty where there is nothing to say."""
    return (*_magnet(visit), *_before_magnet(visit), *_sounder(visit), *_silence(visit))


def _magnet(visit: Visit) -> Iterator[str]:
    if visit.workflow.workflow_id != "mri-after" or not visit.is_committed:
        return
    if not isinstance(visit.outcome, Applied):
        yield "THE SECOND READING IS MISSING: whether the pump recovered is not known. Read it again."
        return
    report = visit.answers.get(BEFORE_REPORT)
    before = before_of_report(report) if isinstance(report, str) else None
    yield from after_magnet(Scan(visit.reading, last_reading(visit), before))


def _before_magnet(visit: Visit) -> Iterator[str]:
    alarms = last_reading(visit).interrogation.alarms
    if visit.workflow.workflow_id == "mri-before" and alarms:
        yield (
            f"AN ALARM IS LATCHED ({', '.join(alarm.condition.value for alarm in alarms)}): a pump that "
            "sounds in the magnet can stay stopped until it is read. Clear its cause first, or "
            "read it right after."
        )


def _sounder(visit: Visit) -> Iterator[str]:
    """A sounder that nobody hears is told on this path; alarms reach programmer and handheld besides."""
    if visit.answers.get(HEARD) == NOT_HEARD or visit.answers.get(SOUND) == SOUND_NOT_HEARD:
        yield (
            "THE TONE WAS NOT HEARD: this patient cannot rely on the pump's sound. Try again in a quiet "
            "room; then take the sounder as failed."
        )
        yield (
            "Alarms show on the handheld and at every reading all the same: have the handheld read daily, "
            "name somebody who listens, and see the patient before the low-reservoir date."
        )


def _silence(visit: Visit) -> Iterator[str]:
    critical = any(alarm.critical for alarm in last_reading(visit).interrogation.alarms)
    action = None if visit.plan is None else visit.plan.draft.action
    if isinstance(visit.outcome, Applied) and critical and isinstance(action, Silence):
        yield "A critical alarm sounds again now that the contact has ended; its cause is untouched."
