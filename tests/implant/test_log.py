"""A log in limited memory: the oldest give way, the chain goes on, and the anchor can be trusted."""

from dataclasses import replace

import pytest

from openitb.implant import Implant, from_bytes, log_entries, to_bytes
from openitb.implant.firmware.log import Instant, Log, new_log
from openitb.protocol import Anchor, Interrogate, LogKind, Refused, verify_chain

SMALL = 8


def small(block: int = 3) -> Log:
    return replace(new_log("NGP1"), capacity=SMALL, block=block)


def filled(log: Log, count: int, kind: LogKind = LogKind.INTERROGATED) -> Log:
    for number in range(count):
        log = log.appended(Instant(number, number), kind, "pump", ())
    return log


@pytest.mark.requirement("LOG-03", "LOG-04")
def test_it_never_holds_more_than_fits_and_its_chain_stays_whole() -> None:
    log = small()
    for _ in range(100):
        log = filled(log, 1)
        assert len(log.entries) <= SMALL
        assert verify_chain(log.entries, log.anchor) is None


def test_numbers_go_on_without_a_gap_and_the_last_ones_are_kept() -> None:
    log = filled(small(), 40)
    numbers = [entry.number for entry in log.entries]
    assert numbers == list(range(log.anchor.number + 1, log.head.number + 1))
    assert len(numbers) >= SMALL - 3


def test_the_entry_about_a_wrap_holds_the_anchor_that_the_chain_then_seals() -> None:
    log = filled(small(), 8)
    (wrapped,) = (entry for entry in log.entries if entry.kind is LogKind.LOG_WRAPPED)
    assert (wrapped.get("anchor"), wrapped.get("digest")) == (log.anchor.number, log.anchor.digest.hex())


def test_another_anchor_does_not_carry_the_chain() -> None:
    log = filled(small(), 30)
    forged = Anchor(log.anchor.number, bytes(32))
    assert verify_chain(log.entries, forged) is not None


def test_the_alarms_that_gave_way_are_counted() -> None:
    log = filled(filled(small(), 2, LogKind.ALARM_RAISED), 6)
    (wrapped,) = (entry for entry in log.entries if entry.kind is LogKind.LOG_WRAPPED)
    assert wrapped.get("alarms") == 2


@pytest.fixture
def worn(bench: object) -> Implant:
    """An implant that was read so often that its log has wrapped."""
    for _ in range(bench.implant.firmware.log.capacity + 10):
        bench.read()
    return bench.implant


@pytest.mark.requirement("LOG-04", "LOG-05")
def test_a_pump_keeps_a_thousand_entries_and_says_where_its_log_begins(worn: Implant, bench: object) -> None:
    assert len(log_entries(worn)) >= 1000
    begins = worn.firmware.log.anchor.number
    assert begins > 0
    told = bench.tell(Interrogate("nurse", log_after=begins - 1))
    assert isinstance(told, Refused)
    assert told.field == "log_after"
    page = bench.tell(Interrogate("nurse", log_after=begins))
    assert page.log_anchor == worn.firmware.log.anchor
    assert verify_chain(page.log, page.log_anchor) is None


def test_a_wrapped_log_is_saved_and_read_back(worn: Implant) -> None:
    assert from_bytes(to_bytes(worn)) == worn
