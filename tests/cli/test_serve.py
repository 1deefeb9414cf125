"""`openitb serve --demo` as a process: starts, signs in, stops, and goes on where it was."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from openitb.implant import Home

pytestmark = pytest.mark.slow

START_S = 180
STOP_S = 40


@dataclass
class Serving:
    """A running `openitb serve`."""

    home: Path
    port: int
    demo: bool = False
    process: "subprocess.Popen[str]" = field(init=False)
    said: list[str] = field(default_factory=list)

    def start(self) -> "Serving":
        command = [sys.executable, "-m", "openitb", "serve", "--port", str(self.port)]
        command += ["--demo"] if self.demo else []
        self.process = subprocess.Popen(
            command,
            env=environment(self.home),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.said = [self.process.stdout.readline() for _ in range(2)]
        return self

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sign_in(self) -> tuple[str, str]:
        user, password = re.search(r"user (\S+), password (\S+)", self.said[1]).groups()
        return user, password

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(timeout=STOP_S)
        self.process.stdout.close()


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENITB", "DATABASE"))}
    return kept | {"OPENITB_HOME": str(home)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    """An empty clinic."""
    running = Serving(tmp_path / "home", free_port()).start()
    yield running
    if running.process.poll() is None:
        running.stop()


class Browser:
    """Just enough of one to sign in and read pages."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        deadline = time.monotonic() + START_S
        while True:
            try:
                return self.opener.open(self.address + path, timeout=START_S).read().decode()
            except urllib.error.URLError as error:
                if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def sign_in(self, user: str, password: str) -> str:
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)', self.get("/sign-in/"))[1]
        fields = {"login": user, "password": password, "csrfmiddlewaretoken": token}
        data = urllib.parse.urlencode(fields).encode()
        return self.opener.open(f"{self.address}/sign-in/", data, timeout=START_S).read().decode()


def refused(home: Path, port: int) -> "subprocess.CompletedProcess[str]":
    """What a start ends with that is refused in one line."""
    command = [sys.executable, "-m", "openitb", "serve", "--port", str(port)]
    ended = subprocess.run(
        command, env=environment(home), capture_output=True, text=True, timeout=START_S, check=False
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    return ended


def patients(page: str) -> list[str]:
    return sorted(re.findall(r"/patients/([0-9a-f-]{36})/", page))


def lived_until(home: Path) -> dict[str, int]:
    implants = Home(home / "implants")
    return {serial: implants.load(serial).now_ms for serial in implants.serials()}


def pumps_of(serving: Serving) -> int:
    return int((serving.home / "implants" / "lock").read_text())


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_signs_in_stops_with_its_pumps_and_goes_on_where_it_was(tmp_path: Path) -> None:
    home = tmp_path / "home"
    before = Serving(home, free_port(), demo=True).start()
    try:
        people = patients(Browser(before.address).sign_in(*before.sign_in))
        pumps = pumps_of(before)
        assert is_alive(pumps)
    finally:
        before.stop()
    assert len(people) >= 24
    assert not is_alive(pumps)
    stopped_ms = lived_until(home)
    assert len(stopped_ms) >= 12
    assert time.time_ns() // 1_000_000 - min(stopped_ms.values()) < STOP_S * 1000

    after = Serving(home, free_port(), demo=True).start()
    try:
        assert after.sign_in == before.sign_in
        assert patients(Browser(after.address).sign_in(*after.sign_in)) == people
        started_ms = lived_until(home)
        assert started_ms.keys() == stopped_ms.keys()
        assert all(started_ms[serial] > stopped_ms[serial] for serial in stopped_ms)
    finally:
        after.stop()


def test_the_password_is_generated_and_readable_by_its_owner_only(serving: Serving, tmp_path: Path) -> None:
    file = serving.home / "sign-in.txt"
    assert file.read_text().strip() == serving.said[1].removeprefix("Sign in: ").strip()
    assert file.stat().st_mode & 0o077 == 0
    wrong = Browser(serving.address).sign_in("clinician", "clinician")
    assert "is not right" in wrong


def test_a_second_clinic_on_the_same_implants_is_refused_in_one_line(serving: Serving) -> None:
    ended = refused(serving.home, free_port())
    assert re.fullmatch(r"implants: process \d+ still runs the pumps [^\n]+\n", ended.stderr)
    Browser(serving.address).sign_in(*serving.sign_in)


def test_pumps_that_outlive_a_killed_clinic_are_named(serving: Serving) -> None:
    pumps = pumps_of(serving)
    serving.stop(signal.SIGKILL)
    try:
        ended = refused(serving.home, serving.port)
        assert is_alive(pumps)
    finally:
        os.kill(pumps, signal.SIGTERM)
    assert f"process {pumps} still runs" in ended.stderr


def test_a_port_in_use_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = refused(tmp_path / "home", port)
    assert f"--port: got {port}, which is in use" in ended.stderr
    assert not (tmp_path / "home").exists()
