"""Records are made and changed as by the standard library, only more quickly."""

import dataclasses
from dataclasses import dataclass, field

import pytest

from openitb.records import quick, remembered, replace


@dataclass(frozen=True, slots=True)
class Plain:
    number: int
    name: str = "nobody"

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError(f"number: got {self.number}, expected 0 or more")


@quick
@dataclass(frozen=True, slots=True)
class Quick:
    number: int
    name: str = "nobody"
    note: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError(f"number: got {self.number}, expected 0 or more")


def test_a_record_is_made_by_place_by_name_and_by_default() -> None:
    assert Quick(1, name="x") == Quick(number=1, name="x") != Quick(1)
    assert (Quick(1).name, Quick(1, note="y").note) == ("nobody", "y")


def test_what_is_missing_or_unknown_is_refused() -> None:
    for given in ({}, {"number": 1, "other": 2}):
        with pytest.raises(TypeError):
            Quick(**given)
    for kind in (Plain, Quick):
        with pytest.raises(TypeError):
            replace(kind(1), other=2)


@pytest.mark.parametrize("kind", [Plain, Quick])
def test_a_changed_record_differs_in_what_was_changed(kind: type) -> None:
    before = kind(1, "x")
    after = replace(before, number=2)
    assert after == kind(2, "x") == dataclasses.replace(before, number=2)
    assert (before, type(after)) == (kind(1, "x"), kind)
    assert replace(before, name="") == kind(1, "")


@pytest.mark.parametrize("kind", [Plain, Quick])
def test_a_record_checks_itself_however_it_came_about(kind: type) -> None:
    for make in (lambda: kind(-1), lambda: replace(kind(1), number=-1)):
        with pytest.raises(ValueError, match="number: got -1"):
            make()


def test_a_record_stays_frozen() -> None:
    for made in (Quick(1), replace(Quick(2), number=1)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            made.number = 2


def test_a_record_without_slots_is_changed_too() -> None:
    loose = dataclasses.make_dataclass("Loose", [("a", int), ("b", int)], frozen=True)
    assert replace(loose(1, 2), b=3) == loose(1, 3)


def test_what_a_record_gave_is_remembered_for_that_record_alone() -> None:
    asked: list[int] = []

    @remembered
    def double(made: Plain) -> int:
        asked.append(made.number)
        return 2 * made.number

    for number in range(3_000):
        made = Plain(number)  # a new record, often where the last one lay
        assert double(made) == double(made) == 2 * number
    assert asked == list(range(3_000))
