"""Workflows as data: ordered steps, each with what it says and what it asks.

The table is `workflows.toml` beside this file; reading it checks every reference, so a workflow that
names an unknown step or field does not load.

Holds: RES-11, ALM-03.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from openitb.programmer.actions import TONES
from openitb.programmer.entry import INTERVAL_FIELDS, NUMBER_FIELDS, EntryError
from openitb.protocol import OverdoseSign, Role

READ, IDENTITY, REVIEW, SECOND, COMMIT, READ_BACK = (
    "read",
    "identity",
    "review",
    "second",
    "commit",
    "read-back",
)
PATIENT = "patient_id"
SOUND, SOUND_HEARD, SOUND_NOT_HEARD, SOUND_UNKNOWN = "sound", "heard", "not heard", "unknown"
WITHDRAWN = "withdrawn"
NO_ADJUSTMENT = "adjustment_withdrawn"
COMPARED = "compared"
OLD_REPORT, BEFORE_REPORT, LIBRARY_FILE = "old_report", "before_report", "library_file"
ENDING = (REVIEW, COMMIT, READ_BACK)
TEXT_FIELDS: Mapping[str, str] = {
    PATIENT: "Patient number, as the patient says it",
    OLD_REPORT: "Session report of the old pump, a file",
    "product": "Product, by its code",
    "lot": "Lot on the package",
    "expiry": "Last day of use on the package",
    "pocket_check": "Swelling, or pain at the pump, and what was drawn back to be sure",
    "catheter_check": "Catheter: tone up or down, itching, pain or swelling along it",
    "observation": "Observed, by whom and for how long",
    "magnet_plan": "Who reads the pump after the magnet, and when",
    BEFORE_REPORT: "Session report from before the magnet, a file",
    WITHDRAWN: "Why the patient may ask for no bolus any longer",
    NO_ADJUSTMENT: "Why the patient may move the dose no longer",
    COMPARED: "Who compared what runs with what was meant",
    "tones_known": "What the patient said of the tone",
    "attest_name": "Who attests the overdose, by name",
    "attest_place": "Where",
    "key": "Key, 16 hexadecimal digits",
    LIBRARY_FILE: "Signed drug library, a file",
}
FILE_FIELDS = frozenset({OLD_REPORT, BEFORE_REPORT, LIBRARY_FILE})  # asked as a name, kept as the content
Choices = Mapping[str, tuple[str, tuple[str, ...]]]  # by field: its label, and what may be chosen

CHOICE_FIELDS: Choices = {
    "tone": ("Tone", tuple(TONES)),
    "heard": ("Did the patient hear it", ("yes", "no")),
    SOUND: ("Was a tone of this pump tried, and heard", (SOUND_HEARD, SOUND_NOT_HEARD, SOUND_UNKNOWN)),
}
SEVERAL_FIELDS: Choices = {
    "attest_signs": ("Signs of overdose seen", tuple(sign.value for sign in OverdoseSign)),
}
ORDER_FIELDS: Mapping[str, str] = {
    "order": "Order",
    "stop_order": "Minimum rate or stopped",
}
ZONE_FIELDS: Mapping[str, str] = {"zone": "Pump clock ahead of UTC"}
HINTS: Mapping[str, str] = {"expiry": "2027-03-31", "zone": "+01:00"}
CHOSEN: Choices = {**CHOICE_FIELDS, **SEVERAL_FIELDS}
_KINDS = (
    NUMBER_FIELDS,
    INTERVAL_FIELDS,
    TEXT_FIELDS,
    ORDER_FIELDS,
    ZONE_FIELDS,
    CHOSEN,
)
FIELDS = frozenset(key for kind in _KINDS for key in kind)
NOTES = frozenset(  # written down, and nothing is sent for them
    {
        PATIENT,
        OLD_REPORT,
        BEFORE_REPORT,
        "observation",
        "pocket_check",
        "catheter_check",
        "product",
        "lot",
        "expiry",
        "magnet_plan",
        "tones_known",
        "heard",
        SOUND,
        "drawn_volume",
    }
)
CHANGING = FIELDS - NOTES


def prompt(key: str) -> str:
    """The label of a field of words with how it is written, as it is asked."""
    label = {**TEXT_FIELDS, **ZONE_FIELDS}[key]
    return f"{label}, such as {HINTS[key]}" if key in HINTS else label


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a visit: what it says to the person, what must be answered and what may be."""

    step_id: str
    title: str
    says: str
    asks: tuple[str, ...] = ()
    may_ask: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field of the step."""
        return (*self.asks, *self.may_ask)


@dataclass(frozen=True, slots=True)
class Workflow:
    """A kind of visit; `roles` are those whose key may be used for it."""

    workflow_id: str
    title: str
    purpose: str
    steps: tuple[Step, ...]
    roles: tuple[Role, ...] = (Role.CLINICIAN,)

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field any step asks, in order."""
        return tuple(name for step in self.steps for name in step.fields)

    @property
    def required(self) -> tuple[str, ...]:
        """The fields without which there is no review; what follows the review is asked later."""
        return tuple(name for step in self._before_review for name in step.asks)

    @property
    def afterwards(self) -> tuple[str, ...]:
        """The fields that are asked once the outcome is known."""
        return tuple(name for step in self.steps[len(self._before_review) :] for name in step.fields)

    @property
    def may_change(self) -> bool:
        """False for a workflow that only looks."""
        return bool(CHANGING & set(self.fields))

    @property
    def has_new_pump(self) -> bool:
        """True where a pump is filled that nobody draws empty before: it has just come out of its box."""
        return "injected_volume" in self.fields and "drawn_volume" not in self.fields

    @property
    def has_second_person(self) -> bool:
        """True where a high-alert change waits for a second person."""
        return any(step.step_id == SECOND for step in self.steps)

    @property
    def _before_review(self) -> tuple[Step, ...]:
        at = [step.step_id for step in self.steps].index(REVIEW)
        return self.steps[:at]


def workflow(name: str) -> Workflow:
    """The workflow of that id or title; `EntryError` names the known ones."""
    known = workflows()
    plain = name.strip().lower().replace(" ", "-")
    by_title = {made.title.lower(): made for made in known.values()}
    found = known.get(plain) or by_title.get(name.strip().lower())
    if found is None:
        raise EntryError(f"workflow: got {name!r}, expected one of {', '.join(known)}")
    return found


@lru_cache(maxsize=1)
def workflows() -> Mapping[str, Workflow]:
    """Every workflow by id, in reading order."""
    text = (files("openitb.programmer") / "workflows.toml").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> Mapping[str, Workflow]:
    """The workflows of a table; `EntryError` for unknown steps, fields or keys."""
    table = tomllib.loads(text)
    steps = {name: _step(name, given) for name, given in table["step"].items()}
    return {name: _workflow(name, given, steps) for name, given in table["workflow"].items()}


def _step(name: str, given: Mapping[str, Any]) -> Step:
    asks, may_ask = tuple(given.get("asks", ())), tuple(given.get("may_ask", ()))
    _require_known(f"step.{name}", {*given} - {"title", "says", "asks", "may_ask"}, "key")
    _require_known(f"step.{name}", {*asks, *may_ask} - FIELDS, "field")
    return Step(name, given["title"], given["says"], asks, may_ask)


def _workflow(name: str, given: Mapping[str, Any], steps: Mapping[str, Step]) -> Workflow:
    _require_known(f"workflow.{name}", {*given} - {"title", "purpose", "steps", "roles"}, "key")
    _require_known(f"workflow.{name}", set(given["steps"]) - set(steps), "step")
    roles = given.get("roles", [Role.CLINICIAN.value])
    _require_known(f"workflow.{name}", set(roles) - {role.value for role in Role}, "role")
    taken = tuple(steps[step] for step in given["steps"])
    return Workflow(name, given["title"], given["purpose"], taken, tuple(map(Role, roles)))


def _require_known(where: str, unknown: set[str], what: str) -> None:
    if unknown:
        raise EntryError(f"{where}: got unknown {what} {min(unknown)!r}")
