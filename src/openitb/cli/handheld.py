"""`openitb handheld`: the patient's handheld."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from openitb.implant import Home
from openitb.programmer.entry import EntryError
from openitb.programmer.handheld import (
    Card,
    Granted,
    NoContact,
    Unit,
    check,
    press_bolus,
    press_step,
    status,
)
from openitb.programmer.handheld.pairing import keep_unit, pair_unit, require_code, require_room, unit_keys
from openitb.programmer.session import Wand
from openitb.programmer.station import demo_station, patient_wand
from openitb.protocol import Role
from openitb.telemetry import key_id

NS_PER_MS = 1_000_000
NOT_GIVEN = 1
NEW_NAME = "handheld"
DEFAULT_CALL = "Call your clinic, and at night the number on your emergency card."

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Action = Annotated[
    Literal["status", "bolus", "more", "less", "check", "pair"],
    typer.Argument(
        help="status, bolus (extra dose), more or less (daily dose), check (an unanswered request), "
        "pair (a new handheld)"
    ),
]
HomeOption = Annotated[Path | None, typer.Option("--home", help="the folder where the implants live")]
Serial = Annotated[str, typer.Option("--serial", help="the pump's serial number")]
Call = Annotated[str, typer.Option("--call", help="whom to call, as the clinic wrote it on the handheld")]
UnitFolder = Annotated[
    Path | None,
    typer.Option("--unit", help="the folder of a paired handheld; without it the one made with the pump"),
]
Code = Annotated[
    str | None,
    typer.Option("--code", help="with pair: the code that `openitb pump pair` shows; asked if left out"),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name", help="with pair: what the pump shall call the new handheld", show_default=NEW_NAME
    ),
]
DemoOption = Annotated[bool, typer.Option("--demo", help="An exercise with a pump that exists only here.")]


@app.command()
def handheld(
    action: Action = "status",
    home: HomeOption = None,
    serial: Serial = "",
    call: Call = DEFAULT_CALL,
    demo: DemoOption = False,
    unit: UnitFolder = None,
    code: Code = None,
    name: Name = None,
) -> None:
    """What your pump allows now, its alarms in words, and asking it for what your clinic allowed.

    Exit status 0 if the pump was read or does what was asked, 1 if it does not or nobody knows.

    Example: openitb handheld status --demo
    """
    if demo:
        _require_alone(
            "--demo", {"pair": action == "pair", "--home": home, "--serial": serial, "--unit": unit}
        )
    if action == "pair":
        _pair(_place(home, serial), Pairing(serial, unit, code, NEW_NAME if name is None else name))
        return
    _require_alone(action, {"--code": code is not None, "--name": name is not None})
    with _wand(home, serial, demo, unit) as wand:
        card = Card(wand, call, _running, lambda: str(uuid.uuid4()))
        memory = None if demo or home is None else (unit or home / "handheld") / f"{serial}.json"
        done = _status(card) if action == "status" else _asked(action, card, memory)
    if not done:
        raise typer.Exit(NOT_GIVEN)


def _require_alone(what: str, besides: Mapping[str, object]) -> None:
    """Refuse what would be taken no notice of: somebody meant something by it."""
    for option, given in besides.items():
        if given:
            raise EntryError(f"{what}: got {option} besides, expected {what} without it")


def _status(card: Card) -> bool:
    said = status(card)
    if isinstance(said, NoContact):
        typer.echo(f"{said.text}\n{card.call}")
        return False
    now_ms = card.running()
    for alarm in said.alarms:
        typer.echo(f"{'URGENT: ' if alarm.is_urgent else ''}{alarm.text}")
    typer.echo(said.delivering if said.alarms else f"{said.delivering} No alarms.")
    for allowed, name in ((said.bolus, "extra dose"), (said.adjustment, "change of the daily dose")):
        typer.echo(
            allowed.line(now_ms) if allowed else f"No {name} on request: your clinic has not allowed one."
        )
    return True


def _asked(action: str, card: Card, memory: Path | None) -> bool:
    """A request that was not answered is remembered, so that pressing again sends nothing."""
    unit = _remembered(memory)
    match action:
        case "bolus":
            unit = press_bolus(unit, card)
        case "check":
            unit = check(unit, card)
        case _:
            unit = press_step(unit, card, 1 if action == "more" else -1)
    _remember(memory, unit)
    typer.echo("There is no request to check." if unit.answer is None else unit.answer.text)
    return unit.answer is None or isinstance(unit.answer, Granted)


def _remembered(memory: Path | None) -> Unit:
    if memory is None or not memory.is_file():
        return Unit()
    try:
        pending = json.loads(memory.read_text(encoding="utf-8"))["pending"]
    except (ValueError, TypeError, KeyError):
        raise EntryError(
            f"{memory}: got no record of a request, expected one as this handheld left it"
        ) from None
    return Unit(pending=pending)


def _remember(memory: Path | None, unit: Unit) -> None:
    if memory is not None:
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps({"pending": unit.pending}), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Pairing:
    """A handheld about to be paired."""

    serial: str
    unit: Path | None
    code: str | None
    name: str


def _pair(place: Home, asked: Pairing) -> None:
    if asked.unit is None:
        raise EntryError("--unit: missing, expected a folder for the new handheld")
    require_room(asked.unit, asked.serial)
    code: str = typer.prompt("Code") if asked.code is None else asked.code
    require_code(code)
    new = pair_unit(place.address(), asked.serial, code, asked.name)
    keep_unit(asked.unit, asked.serial, new.keys)
    typer.echo(f"Paired with {asked.serial} as key {key_id(new.keys.own.public).hex()}.")
    typer.echo(f"Digits {new.digits}: use it only if the clinic sees the same.")


@contextmanager
def _wand(home: Path | None, serial: str, demo: bool, unit: Path | None) -> Iterator[Wand]:
    if demo:
        with demo_station(lambda: time.time_ns() // NS_PER_MS, lambda: str(uuid.uuid4())) as station:
            yield patient_wand(station)
        return
    place = _place(home, serial)
    keys = place.programmer_keys(serial, Role.PATIENT) if unit is None else unit_keys(unit, serial)
    yield Wand(place.address(), serial, keys)


def _place(home: Path | None, serial: str) -> Home:
    if home is None:
        raise EntryError("--home: missing, expected the folder where the implants live, or --demo")
    if not serial:
        raise EntryError("--serial: missing, expected the pump's serial number")
    return Home(home)


def _running() -> int:
    return time.monotonic_ns() // NS_PER_MS
