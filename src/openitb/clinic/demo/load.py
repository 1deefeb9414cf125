"""Brings the demo clinic into a database and a home folder: record, case files, living implants.

All or nothing: the rows are one transaction, and it is committed only after every implant and case
file is on disk. Who is already there is left as they are, so a second load changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from openitb.clinic.demo.cast import Cast, Person, load_cast
from openitb.clinic.demo.play import Played, play
from openitb.clinic.demo.rows import write
from openitb.clinic.demo.story import Story, tell
from openitb.clinic.demo.toml_text import to_toml
from openitb.clinic.record.models import Patient
from openitb.implant import Home, Implant
from openitb.implant.home import write_whole

Progress = Callable[[int, int, str], None]


class DemoError(ValueError):
    """The demo clinic is not loaded here; one line for a person."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Where what is no row goes: living implants, and each person's course as case files."""

    implants: Path
    cases: Path

    def therapy_case(self, number: str) -> Path:
        """The case file of a person's course with the pump."""
        return self.cases / f"{number}.toml"

    def trial_case(self, number: str) -> Path:
        """The case file of a person's screening trial."""
        return self.cases / f"{number}-trial.toml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many people were added, and how many were there before."""

    added: int
    kept: int


def folders_here() -> Folders:
    """The folders of this installation."""
    return Folders(settings.CLINIC_IMPLANTS, settings.HOME / "cases")


def load(
    folders: Folders,
    now_ms: int,
    *,
    cast: Cast | None = None,
    among_real: bool = False,
    progress: Progress | None = None,
) -> Loaded:
    """Add everybody of the cast, the shipped one by default, who is not there yet; ends at `now_ms`.

    Refuses a database that holds people who are not synthetic with `DemoError`, unless `among_real`.
    """
    if not among_real:
        require_synthetic_only()
    cast = cast or load_cast()
    known = set(Patient.objects.values_list("number", flat=True))
    missing = [person for person in cast.person if person.number not in known]
    played = [
        _play(cast, person, now_ms, (number, len(missing)), progress) for number, person in enumerate(missing)
    ]
    with transaction.atomic():
        for one in played:
            write(one, cast.house)
            _keep_files(one, folders)
    return Loaded(len(missing), len(cast.person) - len(missing))


def require_synthetic_only() -> None:
    """Refuses a record that holds anybody not marked synthetic with `DemoError`."""
    real = Patient.objects.filter(is_synthetic=False).count()
    if real:
        raise DemoError(
            f"database: holds {real} patient{'s' if real > 1 else ''} not marked synthetic, expected none: "
            "the demo clinic goes beside real people only if asked to (--among-real-patients)"
        )


def _play(
    cast: Cast, person: Person, now_ms: int, place: tuple[int, int], progress: Progress | None
) -> Played:
    if progress:
        progress(*place, f"{person.given_name} {person.family_name}")
    return play(tell(person, cast.house, now_ms))


def _keep_files(played: Played, folders: Folders) -> None:
    story, number = played.story, played.story.person.number
    folders.cases.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, tables in (
        (folders.trial_case(number), story.trial),
        (folders.therapy_case(number), story.therapy),
    ):
        if tables is not None:
            write_whole(path, to_toml(tables).encode())
    if _lives_on(story) and played.implant:
        _settle(Home(folders.implants), played.implant)


def _lives_on(story: Story) -> bool:
    return story.therapy is not None and story.explanted_ms is None


def _settle(home: Home, implant: Implant) -> None:
    """Give an implant its place; one that a broken-off load left there is replaced."""
    if implant.serial in home.serials():
        home.save(implant)
    else:
        home.add(implant)
