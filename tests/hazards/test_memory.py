"""Hazards of memory and record, each with the part that stands against it and without it."""

from dataclasses import replace
from random import Random, SystemRandom

import pytest

from openitb.implant import (
    Implant,
    ImplantError,
    SpellKind,
    from_bytes,
    latched_alarms,
    log_entries,
    program_digest,
    to_bytes,
)
from openitb.implant.faults.bad_store import BadStore, Failure, PowerLostError
from openitb.implant.faults.chance import drawn
from openitb.implant.memory import Slot, recall, save
from openitb.prescription import SimpleContinuous
from openitb.protocol import LogKind
from tests.hazards.parts import (
    DAY,
    HOUR,
    MINUTE,
    PER_DAY_NL,
    UG,
    both,
    lay,
    mad_flow,
    silently_without_drug,
    treated,
)


@pytest.mark.hazard("HAZ-11")
@pytest.mark.hazard("HAZ-11", without="the check of memory each hour")
def test_a_bit_flips_in_the_program_that_runs() -> None:
    def unheard() -> bool:
        pump = treated()
        pump.run(30 * MINUTE)
        mad_flow(pump, PER_DAY_NL - 2**18)  # a third of the dose: less than ordered, so no guard minds
        pump.run_days(1)
        pump.run_days(1)
        return not latched_alarms(pump.implant) and pump.parcels[-1].volume_nl < PER_DAY_NL

    off = {"openitb.implant.implant.check_due_ms": lambda *_: None}
    assert both(unheard, off) == (False, True)


@pytest.mark.hazard("HAZ-12")
@pytest.mark.hazard("HAZ-12", without="the second slot")
@pytest.mark.parametrize("failure", [Failure.TORN, Failure.ERASED, Failure.SHUFFLED])
def test_power_goes_while_a_program_is_written(failure: Failure) -> None:
    def survives() -> bool:
        pump, store = treated(), BadStore()
        keep(store, pump.implant)
        before = program_digest(pump.implant)
        pump.order(SimpleContinuous(240 * UG))
        store.fails_at, store.failure, store.writes = 1, failure, 0
        with pytest.raises(PowerLostError):
            keep(store, pump.implant)
        store.power_on()
        try:
            return program_digest(recall(store)) in {before, program_digest(pump.implant)}
        except ImplantError:
            return False

    assert both(survives, {"tests.hazards.test_memory.keep": one_slot}) == (True, False)


def keep(store: BadStore, implant: Implant) -> None:
    """Save as the pump does."""
    save(store, implant)


def one_slot(store: BadStore, implant: Implant) -> None:
    """Save over the only copy."""
    elsewhere = BadStore()
    save(elsewhere, implant)
    store.write(Slot.A, elsewhere.slots[Slot.A])


@pytest.mark.hazard("HAZ-28")
@pytest.mark.hazard("HAZ-28", without="the chain of the log")
def test_somebody_takes_an_overdose_out_of_the_log() -> None:
    def believed() -> bool:
        pump = treated()
        pump.order(SimpleContinuous(2_000 * UG))
        pump.run(HOUR)
        pump.order(SimpleContinuous(200 * UG))
        log = pump.implant.firmware.log
        kept = tuple(e for e in log.entries if e.get("dose_pg_per_day") != 2_000 * UG)
        forged = replace(pump.implant.firmware, log=replace(log, entries=kept))
        try:
            back = from_bytes(to_bytes(replace(pump.implant, firmware=forged)))
        except ImplantError:
            return False
        told = {e.get("dose_pg_per_day") for e in log_entries(back) if e.kind is LogKind.PROGRAM_CHANGED}
        return told == {200 * UG}

    assert both(believed, {"openitb.implant.store.verify_chain": lambda *_: None}) == (False, True)


@pytest.mark.hazard("HAZ-34")
@pytest.mark.hazard("HAZ-34", without="the seed")
def test_a_failure_that_cannot_be_made_again() -> None:
    def differs() -> bool:
        lives = [life(seeded()) for _ in range(4)]
        return any(other != lives[0] for other in lives)

    assert both(differs, {"tests.hazards.test_memory.seeded": SystemRandom}) == (False, True)


def seeded() -> Random:
    """Chance that can be had again."""
    return Random(7)  # noqa: S311  # chance of a simulation, not a secret


def life(chance: Random) -> bytes:
    """A pump in a scanner, as chance has it."""
    pump = treated()
    met = drawn("F-16", chance)
    still_ms = next(fact.whole("ms") for name, fact in met.facts.items() if name == "returns")
    lay(pump, SpellKind.STILL, HOUR, 2 * HOUR + still_ms)
    pump.run(2 * DAY)
    return to_bytes(pump.implant)


@pytest.mark.hazard("HAZ-11")
def test_a_flow_that_memory_lost_altogether_is_no_silent_end() -> None:
    pump = treated()
    mad_flow(pump, 0)
    pump.run_days(1)
    assert not silently_without_drug(pump)
