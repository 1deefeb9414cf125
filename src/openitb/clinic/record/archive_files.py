"""The files of a backup: one tar with a manifest of digests, into and out of a home folder."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MANIFEST, FILES = "manifest.json", "home"
OWNER_ONLY = 0o600
_RUNNING = {"address", "lock", ".lock"}  # hold only while a process runs


class ArchiveError(ValueError):
    """A backup cannot be made or put back; one line for a person."""


def unpack(archive: Path, home: Path) -> dict[str, Any]:
    """Put a backup's files into an empty home folder and hold each to its digest; gives the manifest.

    Raises `ArchiveError` for a home that is not empty and for an archive that is damaged or none.
    """
    if home.exists() and any(home.iterdir()):
        raise ArchiveError(f"OPENITB_HOME: {str(home)!r} is not empty, expected an empty folder")
    try:
        with tarfile.open(archive) as tar:
            told = json.loads(member(tar, MANIFEST))
            _check(tar, told["digests"])
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            _files_in(tar, home)
    except (tarfile.TarError, KeyError, EOFError, json.JSONDecodeError, OSError) as fault:
        why = str(fault).partition("\n")[0]
        raise ArchiveError(f"backup: {archive.name}: cannot be read ({why}), expected one") from fault
    return dict(told)


def files_out(tar: tarfile.TarFile, home: Path, archive: Path, digests: dict[str, str]) -> int:
    """Put a home folder's files into a backup, `archive` itself left out; gives how many."""
    count = 0
    for path in _files(home):
        if path.resolve() in (archive, archive.with_name(archive.name + ".partial")):
            continue
        with path.open("rb") as file:
            add_file(tar, f"{FILES}/{path.relative_to(home)}", file, digests)
        count += 1
    return count


def _files(home: Path) -> Iterator[Path]:
    """Everything but the database, locks and addresses that hold only while a process runs."""
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.name.startswith("clinic.sqlite3") and path.name not in _RUNNING:
            yield path


def _files_in(tar: tarfile.TarFile, home: Path) -> None:
    for member in tar.getmembers():
        if member.name.startswith(f"{FILES}/"):
            member.name = member.name.removeprefix(f"{FILES}/")
            tar.extract(member, home, filter="data")
            (home / member.name).chmod(OWNER_ONLY)


def _check(tar: tarfile.TarFile, digests: dict[str, str]) -> None:
    found = {member.name for member in tar.getmembers() if member.isfile()} - {MANIFEST}
    if found != set(digests):
        raise ArchiveError("backup: its files are not those it lists, expected a whole one")
    for name, expected in digests.items():
        if hashlib.sha256(member(tar, name)).hexdigest() != expected:
            raise ArchiveError(f"backup: {name} is not what was written, expected a whole one")


def member(tar: tarfile.TarFile, name: str) -> bytes:
    """The content of one file of a backup; `KeyError` if it is not there."""
    file = tar.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()


def add_file(tar: tarfile.TarFile, name: str, file: Any, digests: dict[str, str]) -> None:
    """Put a file into a backup and its digest into the manifest."""
    file.seek(0)
    content = file.read()
    digests[name] = hashlib.sha256(content).hexdigest()
    add(tar, name, content)


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Put bytes into a backup under a name, readable by the owner alone."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), OWNER_ONLY
    tar.addfile(member, io.BytesIO(content))
