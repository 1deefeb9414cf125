"""`openitb serve`: the clinic and its virtual implants, until interrupted."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from openitb.cli import record
from openitb.implant import Home
from openitb.implant.home import OWNER_FOLDER

LOOPBACK = "127.0.0.1"
FORWARDED = {"x-forwarded-proto", "x-forwarded-for"}
WEB_THREADS = 8
PUMPS_START_S = 120.0
PUMPS_STOP_S = 20.0
POLL_S = 0.05
DEMO_USER = "clinician"
SIGN_IN_FILE = "sign-in.txt"
OWNER_ONLY = 0o600

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Port = Annotated[int, typer.Option("--port", help="loopback port of the web pages", min=1, max=65_535)]
Demo = Annotated[bool, typer.Option("--demo", help="Load the demo clinic if the record is still empty.")]


class ServeError(ValueError):
    """The clinic cannot be started; one line for a person."""


@app.command()
def serve(port: Port = 8000, demo: Demo = False) -> None:
    """Start the clinic's web pages and its virtual implants; data live in OPENITB_HOME (default var/).

    Example: openitb serve --demo --port 8000
    """
    signal.signal(signal.SIGTERM, _interrupt)
    _require_free(port)
    home = record.ready()
    implants = home / "implants"
    implants.mkdir(mode=OWNER_FOLDER, parents=True, exist_ok=True)
    Home(implants).require_unoccupied()
    if demo:
        _load_demo()
    sign_in = _sign_in(home)
    pumps = _start_pumps(implants)
    try:
        _announce(port, sign_in)
        _serve_pages(port)
    finally:
        _stop(pumps)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            raise ServeError(f"--port: got {port}, which is in use; expected a free one") from None


def _load_demo() -> None:
    from openitb.clinic.record.models import Patient

    if Patient.objects.exists():
        return
    from openitb.cli.demo import load_with_progress

    load_with_progress()


def _sign_in(home: Path) -> str:
    """The first account, made with a generated password that only this machine's owner can read."""
    from openitb.clinic.people import accounts
    from openitb.clinic.people.models import User
    from openitb.clinic.people.roles import Role

    file = home / SIGN_IN_FILE
    if not User.objects.exists():
        password = accounts.new_staff(
            DEMO_USER, Role.PRESCRIBER, Role.ADMINISTRATOR, full_name="Demo Clinician"
        )
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(f"user {DEMO_USER}, password {password}\n")
    return file.read_text().strip() if file.is_file() else "with your own account"


def _start_pumps(implants: Path) -> "subprocess.Popen[bytes]":
    """The implants in a process of their own, as a pump does not stop when a web page does."""
    address = implants / "address"
    address.unlink(missing_ok=True)
    command = [sys.executable, "-m", "openitb", "pump", "run", "--home", str(implants)]
    # Our own interpreter, our own verb, a path of our own making.
    pumps = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    try:
        _wait_until_ready(pumps, address)
    except BaseException:
        _stop(pumps)
        raise
    threading.Thread(target=_tell_if_pumps_end, args=(pumps,), daemon=True).start()
    return pumps


def _wait_until_ready(pumps: "subprocess.Popen[bytes]", address: Path) -> None:
    deadline = time.monotonic() + PUMPS_START_S
    while not address.is_file():
        if pumps.poll() is not None:
            raise ServeError("virtual pumps: stopped while starting, see the line above")
        if time.monotonic() > deadline:
            raise ServeError(f"virtual pumps: not ready after {PUMPS_START_S:.0f} s, expected sooner")
        time.sleep(POLL_S)


def _tell_if_pumps_end(pumps: "subprocess.Popen[bytes]") -> None:
    if pumps.wait() > 0:
        typer.echo("virtual pumps: ended unexpectedly; restart openitb serve to reach them again", err=True)


def _announce(port: int, sign_in: str) -> None:
    typer.echo(f"OpenITB clinic: http://{LOOPBACK}:{port}/")
    typer.echo(f"Sign in: {sign_in}")
    typer.echo("Synthetic patients on virtual implants. Not a medical device. Stop with Ctrl-C.")


def _serve_pages(port: int) -> None:
    import waitress
    from django.conf import settings

    from openitb.clinic.wsgi import application

    # Behind a proxy with TLS its word on scheme and caller counts, and nobody else's.
    proxy = {"trusted_proxy": LOOPBACK, "trusted_proxy_headers": FORWARDED} if settings.HTTPS else {}
    waitress.serve(application, host=LOOPBACK, port=port, threads=WEB_THREADS, ident=None, **proxy)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stop(pumps: "subprocess.Popen[bytes]") -> None:
    """Let the pumps save themselves; only this process's own child is ended."""
    if pumps.poll() is not None:
        return
    pumps.terminate()
    try:
        pumps.wait(PUMPS_STOP_S)
    except subprocess.TimeoutExpired:
        pumps.kill()
        pumps.wait()
