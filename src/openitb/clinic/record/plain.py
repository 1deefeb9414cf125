"""Rows as plain values with one spelling, so that a digest of them means the same everywhere."""

import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models


def plain(row: models.Model) -> dict[str, Any]:
    """Every stored field of a row, its own key left out."""
    fields = (field for field in row._meta.concrete_fields if not field.primary_key)
    return {field.attname: value(field, getattr(row, field.attname)) for field in fields}


def value(field: Any, held: Any) -> Any:
    """What a field holds, as a plain value."""
    return spelled(field.to_python(held))


def digest(value: Any) -> str:
    """SHA-256 of the value's only spelling, in hexadecimal."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def row_digest(row: models.Model) -> str:
    """What a row is held to."""
    return digest([str(row.pk), plain(row)])


def subject(row: models.Model) -> str:
    """A row by name, such as `record.score:7`."""
    return f"{row._meta.label_lower}:{row.pk}"


def spelled(value: Any) -> Any:
    """A stored value as JSON holds it: instants in UTC, dates and keys as text."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case Decimal():
            return str(value.normalize() + 0)
        case _:
            return value
