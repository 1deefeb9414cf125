"""A whole clinic in one file and back: the record as lines of JSON, and every file of its home folder.

The record is read in one transaction, so it is of one instant; the implants' files are read after it, so
that a pump may be ahead of the record, which a reading settles, and never behind it. Rows carry no trace of
the database they came from: a backup of SQLite restores into PostgreSQL and the other way round.
"""

import json
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core import serializers
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction

from openitb import __version__
from openitb.clinic.record.archive_files import (
    MANIFEST,
    OWNER_ONLY,
    ArchiveError,
    add,
    add_file,
    files_out,
    member,
)
from openitb.clinic.record.models import OpenErasure, TrailHead
from openitb.clinic.record.verification import Verified, verify

ROWS = "record"
_NOT_KEPT = {
    "sessions",
    "usersessions",
    "contenttypes",
    "auth",
    "admin",
}  # made anew by the migration, or short-lived
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Kept:
    """What a backup holds, and the head of the trail at its instant."""

    rows: int
    files: int
    head: str


class _Exact(DjangoJSONEncoder):
    """Instants to the microsecond; Django's own keeps milliseconds."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def back_up(to: Path, home: Path) -> Kept:
    """Write the clinic to `to` (.tar.gz); refuses a file that is there already with `ArchiveError`."""
    if to.exists():
        raise ArchiveError(f"backup: {to.name} is there already, expected a new name")
    digests: dict[str, str] = {}
    partial = to.with_name(to.name + ".partial")
    with tarfile.open(partial, "w:gz", compresslevel=6) as tar:
        rows, head = _rows_out(tar, digests)
        files = files_out(tar, home, to.resolve(), digests)
        told = {"openitb": __version__, "head": head, "rows": rows, "digests": digests}
        add(tar, MANIFEST, json.dumps(told, indent=1).encode())
    partial.chmod(OWNER_ONLY)
    partial.rename(to)
    return Kept(rows, files, head)


def load_rows(archive: Path) -> Verified:
    """Fill an empty, migrated database with the rows of a backup, and verify what is there then."""
    with transaction.atomic(), tarfile.open(archive) as tar:
        for model in kept_models():
            if _all(model).exists():
                raise ArchiveError(
                    f"database: holds {model._meta.verbose_name_plural}, expected an empty one"
                )
            _rows_in(model, member(tar, _name(model)).decode().splitlines())
        _renumber()
    return verify()


def kept_models() -> list[type[models.Model]]:
    """The tables of a backup, each after those it points to."""
    chosen = [config for config in apps.get_app_configs() if config.label not in _NOT_KEPT]
    listed = [(config, [m for m in config.get_models() if m is not OpenErasure]) for config in chosen]
    return list(serializers.sort_dependencies(listed, allow_cycles=True))


def _rows_out(tar: tarfile.TarFile, digests: dict[str, str]) -> tuple[int, str]:
    count, is_first = 0, not connection.in_atomic_block
    with transaction.atomic():
        if is_first:
            _hold_still()
        for model in kept_models():
            with tempfile.TemporaryFile() as file:
                count += _write(model, file)
                add_file(tar, _name(model), file, digests)
        head = TrailHead.objects.first()
    return count, head.digest if head else ""


def _hold_still() -> None:
    """One instant for all tables; on SQLite a transaction is that already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _all(model: type[models.Model]) -> "models.QuerySet[Any]":
    """Every row, past the trail: it is restored as it was."""
    rows: models.QuerySet[Any] = models.QuerySet(model)
    return rows


def _write(model: type[models.Model], file: Any) -> int:
    count = 0
    for row in _all(model).order_by("pk").iterator(chunk_size=_AT_ONCE):
        file.write(serializers.serialize("jsonl", [row], cls=_Exact, ensure_ascii=False).encode())
        count += 1
    return count


def _rows_in(model: type[models.Model], lines: Iterable[str]) -> None:
    batch: list[models.Model] = []
    for one in serializers.deserialize("jsonl", "\n".join(lines)):
        batch.append(one.object)
        if len(batch) == _AT_ONCE:
            _all(model).bulk_create(batch)
            batch = []
    _all(model).bulk_create(batch)


def _renumber() -> None:
    """New rows are numbered after the restored ones."""
    statements = connection.ops.sequence_reset_sql(no_style(), kept_models())
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _name(model: type[models.Model]) -> str:
    return f"{ROWS}/{model._meta.label_lower}.jsonl"
