"""A small study that tests bend to their ends."""

from collections.abc import Callable
from pathlib import Path

import pytest

from openitb.cohort.study import Study, load

SMALL = """
study = 1
title = "Small"
question = "Does it run?"
seed = 7
horizon = "40 day"
primary = "withdrawal"
[population]
people = 4
causes = { spinal = 0.5, cerebral = 0.5 }
[system]
pump = "synchromed-ii-20"
catheter = "ascenda-8780"
implanted_length = "80 cm"
tip = "T12"
concentration = "500 ug/mL"
fill = "10 mL"
[start]
state = "established"
dose = "300 ug/day"
[visits]
every = "10 day"
[[outcome]]
name = "withdrawal"
series = "withdrawal"
at_least = 0.3
show = "share"
"""
CALM = 'delay = "0 day"\nno_show = "0 %"\nabsence = "0 %"\n'

Made = Callable[..., Study]


@pytest.fixture
def small() -> str:
    return SMALL


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A study from the small one with pieces of its text replaced and lines added."""

    def make(*replaced: tuple[str, str], more: str = "", calm: bool = True) -> Study:
        text = SMALL
        for old, new in ((('every = "10 day"\n', 'every = "10 day"\n' + CALM),) if calm else ()) + replaced:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "small.toml"
        path.write_text(text + more)
        return load(path)

    return make
