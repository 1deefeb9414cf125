"""One instant and one cast for all tests; whoever needs a played story plays only that one."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

import pytest

from openitb.clinic.demo.cast import Cast, Person, load_cast
from openitb.clinic.demo.play import Played, play
from openitb.clinic.demo.story import Story, tell

NOW_MS = round(datetime(2026, 2, 18, 8, 37, 12, 345_000, tzinfo=UTC).timestamp() * 1000)


@lru_cache(maxsize=1)
def _cast() -> Cast:
    return load_cast()


def _person(number: str) -> Person:
    return next(person for person in _cast().person if person.number == number)


@lru_cache(maxsize=64)
def _played(number: str) -> Played:
    return play(tell(_person(number), _cast().house, NOW_MS))


@pytest.fixture
def now_ms() -> int:
    return NOW_MS


@pytest.fixture
def cast() -> Cast:
    return _cast()


@pytest.fixture
def person() -> Callable[[str], Person]:
    return _person


@pytest.fixture
def told(cast: Cast) -> Callable[[Person], Story]:
    return lambda someone: tell(someone, cast.house, NOW_MS)


@pytest.fixture
def played() -> Callable[[str], Played]:
    return _played
