"""Triggers that keep entries from being changed or deleted, even by a hand on the database itself.

They let go only while a row stands in `record_openerasure`, which a lawful erasure puts there and takes
away within one transaction.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection

PROTECTED = (
    "record_trailentry",
    "record_sheet",
    "record_signature",
    "record_sealkey",
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


def protect(**_told: Any) -> None:
    """Put the triggers in place after each migration, which on SQLite makes tables anew and loses them."""
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))  # a migration may stop half way
        for statement in _made(connection.vendor, [table for table in PROTECTED if table in there]):
            cursor.execute(statement)


def _made(vendor: str, tables: Iterable[str]) -> Iterator[str]:
    if vendor == "postgresql":
        yield _FUNCTION
    for table in tables:
        for deed in ("update", "delete"):
            yield _trigger(vendor, table, deed)


def _trigger(vendor: str, table: str, deed: str) -> str:
    create = "CREATE OR REPLACE TRIGGER" if vendor == "postgresql" else "CREATE TRIGGER IF NOT EXISTS"
    head = f"{create} {table}_no_{deed} BEFORE {deed.upper()} ON {table} FOR EACH ROW"
    return head + (" EXECUTE FUNCTION record_refuse()" if vendor == "postgresql" else _ON_SQLITE)
