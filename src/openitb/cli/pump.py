"""`openitb pump`: virtual implants that live in a folder and answer behind a loopback port."""

import signal
import threading
import time
from pathlib import Path
from typing import Annotated

import typer

from openitb.implant.errors import ImplantError
from openitb.implant.home import Home
from openitb.implant.service import PumpService
from openitb.telemetry import TelemetryError

NS_PER_MS = 1_000_000
REFUSED = 2

app = typer.Typer(help="Virtual implants behind their wand.", no_args_is_help=True)


@app.callback()
def pump() -> None:
    """Virtual implants behind their wand."""


@app.command()
def run(
    home: Annotated[Path, typer.Option(help="Folder where the implants live.")],
    port: Annotated[int, typer.Option(help="Loopback port; 0 takes a free one.", min=0, max=65_535)] = 0,
) -> None:
    """Let every implant of a home live in real time and answer programmers, until interrupted.

    Example: openitb pump run --home var/implants --port 7411
    """
    service = PumpService(Home(home), clock)
    try:
        host, taken = service.start(port)
    except (ImplantError, TelemetryError) as error:
        typer.echo(f"openitb pump: {error}", err=True)
        raise typer.Exit(REFUSED) from None
    count = len(Home(home).serials())
    typer.echo(f"{count} implant{'' if count == 1 else 's'} at {host} port {taken}, stop with Ctrl-C")
    _wait_for_a_signal()
    service.stop()


def clock() -> int:
    """True time now, ms since the epoch, UTC."""
    return time.time_ns() // NS_PER_MS


def _wait_for_a_signal() -> None:
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    asked_to_stop.wait()
