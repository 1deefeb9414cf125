"""The invariants can fail: faults planted in the product, each found within a few seeds."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from openitb.implant import memory
from openitb.implant.firmware import (
    alarms,
    authority,
    changes,
    commands,
    controller,
    dose_limits,
    guard,
    patient,
    perception,
    permissions,
    roles,
    state,
    strokes,
    transfer,
    watch,
)
from openitb.implant.firmware import credits as one_time
from openitb.implant.hardware import reservoir
from openitb.prescription import program
from openitb.protocol import NoAnswerKept, Role
from openitb.telemetry import noise
from openitb.world.drill import Broken, Plan, disk, run

SEEDS = 100
STEPS = 200
Patch = pytest.MonkeyPatch


def answers_are_forgotten(patch: Patch) -> None:
    patch.setattr(commands, "_remembered", lambda firmware, *_: firmware)


def a_commit_is_answered_and_not_saved(patch: Patch) -> None:
    whole, number = disk.Disk.write_over, itertools.count(1)

    def lying(self: Any, name: str, data: bytes) -> None:
        if next(number) % 5:
            whole(self, name, data)

    patch.setattr(disk.Disk, "write_over", lying)


def a_clock_set_back_moves_the_strokes_too(patch: Patch) -> None:
    planned = changes._clock

    def burst(firmware: Any, command: Any) -> Any:
        change = planned(firmware, command)
        late_ms = command.at_ms - firmware.at_ms

        def effect(now: Any) -> Any:
            done = change.effect(now)
            owed = max(0, late_ms) * 4_800_000 // 250
            return replace(done, counter=replace(done.counter, phase=done.counter.phase + owed))

        return replace(change, effect=effect)

    patch.setattr(changes, "_clock", burst)


def an_intent_is_not_logged(patch: Patch) -> None:
    whole = commands.logged

    def dropped(firmware: Any, kind: Any, *rest: Any) -> Any:
        return firmware if "intended" in kind.value else whole(firmware, kind, *rest)

    patch.setattr(commands, "logged", dropped)


def an_old_entry_is_rewritten(patch: Patch) -> None:
    whole = state.logged

    def rewritten(firmware: Any, *rest: Any) -> Any:
        first, *others = whole(firmware, *rest).log.entries
        entries = (replace(first, actor="nobody"), *others) if len(others) > 3 else (first, *others)
        return replace(firmware, log=replace(firmware.log, entries=tuple(entries)))

    patch.setattr(commands, "logged", rewritten)


def a_slot_is_not_forced_to_disk_before_the_other_is_written(patch: Patch) -> None:
    def careless(self: Any, name: str, data: bytes) -> None:
        self._operate()
        file = self._files[name]
        file.content, file.synced, file.over = data, None, file.content
        self._operate()

    patch.setattr(disk.Disk, "write_over", careless)


def the_reservoir_count_drifts(patch: Patch) -> None:
    def drifting(believed: Any, strokes: int, stroke_nl: int) -> int:
        made = strokes - believed.filled_at_stroke
        return (made - made // 1000) * stroke_nl

    patch.setattr(state.BelievedReservoir, "drawn_nl", drifting)


def drug_vanishes_at_the_outlet(patch: Patch) -> None:
    whole = reservoir.Reservoir.without

    def leaking(self: Any, volume_nl: int) -> Any:
        left, mass_pg = whole(self, volume_nl)
        return left, mass_pg - (mass_pg > 0)

    patch.setattr(reservoir.Reservoir, "without", leaking)


def part_of_a_stroke_is_lost_when_time_is_cut(patch: Patch) -> None:
    whole = strokes.Counter.after

    def lossy(*told: Any) -> Any:
        counted = whole(*told)
        return replace(counted, phase=counted.phase // 2)

    patch.setattr(strokes.Counter, "after", lossy)


def an_alarm_is_not_raised(patch: Patch) -> None:
    patch.delitem(alarms._CAUSES, alarms.AlarmCondition.LOW_RESERVOIR)


def alarms_outlive_their_cause(patch: Patch) -> None:
    patch.setattr(alarms, "clear_gone", lambda firmware, *_: firmware)


def a_bridge_is_forgotten(patch: Patch) -> None:
    patch.setattr(changes, "bridged", lambda controller, *_: controller.stages)


def a_prime_runs_twice_as_fast(patch: Patch) -> None:
    whole = controller.rate

    def doubled(control: Any, build: Any, at_ms: int, zone_ms: int) -> int:
        factor = 2 if control.running is None and control.halt is None else 1
        return factor * whole(control, build, at_ms, zone_ms)

    patch.setattr(controller, "rate", doubled)


def a_halted_pump_is_silent(patch: Patch) -> None:
    patch.delitem(alarms._CAUSES, alarms.AlarmCondition.DELIVERY_GUARD)
    a_prime_runs_twice_as_fast(patch)


def an_old_frame_is_taken_again(patch: Patch) -> None:
    def careless(self: Any, frame: bytes) -> bytes:
        counter = int.from_bytes(frame[:8], "big")
        plain = noise._opened(self._receiving, counter, frame[8:], b"")
        if plain is None:
            raise noise.FrameError("frame: altered on the way or sealed with another key")
        return plain

    patch.setattr(noise.Transport, "open", careless)


def a_reader_may_command(patch: Patch) -> None:
    patch.setattr(roles, "require_permitted", lambda *_: None)


def any_flow_is_compiled(patch: Patch) -> None:
    patch.setattr(program, "_require_flow", lambda *_: None)


def a_stale_program_is_overwritten(patch: Patch) -> None:
    patch.setattr(changes, "require_current", lambda *_: None)


def a_restart_forgets_part_of_a_stroke(patch: Patch) -> None:
    whole = memory.from_bytes

    def forgetful(data: bytes) -> Any:
        implant = whole(data)
        counter = replace(implant.firmware.counter, phase=0)
        return replace(implant, firmware=replace(implant.firmware, counter=counter))

    patch.setattr(memory, "from_bytes", forgetful)


def an_answer_is_not_told_again(patch: Patch) -> None:
    patch.setattr(commands, "_kept", lambda _, command_id: NoAnswerKept(command_id, False))


def the_guard_lets_everything_pass(patch: Patch) -> None:
    possible = guard.Guard._is_possible
    patch.setattr(
        guard.Guard,
        "admitted",
        lambda self, train, *_: train if possible(self, train, self.last_stroke_ms) else None,
    )


def the_guard_forgets_its_windows(patch: Patch) -> None:
    patch.setattr(guard.Guard, "_within_windows", lambda _self, train, *_: train)


def the_guard_stops_what_was_ordered(patch: Patch) -> None:
    whole = authority.highest_flow
    patch.setattr(authority, "highest_flow", lambda program: whole(program) - 1)


def a_dose_limit_is_asked_of_the_program_alone(patch: Patch) -> None:
    patch.setattr(dose_limits, "foreseen_breach", lambda *_: None)


def a_credit_is_never_used_up(patch: Patch) -> None:
    patch.setattr(one_time.Ledger, "spent", lambda self, *_: self)


def a_used_credit_is_taken_again(patch: Patch) -> None:
    def careless(self: Any, credit: Any, key: bytes) -> Any:
        fresh = one_time.Open(credit, credit.flow)
        known = any(entry.credit == credit for entry in self.open)
        genuine = credit.is_sealed_by(key) and not known
        return one_time.Ledger(credit.number, (*self.open, fresh)) if genuine else self

    patch.setattr(one_time.Ledger, "accepted", careless)


def anybody_makes_credits(patch: Patch) -> None:
    patch.setattr(one_time.Credit, "is_sealed_by", lambda *_: True)


def a_credit_outlives_its_bolus(patch: Patch) -> None:
    patch.setattr(watch, "_going_on", lambda firmware, control: replace(firmware, controller=control))


def whatever_is_staged_is_committed(patch: Patch) -> None:
    whole = transfer.require

    def careless(holds: bool, field: str, reason: str) -> None:
        whole(holds or "other content" in reason, field, reason)

    patch.setattr(transfer, "require", careless)


def what_is_staged_never_expires(patch: Patch) -> None:
    patch.setattr(transfer, "current", lambda firmware: firmware.link.staged)


def another_prime_is_committed_than_was_read(patch: Patch) -> None:
    whole = transfer.commit

    def longer(firmware: Any, command: Any, plan: Any) -> Any:
        return whole(firmware, command, lambda order: plan(replace(order, prime_nl=order.prime_nl + 1_000)))

    patch.setattr(transfer, "commit", longer)


def a_lock_out_is_not_kept(patch: Patch) -> None:
    patch.setattr(patient.PatientControls, "lockout_left_ms", lambda *_: 0)


def a_patient_moves_the_dose_as_far_as_he_likes(patch: Patch) -> None:
    patch.setattr(permissions, "require_dose", lambda *_: None)
    patch.setattr(patient.PatientControls, "raise_wait_ms", lambda *_: 0)


def missed_strokes_are_counted(patch: Patch) -> None:
    whole = strokes.Counter.after
    patch.setattr(strokes.Counter, "after", lambda self, train, *_: whole(self, train))


def a_stall_is_not_noticed(patch: Patch) -> None:
    patch.setattr(perception, "stall_due_ms", lambda *_: None)
    patch.setattr(watch, "stall_due_ms", lambda *_: None)


def lost_settings_are_kept_to_oneself(patch: Patch) -> None:
    patch.delitem(alarms._CAUSES, alarms.AlarmCondition.SETTINGS_LOST)


def a_handheld_is_told_the_log(patch: Patch) -> None:
    patch.setattr(roles, "READS_LOG", frozenset(Role))


MUTANTS: dict[Callable[[Patch], None], str] = {
    answers_are_forgotten: "INV-4",
    a_commit_is_answered_and_not_saved: "INV-2 INV-9",
    a_clock_set_back_moves_the_strokes_too: "INV-10",
    an_intent_is_not_logged: "INV-8",
    an_old_entry_is_rewritten: "INV-8",
    a_slot_is_not_forced_to_disk_before_the_other_is_written: "INV-9",
    the_reservoir_count_drifts: "INV-3",
    drug_vanishes_at_the_outlet: "INV-3",
    part_of_a_stroke_is_lost_when_time_is_cut: "INV-2",
    an_alarm_is_not_raised: "INV-7",
    alarms_outlive_their_cause: "INV-7",
    a_bridge_is_forgotten: "INV-2",
    a_prime_runs_twice_as_fast: "INV-6",
    a_halted_pump_is_silent: "INV-1 INV-6",
    an_old_frame_is_taken_again: "INV-12",
    a_reader_may_command: "INV-11",
    any_flow_is_compiled: "DEL-03",
    a_stale_program_is_overwritten: "DEL-03",
    a_restart_forgets_part_of_a_stroke: "INV-9",
    an_answer_is_not_told_again: "INV-4",
    the_guard_lets_everything_pass: "INV-1",
    the_guard_forgets_its_windows: "INV-1",
    the_guard_stops_what_was_ordered: "INV-6",
    a_dose_limit_is_asked_of_the_program_alone: "INV-6",
    a_credit_is_never_used_up: "INV-1",
    a_used_credit_is_taken_again: "INV-4",
    anybody_makes_credits: "INV-1",
    a_credit_outlives_its_bolus: "INV-4",
    whatever_is_staged_is_committed: "DEL-03",
    what_is_staged_never_expires: "BOL-02",
    another_prime_is_committed_than_was_read: "INV-2",
    a_lock_out_is_not_kept: "BOL-02",
    a_patient_moves_the_dose_as_far_as_he_likes: "BOL-02",
    missed_strokes_are_counted: "INV-2",
    a_stall_is_not_noticed: "INV-7",
    lost_settings_are_kept_to_oneself: "INV-7",
    a_handheld_is_told_the_log: "INV-11",
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_planted_fault_is_found_within_a_few_seeds(
    mutant: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    mutant(monkeypatch)
    with pytest.raises(Broken) as found:
        run_all(SEEDS)
    assert found.value.rules & set(MUTANTS[mutant].split())
    assert f"openitb drill {found.value.seed} --steps {STEPS} --pumps 1" in str(found.value)


def test_the_unchanged_product_passes_the_seeds_that_find_the_faults() -> None:
    run_all(SEEDS // 5)


def run_all(seeds: int) -> None:
    for seed in range(seeds):
        run(Plan(seed, STEPS, most_pumps=1))
