"""Kinds of sheets as data: which sections and fields, in which units and limits, who writes and who signs.

One TOML file a kind under `kinds/<stage>/`; the file's name is the kind's id within its stage. A file that
cannot be is refused with one line at first use.
"""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from openitb import catalogue

HERE = Path(__file__).parent / "kinds"

FieldType = Literal[
    "text",  # a line
    "note",  # several lines
    "yes-no",  # yes, no or unknown
    "choice",  # one of `choices`
    "several",  # any of `choices`
    "date",
    "moment",  # date and time of the clinic
    "number",  # a plain decimal in `unit`
    "volume",
    "mass",
    "dose",  # drug a day
    "concentration",
    "duration",
    "scale",  # a level of the catalogue's scale named by `scale`
    "rows",  # a table of `fields`
]


class KindError(ValueError):
    """A kind of sheet that cannot be; one line naming the file."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Choice(_Strict):
    """One of the answers, by its id in the record."""

    id: str
    label: str


class SheetField(_Strict):
    """One question. `least` and `most` refuse, `low` and `high` ask to look twice; all in `unit`.

    `source` names what a limit rests on; one without is our choice, and the page marks it.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str
    type: FieldType
    unit: str = ""
    required: bool = False
    help: str = ""
    least: float | None = None
    most: float | None = None
    low: float | None = None
    high: float | None = None
    choices: tuple[Choice, ...] = ()
    scale: str = ""
    fields: tuple["SheetField", ...] = ()
    rows: int = 3
    source: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> "SheetField":
        if (self.type in ("choice", "several")) != bool(self.choices):
            raise ValueError(f"field {self.id}: choices belong to choice and several, and to nothing else")
        if (self.type == "rows") != bool(self.fields):
            raise ValueError(f"field {self.id}: fields belong to rows, and to nothing else")
        if (self.type == "scale") != bool(self.scale):
            raise ValueError(f"field {self.id}: scale belongs to the type scale, and to nothing else")
        if self.scale and self.scale not in catalogue.load().scales:
            raise ValueError(f"field {self.id}: got scale {self.scale!r}, expected one of the catalogue")
        return self


class Section(_Strict):
    """Questions that belong together."""

    title: str
    help: str = ""
    field: tuple[SheetField, ...]


class Kind(_Strict):
    """A kind of sheet. `writers` are roles; `signed` is what a signature on it means, none if it needs none;
    `verified` asks a second person to sign too.
    """

    id: str
    stage: str
    title: str
    about: str = ""
    writers: tuple[str, ...]
    signed: str = ""
    verified: str = ""
    section: tuple[Section, ...]

    @property
    def fields(self) -> tuple[SheetField, ...]:
        """All questions in order."""
        return tuple(field for section in self.section for field in section.field)

    @model_validator(mode="after")
    def _named_once(self) -> "Kind":
        names = [field.id for field in self.fields]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"field {twice[0]}: stands twice")
        return self


@lru_cache(maxsize=1)
def kinds() -> dict[str, Kind]:
    """Every kind by its id, such as `trial.observation`."""
    return {kind.id: kind for kind in (_read(path) for path in sorted(HERE.glob("*/*.toml")))}


def kind(kind_id: str) -> Kind:
    """One kind; `KindError` for one that is not there."""
    if kind_id not in kinds():
        raise KindError(f"kind: got {kind_id!r}, expected one of {', '.join(kinds())}")
    return kinds()[kind_id]


def _read(path: Path) -> Kind:
    stage, name = path.parent.name, path.stem
    try:
        return Kind(id=f"{stage}.{name}", stage=stage, **tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError, TypeError) as fault:
        raise KindError(f"{stage}/{path.name}: {_line(fault)}") from fault


def _line(fault: Exception) -> str:
    if isinstance(fault, ValidationError):
        first = fault.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(fault)
