"""A wrong environment is refused with one line that names the variable, before anything is made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from openitb.clinic import environment
from openitb.clinic.environment import EnvironmentValueError


def refusal(tmp_path: Path, *command: str, **variables: str) -> str:
    """What is said on stderr; the status is not success and nothing was made."""
    before = sorted(tmp_path.rglob("*"))
    surroundings = {**os.environ, **variables}
    ended = subprocess.run(
        [sys.executable, "-m", *command], env=surroundings, capture_output=True, text=True, check=False
    )
    assert ended.returncode
    assert sorted(tmp_path.rglob("*")) == before
    return ended.stderr


@pytest.mark.parametrize("command", [("openitb", "demo"), ("openitb.clinic", "check")])
def test_a_database_of_an_unknown_kind_is_refused_in_one_line_that_tells_no_password(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    home = str(tmp_path / "home")
    said = refusal(tmp_path, *command, OPENITB_HOME=home, DATABASE_URL="mongodb://me:secret@host/name")
    assert said.startswith("DATABASE_URL: got an address of scheme 'mongodb', expected sqlite:///file or")
    assert said.count("\n") == 1
    assert "secret" not in said


@pytest.mark.parametrize("below", ["", "/folder/in/it"])
def test_a_data_folder_that_is_a_file_is_refused_in_one_line(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    given = f"{tmp_path}/file{below}"
    said = refusal(tmp_path, "openitb", "demo", OPENITB_HOME=given)
    assert said == f"OPENITB_HOME: got {given!r}, expected a folder, there or to be made\n"
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("text", ["", "nonsense", "mysql://host/name", "postgres://host:port/name"])
def test_an_address_that_is_no_database_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("DATABASE_URL", text)
    with pytest.raises(EnvironmentValueError, match=r"^DATABASE_URL: got .*, expected \w+://"):
        environment.database("DATABASE_URL", "sqlite:///x")


def test_both_kinds_of_database_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@host:5433/clinic")
    read = environment.database("DATABASE_URL", "sqlite:///x")
    assert (read["ENGINE"], read["NAME"], read["PORT"]) == ("django.db.backends.postgresql", "clinic", 5433)
    monkeypatch.delenv("DATABASE_URL")
    assert environment.database("DATABASE_URL", "sqlite:////a/b")["NAME"] == "/a/b"
