"""The folder of a study's results: which study it holds, and the blocks that are done.

A block is done when its file is there; files come by renaming, so that a kill leaves a whole file or none.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from openitb import __version__
from openitb.cohort.study.design import Study
from openitb.cohort.study.errors import StudyError
from openitb.cohort.study.results import as_parquet

MANIFEST, BLOCKS = "study.json", "blocks"
PEOPLE, VISITS = "people.parquet", "visits.parquet"


@dataclass(frozen=True, slots=True)
class Task:
    """One block of one arm: the numbers of its people."""

    arm: int
    block: int
    first: int
    end: int

    @property
    def name(self) -> str:
        """Of its files."""
        return f"arm{self.arm:02d}-block{self.block:05d}"


@dataclass(frozen=True, slots=True)
class Store:
    """A folder that holds one study."""

    folder: Path

    def is_done(self, task: Task) -> bool:
        """Is this block written?"""
        return self._people(task).exists()

    def write(self, task: Task, people: bytes, visits: bytes) -> None:
        """Keep a block; the people come last and say that it is done."""
        _replace(self._visits(task), visits)
        _replace(self._people(task), people)

    def joined(self, tasks: tuple[Task, ...]) -> pl.DataFrame:
        """Everybody, in order of arm and number; the whole tables are written beside the blocks."""
        people = pl.concat([pl.read_parquet(self._people(task)) for task in tasks])
        visits = pl.concat([pl.read_parquet(self._visits(task)) for task in tasks])
        _replace(self.folder / PEOPLE, as_parquet(people))
        _replace(self.folder / VISITS, as_parquet(visits))
        return people

    def _people(self, task: Task) -> Path:
        return self.folder / BLOCKS / f"{task.name}.people.parquet"

    def _visits(self, task: Task) -> Path:
        return self.folder / BLOCKS / f"{task.name}.visits.parquet"


def opened(folder: Path, study: Study) -> Store:
    """The folder for a study, made or taken up again.

    `StudyError` for one that holds another study, or this one as it was before, or something else;
    `OSError` for one that cannot be written.
    """
    manifest = folder / MANIFEST
    if manifest.exists():
        _check_same(manifest, study)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StudyError(f"--out: {str(folder)!r} holds something else, expected an empty folder or none")
    (folder / BLOCKS).mkdir(parents=True, exist_ok=True)
    form = {"digest": study.digest, "openitb": __version__, "title": study.title, "tables": study.tables}
    _replace(manifest, json.dumps(form, indent=2, default=str, ensure_ascii=False).encode())
    return Store(folder)


def _check_same(manifest: Path, study: Study) -> None:
    try:
        digest = json.loads(manifest.read_text(encoding="utf-8"))["digest"]
    except (ValueError, KeyError, TypeError):
        raise StudyError(f"--out: {str(manifest)!r} is damaged, expected a study's own") from None
    if digest != study.digest:
        told = "holds another study, or this one before it or OpenITB was changed; expected another folder"
        raise StudyError(f"--out: {str(manifest.parent)!r} {told}")


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
