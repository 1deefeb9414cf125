"""The report as JSON, and as lines for a screen."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from textwrap import TextWrapper
from typing import Any

from openitb import units
from openitb.programmer.report.content import shown_amounts

DEMO = "DEMO: an exercise, no patient and no pump"

_PROPOSED = "Proposed, old to new; not sent"
_CHANGES = {
    "applied": "Changed, old to new",
    "partly": "Proposed, old to new; changed in part",
    "refused": "Proposed, old to new; not changed",
    "unknown": "Proposed, old to new; unknown whether changed",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LABEL, _VALUE = 32, 66  # characters; a digest stays in one piece
_FOLDED, _WIDE = (
    TextWrapper(width, break_long_words=False, break_on_hyphens=False) for width in (_LABEL, _VALUE)
)


def to_json(report: Mapping[str, Any]) -> str:
    """The report as JSON with its digest; the same report gives the same text."""
    return json.dumps(report, sort_keys=True, ensure_ascii=False, indent=2) + "\n"


def to_text(report: Mapping[str, Any]) -> str:
    """The report as lines."""
    lines = [report["visit"]["title"], *([DEMO] if report["demo"] else [])]
    for title, rows in sections(report):
        lines += ["", title, *(line for row in rows for line in _laid_out(*row))]
    return "\n".join(lines) + "\n"


def sections(report: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The parts of a report in order: a title and its labelled lines; empty parts are left out."""
    parts = (
        ("Visit", _visit(report)),
        ("Outcome", [(report["outcome"]["kind"], report["outcome"]["text"])]),
        ("What to know and do", [(str(at), line) for at, line in enumerate(report["advice"], start=1)]),
        (_CHANGES.get(report["outcome"]["kind"], _PROPOSED), changes(report)),
        ("Pump as read back", shown_amounts(report["pump"])),
        (
            "Limits",
            [(found["level"], f"{found['field']}: {found['message']}") for found in report["findings"]],
        ),
        (
            "Overridden",
            [(found["rule"], f"{found['reason']} ({found['by']})") for found in report["overrides"]],
        ),
        ("Second person", _second(report)),
        ("Fill", _fill(report)),
        ("Observed", list(report["observations"].items())),
        ("Pump log of this visit", [_entry(entry) for entry in report["log"]]),
        ("Seal", [("Digest of this report", report["digest"]), ("Judged by", report["limits"]["line"])]),
    )
    return ((title, rows) for title, rows in parts if rows)


def changes(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every row of the review that changes."""
    rows = (row for row in report["comparison"] if row["changed"])
    return [(row["label"], f"{row['old']} -> {row['new']}" if row["old"] else row["new"]) for row in rows]


def instant(at_ms: int, zone_offset_ms: int = 0) -> str:
    """An instant as `2026-01-05 08:00:00 UTC`, or on a clock ahead of it, without the zone's name."""
    shown = f"{_EPOCH + timedelta(milliseconds=at_ms + zone_offset_ms):%Y-%m-%d %H:%M:%S}"
    return shown if zone_offset_ms else f"{shown} UTC"


def _laid_out(label: str, value: str) -> Iterator[str]:
    """Label and value side by side, each folded within its own column."""
    columns = (_FOLDED.wrap(label), _WIDE.wrap(value))
    for left, right in zip_longest(*columns, fillvalue=""):
        yield f"  {left:<{_LABEL}}  {right}".rstrip()


def _fill(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Drawn beside expected, what went in, and from which package."""
    fill = report["refill"]
    if not fill:
        return []
    drawn = "not measured" if fill["drawn_nl"] is None else units.format_volume(fill["drawn_nl"])
    return [
        ("Drawn", f"{drawn}, expected {units.format_volume(fill['expected_nl'])}"),
        ("Injected", units.format_volume(fill["injected_nl"])),
        ("Package", f"{fill['product']}, lot {fill['lot']}, until {fill['expires']}"),
    ]


def _visit(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    visit, pump = report["visit"], report["pump"]
    rows = [
        ("Patient", _patient(report["patient"])),
        ("Pump", f"{pump['serial']}, {pump['model']}"),
        ("By", visit["by"]),
        ("Report made", instant(visit["made_at_ms"])),
        ("Pump read", instant(pump["received_at_ms"])),
        ("Pump clock", instant(pump["pump_clock_ms"], pump["zone_offset_ms"])),
    ]
    return [*rows, *(("Read only", why) for why in visit["read_only"])]


def _patient(patient: Mapping[str, Any]) -> str:
    known = patient["id"] or "number not known"
    return known if patient.get("on_record", True) else f"{known}, not on record here"


def _second(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    needed, approval = report["second_person"]["needed_for"], report["second_person"]["approval"]
    rows = [("Needed for", ", ".join(needed))] if needed else []
    if approval is not None:
        signed = (approval["proposed"], approval["verified"])
        rows += [(f"{one['by']} {one['meaning']}", instant(one["at_ms"])) for one in signed]
    return rows


def _entry(entry: Mapping[str, Any]) -> tuple[str, str]:
    detail = f": {entry['text']}" if entry["text"] else ""
    return f"{entry['number']}  {instant(entry['at_ms'])}", f"{entry['kind']}{detail}, by {entry['by']}"
