"""`openitb pump`: virtual implants that live in a folder and answer behind a loopback port."""

import signal
import threading
import time
from pathlib import Path
from typing import Annotated

import typer

from openitb.cli.curves import draw
from openitb.implant import Home, ImplantError, PumpService

NS_PER_MS = 1_000_000

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, help="Virtual implants behind their wand."
)

Folder = Annotated[Path, typer.Option("--home", help="the folder where the implants live")]
Port = Annotated[int, typer.Option("--port", help="loopback port; 0 takes a free one", min=0, max=65_535)]


@app.callback()
def pump() -> None:
    """Virtual implants behind their wand."""


app.command("curves")(draw)


@app.command()
def run(home: Folder, port: Port = 0) -> None:
    """Let every implant of a folder live in real time and answer programmers, until interrupted.

    Example: openitb pump run --home var/implants --port 7411
    """
    if not home.is_dir():
        raise ImplantError(f"--home: got {str(home)!r}, expected a folder that exists")
    service = PumpService(Home(home), clock)
    host, taken = service.start(port)
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
