"""Writing the trail: every deed is appended in the transaction that does it, chained to the one before.

The head is locked while an entry is written, so that there is one chain. Who acts is set once for a
request (`acting`); outside of one the clinic's own programs act, and nobody is named.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from openitb.clinic.record import plain
from openitb.clinic.record.models.sheets import Signature
from openitb.clinic.record.models.trail import Action, TrailEntry, TrailHead

_ACTOR: ContextVar[Any] = ContextVar("actor", default=None)


@dataclass(frozen=True, slots=True)
class Deed:
    """What goes on the trail: an action on a subject, perhaps of a patient, with what it changed."""

    action: Action
    subject: str
    patient_key: UUID | None = None
    reason: str = ""
    content: dict[str, Any] = field(default_factory=dict)


@contextmanager
def acting(user: Any) -> Iterator[None]:
    """Whatever is written within is done by this person."""
    token = _ACTOR.set(user)
    try:
        yield
    finally:
        _ACTOR.reset(token)


def actor() -> Any:
    """Who acts now, None for the clinic's own programs."""
    return _ACTOR.get()


def append(deed: Deed) -> TrailEntry:
    """Put a deed on the trail; it stands or falls with the transaction it is in."""
    with transaction.atomic():
        head, _ = TrailHead.objects.select_for_update().get_or_create(pk=1)
        entry = _entry(deed, head)
        entry.save(force_insert=True)
        head.number, head.digest = entry.number, entry.digest
        head.save()
    return entry


def added(row: models.Model, reason: str = "") -> TrailEntry:
    """A new row."""
    content = {"row": plain.row_digest(row), "after": plain.plain(row)}
    return append(Deed(_how(row), plain.subject(row), patient_key(row), reason, content))


def added_together(rows: list[Any]) -> TrailEntry | None:
    """Many new rows of one model as one entry."""
    if not rows:
        return None
    rows = sorted(rows, key=lambda row: row.pk)
    content = {
        "ranges": _ranges(row.pk for row in rows),
        "rows": plain.digest([plain.row_digest(row) for row in rows]),
    }
    keys = {patient_key(row) for row in rows}
    one = keys.pop() if len(keys) == 1 else None
    return append(Deed(Action.ADDED, f"{rows[0]._meta.label_lower}:*", one, "", content))


def changed(before: models.Model, after: models.Model, reason: str = "") -> TrailEntry:
    """A row that is otherwise now: only what differs is told."""
    old, new = plain.plain(before), plain.plain(after)
    differing = [name for name in new if old[name] != new[name]]
    content = {
        "was": plain.row_digest(before),
        "row": plain.row_digest(after),
        "before": {name: old[name] for name in differing},
        "after": {name: new[name] for name in differing},
    }
    return append(Deed(Action.CHANGED, plain.subject(after), patient_key(after), reason, content))


def patient_key(row: Any) -> UUID | None:
    """The patient a row belongs to, straight or by its system."""
    if row._meta.label_lower == "record.patient":
        return UUID(str(row.key))
    owner = getattr(row, "patient", None) or getattr(getattr(row, "system", None), "patient", None)
    return None if owner is None else UUID(str(owner.key))


def chained(entry: TrailEntry) -> str:
    """The digest an entry must have, from everything of it but its content, of which the digest stands in."""
    return plain.digest(
        [
            entry.number,
            entry.at.astimezone(UTC).isoformat(),
            entry.by_id,
            str(entry.action),
            str(entry.patient_key) if entry.patient_key else None,
            entry.subject,
            entry.reason,
            entry.content_digest,
            entry.previous,
        ]
    )


def _how(row: models.Model) -> Action:
    if isinstance(row, Signature):
        return Action.SIGNED
    return Action.CORRECTED if getattr(row, "supersedes_id", None) else Action.ADDED


def _entry(deed: Deed, head: TrailHead) -> TrailEntry:
    entry = TrailEntry(
        number=head.number + 1,
        at=_now(),
        by=actor(),
        action=deed.action,
        patient_key=deed.patient_key,
        subject=deed.subject,
        reason=deed.reason,
        content=deed.content,
        content_digest=plain.digest(deed.content),
        previous=head.digest,
    )
    entry.digest = chained(entry)
    return entry


def _now() -> datetime:
    """To the microsecond, as every database keeps it."""
    return timezone.now()


def _ranges(keys: Iterable[int]) -> list[list[int]]:
    """Sorted keys as runs from first to last."""
    ordered = list(keys)
    edges = [k + 1 for k, (one, next_one) in enumerate(pairwise(ordered)) if next_one != one + 1]
    starts, ends = [0, *edges], [*edges, len(ordered)]
    return [[ordered[a], ordered[b - 1]] for a, b in zip(starts, ends, strict=True)]
