"""The corpus of the fuzzers, and every input that ever broke a reader, read again without a fuzzer."""

from pathlib import Path

import pytest

from openitb.implant.store import from_bytes
from openitb.protocol import decode_reply, decode_request, read_library
from tools.fuzz import seeds
from tools.fuzz.targets import TARGETS, contact

CORPUS = Path(__file__).with_name("corpus")
INPUTS = sorted(file.relative_to(CORPUS) for file in CORPUS.rglob("*") if file.is_file())


@pytest.mark.requirement("TEL-08")
@pytest.mark.parametrize("name", INPUTS, ids=str)
def test_a_reader_takes_the_input_and_writes_it_back_or_refuses_it_in_one_line(name: Path) -> None:
    TARGETS[name.parts[0]]((CORPUS / name).read_bytes())


@pytest.mark.requirement("TEL-08")
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_at_all_is_refused_too(target: str) -> None:
    TARGETS[target](b"")


def test_every_target_has_a_corpus() -> None:
    assert {name.parts[0] for name in INPUTS} == set(TARGETS)


READERS = {"request": decode_request, "reply": decode_reply, "memory": from_bytes, "library": read_library}


@pytest.mark.parametrize("target", READERS)
def test_the_seeds_are_read_and_not_refused(target: str) -> None:
    for seed in (CORPUS / target).glob("seed-*"):
        READERS[target](seed.read_bytes())  # refused? `python -m tools.fuzz --seeds` writes them again


def test_the_seeds_of_a_contact_get_through_to_the_sealed_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[str] = []
    for room in ("request", "small"):
        monkeypatch.setattr(f"tools.fuzz.targets.{room}", lambda _data, room=room: reached.append(room))
    for seed in seeds.seeds()["contact"]:
        contact(seed)
    assert reached == ["request", "request", "small"]
