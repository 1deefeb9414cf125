"""The state table as a page for people: `python -m openitb.implant.state_page > docs/states.md`."""

import sys
from collections.abc import Iterator

from openitb.implant.firmware.alarms import CRITICAL
from openitb.implant.firmware.table import OVERLAYS, TABLE, Event
from openitb.protocol import AlarmCondition, PumpState

_BEGINNING = """# States of the implant

Written from the state table that the firmware runs on (`src/openitb/implant/firmware/table.py`). A test
brings a pump into every state and tries every event. `stays` keeps the state, `refused` is explained
below, an empty cell cannot occur.
"""


def page() -> str:
    """The whole page as Markdown."""
    return (
        "\n".join((_BEGINNING, *_states(), "", "## What may happen", "", *_events(), "", *_refusals())) + "\n"
    )


def _states() -> Iterator[str]:
    yield "| state | what it is | what the motor is asked for | sounds there |"
    yield "| --- | --- | --- | --- |"
    for state, row in TABLE.items():
        yield f"| `{state.value}` | {row.meaning} | {row.flow.value} | {_sound(row.alarm)} |"
    for state, overlay in OVERLAYS.items():
        sound = _sound(overlay.alarm)
        yield f"| `{state.value}`, shown over another | {overlay.meaning} | as that one | {sound} |"


def _sound(alarm: AlarmCondition | None) -> str:
    if alarm is None:
        return ""
    return f"{alarm.value}{', critical' if alarm in CRITICAL else ''}"


def _events() -> Iterator[str]:
    yield f"| event | {' | '.join(f'`{state.value}`' for state in TABLE)} |"
    yield f"| --- |{' --- |' * len(TABLE)}"
    for event in Event:
        yield f"| {event.value} | {' | '.join(_cell(state, event) for state in TABLE)} |"


def _cell(state: PumpState, event: Event) -> str:
    row = TABLE[state]
    if event in row.refuses:
        return "refused"
    leads = row.leads.get(event, ())
    return "stays" if leads == (state,) else " or ".join(to.value for to in leads)


def _refusals() -> Iterator[str]:
    yield "## Why an event is refused"
    yield ""
    yield "| state | events | reason |"
    yield "| --- | --- | --- |"
    for state, row in TABLE.items():
        for reason in dict.fromkeys(row.refuses.values()):
            events = (event.value for event, given in row.refuses.items() if given == reason)
            yield f"| `{state.value}` | {', '.join(events)} | {reason} |"


if __name__ == "__main__":
    sys.stdout.write(page())
