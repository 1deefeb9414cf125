"""The log's hash chain: every kind of tampering is found and told as a value."""

from dataclasses import replace

import pytest

from openitb.protocol import Anchor, ChainFault, LogEntry, LogKind, entry_digest, verify_chain
from openitb.protocol.chain import genesis

START = genesis("NGP000001")


def chain(count: int, anchor: Anchor = START) -> tuple[LogEntry, ...]:
    entries: list[LogEntry] = []
    for _ in range(count):
        number = anchor.number + 1
        blank = LogEntry(
            number, number * 1000, number * 1000, LogKind.INTERROGATED, "nurse", (("page", number),), b""
        )
        entry = replace(blank, digest=entry_digest(anchor.digest, blank))
        entries.append(entry)
        anchor = Anchor(entry.number, entry.digest)
    return tuple(entries)


def test_a_whole_log_has_no_fault() -> None:
    assert verify_chain(chain(20), START) is None
    assert verify_chain((), START) is None


def test_a_later_page_hangs_from_the_entry_before_it() -> None:
    entries = chain(20)
    assert verify_chain(entries[7:], Anchor(entries[6].number, entries[6].digest)) is None


@pytest.mark.requirement("LOG-03")
@pytest.mark.hazard("HAZ-28")
@pytest.mark.parametrize(
    "change",
    [
        {"actor": "somebody else"},
        {"at_ms": 1},
        {"tick_ms": 1},
        {"kind": LogKind.STOPPED},
        {"detail": ()},
        {"digest": bytes(32)},
    ],
)
def test_a_changed_entry_is_found(change: dict[str, object]) -> None:
    entries = list(chain(10))
    entries[4] = replace(entries[4], **change)  # type: ignore[arg-type]  # one field at a time, by name
    assert verify_chain(entries, START) == ChainFault(5, "entry 5 does not fit the one before it")


@pytest.mark.requirement("LOG-03")
def test_a_missing_entry_is_found() -> None:
    entries = chain(10)
    assert verify_chain(entries[:3] + entries[4:], START) == ChainFault(5, "got entry 5, expected 4")


@pytest.mark.requirement("LOG-03")
def test_swapped_entries_are_found() -> None:
    a, b, c = chain(3)
    assert verify_chain((a, c, b), START) == ChainFault(3, "got entry 3, expected 2")


@pytest.mark.requirement("LOG-03")
def test_a_missing_beginning_is_found() -> None:
    assert verify_chain(chain(10)[1:], START) == ChainFault(2, "got entry 2, expected 1")


@pytest.mark.requirement("LOG-03")
def test_a_renumbered_log_of_another_pump_is_found() -> None:
    fault = verify_chain(chain(3, genesis("NGP000002")), START)
    assert fault == ChainFault(1, "entry 1 does not fit the one before it")


@pytest.mark.requirement("LOG-03")
@pytest.mark.hazard("HAZ-28")
def test_a_cut_tail_shows_against_a_head_read_earlier() -> None:
    entries = chain(10)
    head = Anchor(entries[-1].number, entries[-1].digest)
    cut = entries[:-1]
    assert verify_chain(cut, START) is None
    assert Anchor(cut[-1].number, cut[-1].digest) != head
