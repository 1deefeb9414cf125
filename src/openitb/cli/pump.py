"""`openitb pump`: virtual implants that live in a folder and answer behind a loopback port."""

import random
import signal
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from openitb import catalogue, units
from openitb.catalogue import Pump
from openitb.cli.curves import draw
from openitb.cli.files import require_folder
from openitb.cli.options import OptionError
from openitb.cli.publish import publish
from openitb.implant import Contents, Home, PumpService, new_implant, provision
from openitb.implant.pace import NS_PER_MS, Pace, pace_from
from openitb.implant.pairing import close_gate, gate_of, open_gate
from openitb.implant.wand import Placement, chance_of_arrival
from openitb.protocol import LogKind, Role
from openitb.telemetry import code_text

PERMILLE = 1_000
SLOWEST, FASTEST = 1 / PERMILLE, 1_000_000
MOST_AT_ONCE = 10_000
POLL_S = 0.2
USUAL_FRAME_BYTES = 500

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, help="Virtual implants behind their wand."
)

Folder = Annotated[Path, typer.Option("--home", help="the folder where the implants live")]
Port = Annotated[int, typer.Option("--port", help="loopback port; 0 takes a free one", min=0, max=65_535)]
Speed = Annotated[
    float,
    typer.Option("--speed", help="how many times faster than real time", min=SLOWEST, max=FASTEST),
]
Serial = Annotated[str, typer.Argument(help="serial number of the implant")]
Model = Annotated[str, typer.Option("--model", help="pump of the catalogue")]
Volume = Annotated[str, typer.Option("--volume", help="total in the reservoir, with unit")]
Strength = Annotated[str, typer.Option("--concentration", help="with unit")]
Count = Annotated[
    int, typer.Option("--count", help="so many, numbered on from the serial", min=1, max=MOST_AT_ONCE)
]
Distance = Annotated[float, typer.Option("--distance", help="mm between wand and pump")]
Tilt = Annotated[float, typer.Option("--tilt", help="degrees")]
Noise = Annotated[float, typer.Option("--noise", help="times that of a quiet room")]
GivenRole = Annotated[Role, typer.Option("--role", help="what the paired programmer may do")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="stay until it is paired or the gate closes")]


@app.callback()
def pump() -> None:
    """Virtual implants behind their wand."""


app.command("curves")(draw)
app.command("publish")(publish)


@app.command()
def run(home: Folder, port: Port = 0, speed: Speed = 1.0) -> None:
    """Let every implant of a folder live and answer programmers, until interrupted.

    Time goes on from now, or from where the implants are if they ran ahead.

    Example: openitb pump run --home var/implants --port 7411 --speed 60
    """
    place = Home(require_folder(home, "--home"))
    # Chance decides about frames at the edge of the wand's reach; nothing secret hangs on it.
    draw = random.SystemRandom().random
    with place.occupied():
        service = PumpService(place, _paced(place, speed), draw=draw, wall_clock=clock)
        host, taken = service.start(port)
        typer.echo(f"{_how_many(place)} at {host} port {taken}{_how_fast(speed)}, stop with Ctrl-C")
        _wait_for_a_signal()
        service.stop()


@app.command()
def new(
    home: Folder,
    serial: Serial,
    model: Model = "synchromed-ii-20",
    volume: Volume = "18 mL",
    concentration: Strength = "500 ug/mL",
    count: Count = 1,
) -> None:
    """Put new implants, filled and stopped, into a folder.

    Example: openitb pump new NGP1 --home var/implants --volume "18 mL" --concentration "500 ug/mL"
    """
    pump, place = catalogue.load().pump(model, "--model"), Home(home)
    contents = Contents(
        _filled(volume, pump), units.concentration_ug_per_ml(concentration, "--concentration")
    )
    names = [serial] if count == 1 else [f"{serial}-{number}" for number in range(1, count + 1)]
    for name in names:
        place.require_free(name)
    for name in names:
        provision(place, new_implant(name, pump, contents, clock()))
    typer.echo(f"{count} new: {names[0]}" + (f" to {names[-1]}" if count > 1 else ""))


@app.command()
def pair(home: Folder, serial: Serial, role: GivenRole = Role.PATIENT, wait: Wait = True) -> None:
    """Open an implant's gate to pair one programmer, and show the code it must be given.

    Example: openitb pump pair NGP1 --home var/implants --role patient
    """
    place = Home(home)
    gate = open_gate(place, serial, role, clock())
    typer.echo(f"{serial}: {code_text(gate.code)}")
    if wait:
        typer.echo(_outcome(place, serial))


@app.command()
def wand(
    home: Folder, serial: Serial, distance: Distance = 0.0, tilt: Tilt = 0.0, noise: Noise = 1.0
) -> None:
    """Put the wand of an implant somewhere; it stays there.

    Example: openitb pump wand NGP1 --home var/implants --distance 60 --tilt 20
    """
    place, placement = Home(home), Placement(distance, tilt, noise)
    place.require(serial)
    place.place_wand(serial, placement)
    chance = 100 * chance_of_arrival(placement, USUAL_FRAME_BYTES)
    typer.echo(f"{serial}: a frame of {USUAL_FRAME_BYTES} bytes gets across in {chance:.3g} % of tries")


def clock() -> int:
    """True time now, ms since the epoch, UTC."""
    return time.time_ns() // NS_PER_MS


def _filled(volume: str, pump: Pump) -> int:
    """What the reservoir shall hold, nL."""
    volume_nl, most_nl = units.volume_nl(volume, "--volume"), pump.reservoir_capacity_nl
    if volume_nl > most_nl:
        most = f"at most {units.format_volume(most_nl)}, the reservoir of {pump.name}"
        raise OptionError(f"--volume: got {volume!r}, expected {most}")
    return volume_nl


def _how_many(home: Home) -> str:
    count = len(home.serials())
    return f"{count} implant{'' if count == 1 else 's'}"


def _how_fast(speed: float) -> str:
    return "" if speed == 1 else f", {speed:g} times as fast as real time"


def _paced(home: Home, speed: float) -> Pace:
    permille = int(Decimal(str(speed)) * PERMILLE)
    return pace_from(_now(home), permille, time.monotonic_ns)


def _now(home: Home) -> int:
    """Now, or where the implants are if they ran ahead."""
    return max([clock(), *(home.load(serial).now_ms for serial in home.serials())])


def _outcome(home: Home, serial: str) -> str:
    """Wait until the gate is closed, then tell who came in, from the implant's own log."""
    known = _paired(home, serial)
    while gate_of(home, serial, clock()) is not None:
        time.sleep(POLL_S)
    close_gate(home, serial)
    time.sleep(POLL_S)  # the key is kept just after the gate has closed
    came = _paired(home, serial)[len(known) :]
    if not came:
        return f"{serial}: the gate has closed, nobody was paired"
    name, digits = came[-1]
    return f"{serial}: paired with {name}; both ends must show {digits}, or revoke the key"


def _paired(home: Home, serial: str) -> list[tuple[str, str]]:
    entries = home.load(serial).firmware.log.entries
    return [(str(e.get("name")), str(e.get("digits"))) for e in entries if e.kind is LogKind.KEY_PAIRED]


def _wait_for_a_signal() -> None:
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    asked_to_stop.wait()
