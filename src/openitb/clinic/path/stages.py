"""Stages and their steps as data, and how far a person is in each.

A step is done by a sheet of its kind. It waits while a step it comes after is open; that orders the page and
stops nobody: a sheet can always be written, because what happened must be told.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from openitb.clinic.record.models import Patient, Sheet
from openitb.clinic.sheets import kinds, store

State = Literal["done", "next", "waiting", "optional", "unsigned"]


class StageError(ValueError):
    """A stage that cannot be; one line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Strict):
    """One step: the kind of sheet that does it, `after` which kinds, whether it is done `many` times."""

    kind: str
    title: str = ""
    after: tuple[str, ...] = ()
    needed: bool = True
    many: bool = False

    @property
    def name(self) -> str:
        """What the page calls it."""
        return self.title or kinds.kind(self.kind).title


class Stage(_Strict):
    """One stage with its steps in order."""

    id: str
    title: str
    about: str
    step: tuple[Step, ...]


class _Stages(_Strict):
    stage: tuple[Stage, ...]

    @model_validator(mode="after")
    def _known(self) -> "_Stages":
        for stage in self.stage:
            known = {step.kind for step in stage.step}
            for step in stage.step:
                if step.kind not in kinds.kinds():
                    raise ValueError(f"{stage.id}: {step.kind} is no kind of sheet")
                if not known.issuperset(step.after):
                    raise ValueError(f"{stage.id}: {step.kind} comes after what is no step of the stage")
        return self


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of a person's: how it stands, and the sheets that did it, newest first."""

    step: Step
    state: State
    sheets: tuple[Sheet, ...]
    waits_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageProgress:
    """A stage of a person's: its steps, and how many of the needed ones are done."""

    stage: Stage
    steps: tuple[Progress, ...]

    @property
    def done(self) -> int:
        """How many needed steps are done."""
        return sum(one.state == "done" for one in self._needed)

    @property
    def of(self) -> int:
        """How many steps are needed."""
        return len(self._needed)

    @property
    def next_step(self) -> Progress | None:
        """What to do next, None where nothing is needed any more."""
        return next((one for one in self.steps if one.state in ("next", "unsigned")), None)

    @property
    def _needed(self) -> tuple[Progress, ...]:
        return tuple(one for one in self.steps if one.step.needed)


@lru_cache(maxsize=1)
def stages() -> tuple[Stage, ...]:
    """All stages in the order of the therapy."""
    path = Path(__file__).with_name("stages.toml")
    return _Stages(**tomllib.loads(path.read_text(encoding="utf-8"))).stage


def stage(stage_id: str) -> Stage:
    """One stage; `StageError` for one that is not there."""
    found = next((one for one in stages() if one.id == stage_id), None)
    if found is None:
        raise StageError(f"stage: got {stage_id!r}, expected one of {', '.join(one.id for one in stages())}")
    return found


def progress(patient: Patient) -> tuple[StageProgress, ...]:
    """How far a person is in every stage, from the sheets that hold."""
    sheets = list(store.in_force(patient).prefetch_related("signatures")[:MOST_SHEETS])
    by_kind: dict[str, list[Sheet]] = {}
    for sheet in sheets:
        by_kind.setdefault(sheet.kind, []).append(sheet)
    return tuple(stage_progress(one, by_kind) for one in stages())


MOST_SHEETS = 2000  # of one person; older ones are counted by no step


def stage_progress(stage: Stage, by_kind: Mapping[str, Iterable[Sheet]]) -> StageProgress:
    """How far somebody with these sheets is in a stage."""
    done = {kind for kind, sheets in by_kind.items() if any(_is_signed(sheet) for sheet in sheets)}
    return StageProgress(stage, tuple(_step(one, by_kind, done) for one in stage.step))


def _step(step: Step, by_kind: Mapping[str, Iterable[Sheet]], done: set[str]) -> Progress:
    sheets = tuple(by_kind.get(step.kind, ()))
    waits = tuple(kind for kind in step.after if kind not in done)
    return Progress(step, _state(step, sheets, waits, done), sheets, tuple(map(_title, waits)))


def _state(step: Step, sheets: tuple[Sheet, ...], waits: tuple[str, ...], done: set[str]) -> State:
    if step.kind in done:
        return "done"
    if sheets:
        return "unsigned"
    if waits:
        return "waiting"
    return "next" if step.needed else "optional"


def _is_signed(sheet: Sheet) -> bool:
    """Has everybody signed who has to? A kind that needs no signature is done once it is written."""
    kind = kinds.kinds().get(sheet.kind)
    if kind is None:
        return True
    meanings = {signature.meaning for signature in sheet.signatures.all()}
    return {each for each in (kind.signed, kind.verified) if each} <= meanings


def _title(kind: str) -> str:
    return kinds.kind(kind).title
