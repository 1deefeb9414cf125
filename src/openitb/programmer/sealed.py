"""A report as text that shows if it was changed: JSON with the SHA-256 of everything else in it.

It shows damage and careless editing. It is no signature: who can write a report can seal one.

Holds: PRG-20.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from openitb.programmer.entry import EntryError

FORMAT = "openitb session report 1"


def seal(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with its format and digest."""
    held = {"format": FORMAT, **content}
    return {**held, "digest": digest_of(held)}


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of everything but the digest itself."""
    rest = {key: value for key, value in content.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def unseal(text: str) -> dict[str, Any]:
    """The content of a report; `EntryError` for text that is none or was changed."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise EntryError(f"report: not JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise EntryError(f"report: got something else, expected {FORMAT!r}")
    if content.get("digest") != digest_of(content):
        raise EntryError("report: its digest does not match: the text was changed or cut short")
    return content


def dose_of_report(text: str) -> int | None:
    """The last effective dose a report tells of, pg/day; None if its pump gave none."""
    try:
        dose = unseal(text)["pump"]["last_effective_dose_pg_per_day"]
    except (KeyError, TypeError):
        raise EntryError("report: got no last dose of its pump, expected a whole report") from None
    if dose is not None and type(dose) is not int:
        raise EntryError(f"report: got a last dose of {dose!r}, expected a whole number of pg/day")
    return dose
