"""A visit from a file: everything a person would say, decided beforehand.

    workflow = "refill and adjust"
    by = "dr-a"
    reason = "spasms at night"                 why soft limits are passed; left out: none are
    [answers]                                  as in the workflow, every number with its unit
    [retyped]                                  figures that look like a slip, once more
    [second]                                   by = "nurse-b"; entries are what they entered alone
    [afterwards]                               what is written down once the outcome is known

A script skips no check: it is refused where a person would be. Secrets are not in it.
"""

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openitb.programmer.draft import read_answer
from openitb.programmer.entry import EntryError
from openitb.programmer.outcomes import Unknown, Unreachable
from openitb.programmer.plan_rules import high_alert
from openitb.programmer.second import PROPOSES, VERIFIES, Approval, Person, SecondPersonError, Staff, sign
from openitb.programmer.station import Station
from openitb.programmer.visit import (
    Consent,
    Visit,
    answer,
    commit_visit,
    open_visit,
    proposal,
    required,
    review_visit,
    settle_visit,
    verify_blind,
)
from openitb.programmer.workflow import FILE_FIELDS, Workflow, workflow

Secrets = Callable[[str], str]

_KEYS = frozenset({"workflow", "by", "reason", "answers", "retyped", "second", "afterwards"})
_SECOND = frozenset({"by", "entries"})


@dataclass(frozen=True, slots=True)
class Script:
    """A visit decided beforehand."""

    workflow: str
    by: str
    reason: str = ""
    answers: Mapping[str, object] = field(default_factory=dict)
    retyped: Mapping[str, object] = field(default_factory=dict)
    second: str = ""
    entries: Mapping[str, object] = field(default_factory=dict)
    afterwards: Mapping[str, object] = field(default_factory=dict)


def parse_script(text: str, folder: Path | None = None) -> Script:
    """A script from its TOML text; `EntryError` for unknown or missing keys.

    Fields that take a file, such as the report of a pump that is replaced, name it relative to `folder`.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise EntryError(f"script: not TOML: {error}") from None
    second = _table(table, "second")
    _require_known("script", table, _KEYS)
    _require_known("script.second", second, _SECOND)
    return Script(
        workflow=_words(table, "workflow"),
        by=_words(table, "by"),
        reason=_words(table, "reason") if "reason" in table else "",
        answers=_with_files(_table(table, "answers"), folder or Path()),
        retyped=_table(table, "retyped"),
        second=_words(second, "by", "script.second") if second else "",
        entries=_table(second, "entries", "script.second"),
        afterwards=_table(table, "afterwards"),
    )


def run_script(script: Script, station: Station, secrets: Secrets) -> Visit | Unreachable:
    """Carry a script out; the outcome is in the visit.

    `secrets` gives a person's secret by their number, and is asked only where a signature is needed.
    Refuses with the error of the check that failed; then nothing was sent. What is written down after the
    commit is checked before the pump is read: a script that is wrong there must not end half way.
    """
    kind = workflow(script.workflow)
    require_fits(script, kind, required(kind, station.chart))
    visit = open_visit(station.wand, kind, station.chart, station.new_id(), station.sender(script.by))
    if isinstance(visit, Unreachable):
        return visit
    for key, given in script.answers.items():
        visit = answer(visit, key, given, station.clock())
    visit = review_visit(visit, station.clock())
    consent = _consent(visit, script, station, secrets)
    done = _committed(visit, consent, station, script.by)
    return _written_down(done, script, station)


def require_fits(script: Script, kind: Workflow, needed: tuple[str, ...]) -> None:
    """`EntryError` for a field that the workflow does not ask, or not there, one left out, or ill written."""
    before = tuple(key for key in kind.fields if key not in kind.afterwards)
    for where, given, fields in (
        ("answers", script.answers, before),
        ("retyped", script.retyped, before),
        ("second.entries", script.entries, before),
        ("afterwards", script.afterwards, kind.afterwards),
    ):
        _require_known(where, given, fields)
        for key, value in given.items():
            read_answer(key, value)
    for where, given, due in (
        ("answers", script.answers, needed),
        ("afterwards", script.afterwards, kind.afterwards),
    ):
        for key in due:
            if key not in given:
                raise EntryError(f"{where}.{key}: missing, expected {', '.join(due)}")


def _committed(visit: Visit, consent: Consent, station: Station, person_id: str) -> Visit:
    sender = station.sender(person_id)
    done = commit_visit(visit, consent, station.wand, sender, station.staff)
    return settle_visit(done, station.wand, sender) if isinstance(done.outcome, Unknown) else done


def _written_down(visit: Visit, script: Script, station: Station) -> Visit:
    """Observations belong to a visit that was committed; before that there is nothing to observe."""
    if not visit.is_committed:
        return visit
    for key, given in script.afterwards.items():
        visit = answer(visit, key, given, station.clock())
    return visit


def _consent(visit: Visit, script: Script, station: Station, secrets: Secrets) -> Consent:
    plan = visit.plan
    digest = "" if plan is None else plan.digest
    needed = plan is not None and high_alert(plan) and not visit.read_only
    approval = _approved(visit, script, station, secrets) if needed and script.second else None
    return Consent(digest, script.reason, script.retyped, approval)


def _approved(visit: Visit, script: Script, station: Station, secrets: Secrets) -> Approval:
    verify_blind(visit, script.entries)
    people = (known(station.staff, script.by), known(station.staff, script.second))
    sessions = (visit.session_id, station.new_id())
    acts = [
        proposal(visit, meaning, session, station.clock())
        for meaning, session in zip((PROPOSES, VERIFIES), sessions, strict=True)
    ]
    signed = (sign(person, secrets(person.person_id), act) for person, act in zip(people, acts, strict=True))
    return Approval(*signed)


def known(staff: Staff, person_id: str) -> Person:
    """Somebody on the staff list; `SecondPersonError` for a stranger."""
    person = staff.get(person_id)
    if person is None:
        raise SecondPersonError(f"second person: {person_id!r:.40} is not on the staff list")
    return person


def _with_files(answers: Mapping[str, object], folder: Path) -> Mapping[str, object]:
    named = {key: name for key, name in answers.items() if key in FILE_FIELDS and isinstance(name, str)}
    return {**answers, **{key: read_file(key, folder / name) for key, name in named.items()}}


def read_file(key: str, file: Path) -> str:
    """The text of a file that a field names; `EntryError` if it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise EntryError(f"{key}: {file.name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise EntryError(f"{key}: {file.name}: got other bytes, expected text") from None


def _require_known(where: str, given: Mapping[str, object], known: Collection[str]) -> None:
    for key in given:
        if key not in known:
            expected = ", ".join(known if isinstance(known, tuple) else sorted(known)) or "none"
            raise EntryError(f"{where}.{key}: got an unknown field, expected one of {expected}")


def _words(table: Mapping[str, Any], key: str, where: str = "script") -> str:
    if key not in table:
        raise EntryError(f"{where}.{key}: missing, expected text")
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise EntryError(f"{where}.{key}: got {value!r:.60}, expected text")
    return value


def _table(table: Mapping[str, Any], key: str, where: str = "script") -> Mapping[str, object]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise EntryError(f"{where}.{key}: got {value!r:.60}, expected a table")
    return value
