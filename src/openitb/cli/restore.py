"""`openitb restore`: a backup back into an empty home folder and database."""

import os
from pathlib import Path
from typing import Annotated

import typer

from openitb.cli import record
from openitb.cli.verify import told

File = Annotated[Path, typer.Argument(metavar="FILE.tar.gz", help="The backup to read.", show_default=False)]


def restore(file: File) -> None:
    """Put a backup into the empty folder OPENITB_HOME names, and into the empty database DATABASE_URL names.

    A backup of SQLite may go into PostgreSQL and the other way round. What is there is verified at the end.

    Example: OPENITB_HOME=restored openitb restore clinic-2026-11-20.tar.gz
    """
    from openitb.clinic.environment import home as home_folder
    from openitb.clinic.record import archive_files

    if not file.is_file():
        raise archive_files.ArchiveError(f"FILE: got {str(file)!r}, expected a backup that exists")
    os.umask(record.OTHERS_NOTHING)
    manifest = archive_files.unpack(file, home_folder())
    record.ready()
    from openitb.clinic.record.archive import load_rows

    verified = load_rows(file)
    told(verified)
    if verified.head != manifest["head"]:
        raise archive_files.ArchiveError("backup: its trail ends elsewhere, expected the same head")
