"""Pairing: who knows the code gets in, once, and both ends show the same digits."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb.telemetry import (
    Candidate,
    Challenges,
    HandshakeError,
    Hello,
    KeyPair,
    Keys,
    LinkDown,
    NearDialer,
    NoAnswer,
    code_text,
    new_code,
    pair,
    read_code,
)

SERIAL = "NGP1"


@dataclass
class CardGate:
    """An implant that can be paired while `code` is set; a whole gate for the link besides."""

    own: KeyPair = field(default_factory=KeyPair.generate)
    code: bytes = b""
    taken: list[tuple[bytes, str, bytes]] = field(default_factory=list)

    def carries(self, _serial: str, _size: int) -> bool:
        return True

    def keys_for(self, _hello: Hello) -> Keys | None:
        return None

    def answer(self, _hello: Hello, _request: bytes) -> bytes:
        raise AssertionError("no session was opened")

    def pairing(self, serial: str) -> "CardGate | None":
        return self if self.code and serial == SERIAL else None

    def admit(self, public: bytes, digits: str, request: bytes) -> bytes:
        self.taken.append((public, digits, request))
        return b"welcome"

    def ended(self, _hello: Hello) -> None:
        raise AssertionError("no session was opened")


@pytest.fixture
def gate() -> CardGate:
    return CardGate(code=new_code())


@pytest.fixture
def dialer(gate: CardGate) -> Iterator[NearDialer]:
    return NearDialer(gate, Challenges(1))


@pytest.mark.requirement("TEL-09")
def test_who_knows_the_code_is_paired_and_both_ends_show_the_same_digits(
    gate: CardGate, dialer: NearDialer
) -> None:
    own = KeyPair.generate()
    paired = pair(dialer, SERIAL, Candidate(own, gate.code, b"the ward"))
    assert (paired.answer, paired.implant_public) == (b"welcome", gate.own.public)
    assert gate.taken == [(own.public, paired.digits, b"the ward")]
    assert len(paired.digits) == 6


@pytest.mark.requirement("TEL-09")
def test_a_wrong_code_is_turned_away(gate: CardGate, dialer: NearDialer) -> None:
    with pytest.raises(LinkDown, match="not paired"):
        pair(dialer, SERIAL, Candidate(KeyPair.generate(), new_code(), b"thief"))
    assert gate.taken == []


@pytest.mark.requirement("TEL-09")
def test_a_closed_gate_turns_everybody_away(gate: CardGate, dialer: NearDialer) -> None:
    code, gate.code = gate.code, b""
    with pytest.raises(LinkDown, match="not paired"):
        pair(dialer, SERIAL, Candidate(KeyPair.generate(), code, b"too late"))
    assert gate.taken == []


class Impostor(CardGate):
    """An implant of its own in between, which does not know the code that the caller typed."""


@pytest.mark.requirement("TEL-09")
def test_somebody_in_between_without_the_code_learns_nothing_and_is_not_trusted(gate: CardGate) -> None:
    between = Impostor(code=new_code())
    with pytest.raises(LinkDown):
        pair(NearDialer(between, Challenges(1)), SERIAL, Candidate(KeyPair.generate(), gate.code, b"me"))
    assert between.taken == []


@pytest.mark.requirement("TEL-09")
def test_a_pairing_whose_answer_is_lost_is_unknown(gate: CardGate) -> None:
    frames = iter(range(99))

    def deaf(frame: bytes) -> tuple[bytes, ...]:
        return (frame,) if next(frames) < 2 else ()

    dialer = NearDialer(gate, Challenges(1), to_programmer=deaf)
    with pytest.raises(NoAnswer, match="may have been paired"):
        pair(dialer, SERIAL, Candidate(KeyPair.generate(), gate.code, b"me"))
    assert len(gate.taken) == 1


def test_a_code_typed_as_printed_or_in_small_letters_is_read(gate: CardGate) -> None:
    printed = code_text(gate.code)
    assert read_code(printed) == read_code(printed.lower().replace("-", " ")) == gate.code


@given(st.text(max_size=40))
def test_other_text_is_no_code(text: str) -> None:
    with pytest.raises(HandshakeError, match="expected a code of 26"):
        read_code(text)


@pytest.mark.requirement("TEL-14")
def test_code_and_keys_are_not_in_what_is_printed() -> None:
    candidate = Candidate(KeyPair.generate(), new_code(), b"me")
    assert repr(candidate.code) not in repr(candidate)
    assert repr(candidate.own.private) not in repr(candidate)
