"""Triggers that keep entries from being changed or deleted, even by a hand on the database itself.

They let go only while a row stands in `record_openerasure`, which a lawful erasure puts there and takes
away within one transaction.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

PROTECTED = (
    "record_trailentry",
    "record_sheet",
    "record_signature",
    "record_score",
    "record_encounter",
    "record_complaint",
    "record_refillrecord",
    "record_trialbolus",
    "record_interrogation",
    "record_alarm",
)
_FUNCTION = """
    CREATE OR REPLACE FUNCTION record_refuse() RETURNS trigger AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM record_openerasure) THEN
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'entries of the record are not rewritten';
    END $$ LANGUAGE plpgsql
"""
_ON_SQLITE = """
    WHEN NOT EXISTS (SELECT 1 FROM record_openerasure)
    BEGIN SELECT RAISE(ABORT, 'entries of the record are not rewritten'); END
"""


def protect(_apps: Any, schema_editor: Any) -> None:
    """Migration step: put the triggers in place."""
    for statement in _made(schema_editor.connection.vendor, PROTECTED):
        schema_editor.execute(statement)


def protecting(*tables: str) -> Callable[[Any, Any], None]:
    """Migration step: put the triggers in place on tables that came later, or were altered."""

    def protect_these(_apps: Any, schema_editor: Any) -> None:
        vendor = schema_editor.connection.vendor
        for statement in (*_dropped(vendor, tables), *_made(vendor, tables)):
            schema_editor.execute(statement)

    return protect_these


def unprotect(_apps: Any, schema_editor: Any) -> None:
    """Migration step: take the triggers away again."""
    for statement in _dropped(schema_editor.connection.vendor, PROTECTED):
        schema_editor.execute(statement)


def _dropped(vendor: str, tables: Iterable[str]) -> Iterator[str]:
    for table in tables:
        for deed in ("update", "delete"):
            on = f" ON {table}" if vendor == "postgresql" else ""
            yield f"DROP TRIGGER IF EXISTS {table}_no_{deed}{on}"


def _made(vendor: str, tables: Iterable[str]) -> Iterator[str]:
    if vendor == "postgresql":
        yield _FUNCTION
    for table in tables:
        for deed in ("update", "delete"):
            yield _trigger(vendor, table, deed)


def _trigger(vendor: str, table: str, deed: str) -> str:
    head = f"CREATE TRIGGER {table}_no_{deed} BEFORE {deed.upper()} ON {table} FOR EACH ROW"
    return head + (" EXECUTE FUNCTION record_refuse()" if vendor == "postgresql" else _ON_SQLITE)
