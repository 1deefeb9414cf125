"""Very many new rows at once, as plain values: the trail holds them as it holds any other.

For imports and made-up clinics, where a model object for each row would take most of the time. Values are
those of `plain`: instants as ISO text in UTC, days as ISO text, keys as text.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, models, transaction

from openitb.clinic.record import plain, trail
from openitb.clinic.record.models import Action

PlainRow = Mapping[str, Any]
_Convert = Callable[[Any], Any]


def add(model: type[models.Model], rows: Sequence[PlainRow]) -> list[int]:
    """Insert rows of one model in order; gives their keys. Columns left out take the model's defaults.

    Constraints are the database's own, so a row that cannot be raises `IntegrityError` for all of them.
    """
    if not rows:
        return []
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    whole = [_whole(fields, row) for row in rows]
    with transaction.atomic():
        keys = _keys(model, len(rows))
        _insert(model, fields, zip(keys, whole, strict=True))
        digests = [plain.digest([str(key), row]) for key, row in zip(keys, whole, strict=True)]
        content = {"ranges": [[keys[0], keys[-1]]], "rows": plain.digest(digests)}
        trail.append(trail.Deed(Action.ADDED, f"{model._meta.label_lower}:*", content=content))
    return keys


def _whole(fields: Sequence[Any], row: PlainRow) -> dict[str, Any]:
    """A row with every column; a name that is none is a mistake of ours."""
    known = {field.attname for field in fields}
    assert known.issuperset(row), sorted(set(row) - known)  # noqa: S101
    return {
        field.attname: row[field.attname] if field.attname in row else plain.value(field, field.get_default())
        for field in fields
    }


def _keys(model: type[models.Model], count: int) -> list[int]:
    """The next keys, in one run: nobody else adds rows of this model while they are taken."""
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}")  # noqa: S608 - a name of our own
        first = cursor.fetchone()[0] + 1
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT GREATEST(%s, nextval(pg_get_serial_sequence(%s, 'id')))",
                [first, model._meta.db_table],
            )
            first = cursor.fetchone()[0]
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)",
                [model._meta.db_table, first + count - 1],
            )
    return list(range(first, first + count))


def _insert(
    model: type[models.Model], fields: Sequence[Any], rows: Iterable[tuple[int, dict[str, Any]]]
) -> None:
    names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    converts = [(field.attname, _converter(field)) for field in fields]
    lines = ([key, *(convert(row[name]) for name, convert in converts)] for key, row in rows)
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} (id, {names}) FROM STDIN") as copy:
                for line in lines:
                    copy.write_row(line)
        else:
            marks = ", ".join(["%s"] * (len(fields) + 1))
            # Names are our own.
            cursor.executemany(f"INSERT INTO {table} (id, {names}) VALUES ({marks})", list(lines))  # noqa: S608


def _converter(field: Any) -> _Convert:
    """Plain value to what the database takes."""
    kind = field.get_internal_type()
    if kind == "JSONField":
        return lambda value: None if value is None else json.dumps(value)
    if connection.vendor == "postgresql":
        return _as_it_is
    return _FOR_SQLITE.get(kind, _as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


def _sqlite_moment(value: str | None) -> str | None:
    return None if value is None else value.replace("T", " ").removesuffix("+00:00")


def _sqlite_uuid(value: str | None) -> str | None:
    return None if value is None else value.replace("-", "")


def _sqlite_flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


_FOR_SQLITE: Mapping[str, _Convert] = {
    "DateTimeField": _sqlite_moment,
    "UUIDField": _sqlite_uuid,
    "BooleanField": _sqlite_flag,
}
