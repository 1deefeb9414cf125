"""`openitb backup`: the whole clinic in one file, while it runs or not."""

import os
from pathlib import Path
from typing import Annotated

import typer

from openitb.cli import record

File = Annotated[Path, typer.Argument(metavar="FILE.tar.gz", help="The backup to write.", show_default=False)]


def backup(file: File) -> None:
    """Write record, keys, implants and case files of OPENITB_HOME (and DATABASE_URL) to one file.

    The file holds patient data and keys: it is readable by its owner only, keep it so.

    Example: openitb backup clinic-2026-11-20.tar.gz
    """
    home = record.ready()
    from openitb.clinic.record.archive import back_up
    from openitb.clinic.record.archive_files import ArchiveError

    if not file.parent.is_dir() or not os.access(file.parent, os.W_OK):
        raise ArchiveError(f"FILE: cannot write {str(file)!r}, expected a folder that can be written to")
    kept = back_up(file, home)
    typer.echo(f"{kept.rows} rows and {kept.files} files in {file}; head {kept.head or 'none'}")
