"""Is the record what was written? The chain is followed, and every row held to the last word on it.

What is lawfully erased leaves a gap that says so; any other missing, changed or added row is a fault.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db import models

from openitb.clinic.record import plain, trail
from openitb.clinic.record.models import Action, Kept, TrailEntry, TrailHead


@dataclass(frozen=True, slots=True)
class Verified:
    """How much was looked at, the head it leads to, and each fault in a line."""

    entries: int
    rows: int
    erased: int
    head: str
    faults: tuple[str, ...]


@dataclass(slots=True)
class _Word:
    """The last word of the trail on rows: digests by subject, batches by model, what is gone."""

    rows: dict[str, str] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)  # what a row was when it was first changed
    batches: dict[str, list[tuple[list[list[int]], str, int]]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    erased: int = 0


def verify() -> Verified:
    """Look at the whole record; reads only."""
    word, faults = _Word(), []
    entries, head = 0, ""
    for entry in TrailEntry.objects.order_by("number").iterator(chunk_size=2000):
        entries += 1
        faults += [f"trail entry {entry.number}: {fault}" for fault in _broken(entry, entries, head)]
        head = entry.digest
        _take(word, entry)
    end = TrailHead.objects.first()
    if end and (end.number, end.digest) != (entries, head):
        faults.append(f"trail: ends at entry {entries}, expected {end.number}")
    rows = 0
    for model in _kept_models():
        count, found = _held(model, word)
        rows += count
        faults += found
    return Verified(entries, rows, word.erased, head, tuple(faults))


def _broken(entry: TrailEntry, number: int, previous: str) -> Iterator[str]:
    if entry.number != number:
        yield f"expected number {number}: entries are missing before it"
    if entry.previous != previous:
        yield "does not continue the entry before it"
    if entry.digest != trail.chained(entry):
        yield "was changed after it was written"
    if entry.content is not None and entry.content_digest != plain.digest(entry.content):
        yield "its content was changed after it was written"


def _take(word: _Word, entry: TrailEntry) -> None:
    content = entry.content
    if content is None:
        word.erased += 1
        return
    if entry.action == Action.ERASED:
        word.gone.update(content.get("subjects", ()))
        word.rows.update(content.get("rows", {}))
    if "ranges" in content:
        label = entry.subject.removesuffix(":*")
        word.batches.setdefault(label, []).append((content["ranges"], content["rows"], entry.number))
    elif "row" in content:
        if "was" in content:
            word.first.setdefault(entry.subject, content["was"])
        word.rows[entry.subject] = content["row"]


def _kept_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if issubclass(model, Kept)]


def _held(model: type[models.Model], word: _Word) -> tuple[int, list[str]]:
    """Hold a table's rows to the trail: how many there are, and the faults."""
    label = model._meta.label_lower
    digests = {row.pk: plain.row_digest(row) for row in model._base_manager.iterator(chunk_size=2000)}
    faults = []
    told: set[int] = set()
    for ranges, expected, number in word.batches.get(label, ()):
        keys = [key for first, last in ranges for key in range(first, last + 1)]
        told.update(keys)
        as_added = [word.first.get(f"{label}:{key}", digests.get(key, "")) for key in keys]
        lost = any(f"{label}:{key}" in word.gone for key in keys)
        if not lost and plain.digest(as_added) != expected:
            faults.append(f"{label}: rows added by trail entry {number} are not as they were written")
    for key, digest in digests.items():
        name = f"{label}:{key}"
        if name in word.rows and word.rows[name] != digest:
            faults.append(f"{name}: is not as it was last written")
        if name not in word.rows and key not in told:
            faults.append(f"{name}: is not on the trail")
    prefix = f"{label}:"
    named = {name for name in word.rows if name.startswith(prefix)} | {f"{label}:{key}" for key in told}
    there = {f"{label}:{key}" for key in digests}
    faults += [f"{name}: is missing" for name in sorted(named - there - word.gone)]
    return len(digests), faults
