"""`openitb program`: the clinician's programmer, in conversation or from a script."""

import getpass
import os
import re
import select
import sys
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from openitb import catalogue, units
from openitb.cli.files import read_text, require_folder, require_writable
from openitb.cli.light import shine
from openitb.implant import Home
from openitb.programmer.chart import parse_chart
from openitb.programmer.dialogue import Dialogue, Terminal
from openitb.programmer.entry import EntryError, Mark
from openitb.programmer.indicator import Light
from openitb.programmer.outcomes import Applied, Unreachable
from openitb.programmer.report import session_report, to_json, to_pdf, to_text
from openitb.programmer.report.content import Desk
from openitb.programmer.script import Script, Secrets, parse_script, run_script
from openitb.programmer.second import SHORTEST_SECRET, Staff, enrol, parse_staff, prove, staff_to_text
from openitb.programmer.station import (
    DEMO_SECRETS,
    Station,
    demo_station,
    emergency_station,
    station_at,
)
from openitb.programmer.visit import Visit, VisitError
from openitb.programmer.workflow import workflow

NS_PER_MS = 1_000_000
NOT_APPLIED = 1
SECRET_VARIABLE = "OPENITB_SECRET_"  # noqa: S105  # the name of a variable, not a secret
OWNER_ONLY = 0o600
_NUMBER = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

HomeOption = Annotated[Path | None, typer.Option("--home", help="the folder where the implants live")]
ChartOption = Annotated[Path | None, typer.Option("--chart", help="the chart of patient and implant, TOML")]
StaffOption = Annotated[Path | None, typer.Option("--staff", help="who may work and sign here, TOML")]
ScriptOption = Annotated[Path | None, typer.Option("--script", help="a visit decided beforehand, TOML")]
By = Annotated[str, typer.Option("--by", help="your number on the staff list")]
Kind = Annotated[str, typer.Option("--workflow", help="which workflow; asked if left out")]
DemoOption = Annotated[bool, typer.Option("--demo", help="An exercise with a pump that exists only here.")]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the report as JSON")]
PdfFile = Annotated[Path | None, typer.Option("--pdf", metavar="FILE", help="write the report as PDF")]
Comma = Annotated[bool, typer.Option("--decimal-comma", help="Type numbers with a decimal comma.")]
Glass = Annotated[
    bool, typer.Option("--break-glass", help="An emergency key: read, silence, reduce to minimum rate.")
]
Serial = Annotated[str, typer.Option("--serial", help="the pump's serial number, with --break-glass")]
Enrol = Annotated[
    str | None, typer.Option("--enrol", help="put a person of this number on the staff list and stop")
]


@app.command()
def program(
    home: HomeOption = None,
    chart: ChartOption = None,
    staff: StaffOption = None,
    script: ScriptOption = None,
    by: By = "",
    kind: Kind = "",
    demo: DemoOption = False,
    json_file: JsonFile = None,
    pdf_file: PdfFile = None,
    decimal_comma: Comma = False,
    break_glass: Glass = False,
    serial: Serial = "",
    enrol_person: Enrol = None,
) -> None:
    """Read, review, change and read back one pump; ends with a session report.

    Exit status 0 if the pump stands as reviewed, 1 if it does not or nobody knows, 2 for a refusal.
    Secrets come from the variables OPENITB_SECRET_<NUMBER> or are asked.

    Example: openitb program --demo --script examples/visits/adjust.toml
    """
    if enrol_person is not None:
        _enrol(_needed(staff, "--staff"), enrol_person)
        return
    require_writable(json_file, "--json")
    require_writable(pdf_file, "--pdf")
    decided = None if script is None else parse_script(read_text(script, "--script"), script.parent)
    _require_one_voice(decided, by, kind)
    person = decided.by if decided else by or (next(iter(DEMO_SECRETS)) if demo else "")
    if not person:
        raise EntryError("--by: missing, expected your number on the staff list")
    begun = decided.workflow if decided else kind
    files = Files(home, chart, staff, serial, bool(begun) and workflow(begun).has_new_pump)
    with _emergency(files, demo) if break_glass else _station(files, demo, person) as station:
        visit = _visit(station, decided, person, kind, "," if decimal_comma else ".")
        report = session_report(visit, Desk(person, station.clock(), station.is_demo))
    _write(json_file, to_json(report).encode())
    if pdf_file is not None:
        _write(pdf_file, to_pdf(report))
    typer.echo(to_text(report), nl=False)
    if not isinstance(visit.outcome, Applied):
        raise typer.Exit(NOT_APPLIED)


def _require_one_voice(decided: Script | None, by: str, kind: str) -> None:
    """A script says itself who works and what is done."""
    if decided is not None and (by or kind):
        option, given = ("--by", by) if by else ("--workflow", kind)
        raise EntryError(f"{option}: got {given!r:.60} besides --script, expected the script alone to say it")


def _visit(station: Station, decided: Script | None, person: str, kind: str, mark: Mark) -> Visit:
    secret_of = _secret_of(station.is_demo)
    if decided is not None:
        visit = run_script(decided, station, secret_of)
    else:
        visit = Dialogue(station, person, Terminal(_ask, secret_of, typer.echo, _shine), mark).run(kind)
    if isinstance(visit, Unreachable):
        raise VisitError(f"no contact, nothing was sent: {visit.reason}")
    return visit


@dataclass(frozen=True, slots=True)
class Files:
    """Where implants, chart and staff are, the pump's serial where there is no chart, the exercise's pump."""

    home: Path | None
    chart: Path | None
    staff: Path | None
    serial: str
    new_pump: bool


@contextmanager
def _station(files: Files, demo: bool, person_id: str) -> Iterator[Station]:
    if files.serial:
        raise EntryError(f"--serial: got {files.serial!r}, expected it with --break-glass only")
    if demo:
        if any(path is not None for path in (files.home, files.chart, files.staff)):
            raise EntryError(
                "--demo: got --home, --chart or --staff besides, expected an exercise to reach no pump"
            )
        with demo_station(_clock, _new_id, fresh=files.new_pump) as station:
            _prove(station.staff, person_id, _secret_of(station.is_demo))
            yield station
        return
    chart, folder = _needed(files.chart, "--chart"), _needed(files.home, "--home")
    read = parse_chart(read_text(chart, "--chart"))
    people = {} if files.staff is None else parse_staff(read_text(files.staff, "--staff"))
    home = Home(require_folder(folder, "--home"))
    _prove(people, person_id, _secret_of(is_demo=False))
    yield station_at(home, read, people, _clock, _new_id)


@contextmanager
def _emergency(files: Files, demo: bool) -> Iterator[Station]:
    if demo or files.chart is not None or files.staff is not None:
        raise EntryError(
            "--break-glass: got --demo, --chart or --staff besides, expected --home and --serial"
        )
    if not files.serial:
        raise EntryError("--serial: missing, expected the serial number of the pump")
    home = Home(require_folder(_needed(files.home, "--home"), "--home"))
    yield emergency_station(home, files.serial, _clock, _new_id)


def _enrol(file: Path, person_id: str) -> None:
    if _NUMBER.fullmatch(person_id) is None:
        raise EntryError(f"--enrol: got {person_id!r:.60}, expected 1 to 32 letters, digits and hyphens")
    require_writable(file, "--staff")
    people = dict(parse_staff(read_text(file, "--staff"))) if file.exists() else {}
    if person_id in people:
        raise EntryError(f"--enrol: got {person_id!r}, who is on the list already, expected somebody new")
    secret = _secret(person_id, f"Secret of {person_id}, at least {SHORTEST_SECRET} characters")
    people[person_id] = enrol(person_id, person_id, secret)
    _write(file, staff_to_text(people).encode())
    typer.echo(f"{person_id} is on the staff list")


def _prove(staff: Staff, person_id: str, secret_of: Secrets) -> None:
    """Let nobody work under a number that is not theirs: reports and the pump's log name it."""
    person = staff.get(person_id)
    if person is None:
        listed = "somebody on the staff list (--staff)"
        raise EntryError(f"by: got {person_id!r:.40}, expected {listed}")
    prove(person, secret_of(person_id))


def _secret_of(is_demo: bool) -> Secrets:
    def secret_of(person_id: str) -> str:
        if is_demo:
            return DEMO_SECRETS.get(person_id, "")
        return _secret(person_id, f"Secret of {person_id}")

    return secret_of


def _secret(person_id: str, prompt: str) -> str:
    variable = SECRET_VARIABLE + person_id.upper().replace("-", "_")
    named = os.environ.get(variable)
    if named is not None:
        return named
    try:
        with warnings.catch_warnings(action="ignore", category=getpass.GetPassWarning):
            return getpass.getpass(f"{prompt}: " if sys.stderr.isatty() else "")
    except EOFError:
        raise EntryError(f"secret: missing, expected that of {person_id} typed or in {variable}") from None


def _ask(prompt: str) -> str:
    """One line from the terminal; an idle one is warned, then locks."""
    typer.echo(f"{prompt}: ", nl=False)
    fact = catalogue.load().practice["programmer"].fact
    warn_ms, lock_ms = fact("idle_warning").whole("ms"), fact("idle_lock").whole("ms")
    if sys.stdin.isatty() and not _typed_within(warn_ms):
        left = units.format_number((lock_ms - warn_ms) / units.MS_PER_S, 0)
        typer.echo(f"\nLocks in {left} s: the draft is lost, the pump is not touched. {prompt}: ", nl=False)
        if not _typed_within(lock_ms - warn_ms):
            raise VisitError("the programmer locked itself: the draft is discarded, the pump is not touched")
    line = sys.stdin.readline()
    if not line:
        raise VisitError("the input ended: nothing was sent")
    return line.rstrip("\n").strip()


def _shine(light: Light) -> None:
    shine(light, Console())


def _typed_within(ms: int) -> bool:
    return bool(select.select([sys.stdin], [], [], ms / units.MS_PER_S)[0])


def _needed(path: Path | None, option: str) -> Path:
    if path is None:
        raise EntryError(f"{option}: missing, expected a path (or --demo for an exercise)")
    return path


def _write(file: Path | None, data: bytes) -> None:
    if file is not None:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)


def _clock() -> int:
    return time.time_ns() // NS_PER_MS


def _new_id() -> str:
    return str(uuid.uuid4())
