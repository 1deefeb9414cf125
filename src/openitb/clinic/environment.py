"""What the clinic reads from its surroundings: data folder, switches, lists, the secret key."""

import os
import secrets
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import dj_database_url

SECRET_FILE_MODE = 0o600
SECRET_BYTES = 50
DATABASE_SCHEMES = ("sqlite", "postgres", "postgresql")


class EnvironmentValueError(ValueError):
    """An environment variable holds something else than was expected; one line for a person."""


def home() -> Path:
    """The data folder: OPENITB_HOME, or `var` where the command was started; makes nothing."""
    text = os.environ.get("OPENITB_HOME", "var")
    folder = Path(text).absolute()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not text or not there.is_dir():
        raise EnvironmentValueError(f"OPENITB_HOME: got {text!r}, expected a folder, there or to be made")
    return folder


def made(folder: Path) -> Path:
    """The data folder, made on first use and only for its owner."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise EnvironmentValueError(
            f"OPENITB_HOME: got {str(folder)!r}, expected a folder that can be made ({error.strerror})"
        ) from None
    return folder


def database(name: str, default: str) -> dict[str, Any]:
    """A database as an address; only its scheme is repeated in a refusal, the rest may hold a password."""
    text = os.environ.get(name, default)
    scheme = text.partition("://")[0] if "://" in text else ""
    if scheme not in DATABASE_SCHEMES:
        raise EnvironmentValueError(
            f"{name}: got an address of scheme {scheme!r}, expected sqlite:///file or postgresql://host/name"
        )
    try:
        return dict(dj_database_url.parse(text))
    except ValueError:
        raise EnvironmentValueError(
            f"{name}: got a {scheme} address that does not read, expected {scheme}://user@host:port/name"
        ) from None


def switch(name: str, default: bool) -> bool:
    """A yes/no variable; anything but 1, 0, yes, no, true, false is refused."""
    text = os.environ.get(name)
    if text is None:
        return default
    known = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}
    if text.lower() not in known:
        raise EnvironmentValueError(f"{name}: got {text!r}, expected 1 or 0")
    return known[text.lower()]


def listed(name: str, default: list[str]) -> list[str]:
    """A comma-separated variable."""
    text = os.environ.get(name)
    return default if text is None else [part.strip() for part in text.split(",") if part.strip()]


def whole(name: str, default: int, *, at_least: int = 0) -> int:
    """A whole-number variable, refused below `at_least`."""
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or int(text) < at_least:
        raise EnvironmentValueError(f"{name}: got {text!r}, expected a whole number from {at_least}")
    return int(text)


def one_of(name: str, choices: tuple[str, ...]) -> str:
    """A variable with few allowed values; the first is the default."""
    text = os.environ.get(name, choices[0])
    if text not in choices:
        raise EnvironmentValueError(f"{name}: got {text!r}, expected one of {', '.join(choices)}")
    return text


def zone(name: str, default: str) -> str:
    """A variable that names a time zone, such as Europe/Berlin."""
    text = os.environ.get(name, default)
    if text not in available_timezones():
        raise EnvironmentValueError(f"{name}: got {text!r}, expected a zone name such as Europe/Berlin")
    return text


def secret_key(folder: Path) -> str:
    """The signing key of this installation, generated at first start into a file only its owner reads."""
    path = folder / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_FILE_MODE)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(SECRET_BYTES))
    return path.read_text(encoding="ascii")
