"""Taking one part out, so that a hazard is lived with it and without it; harm is what truth shows."""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from openitb import units
from openitb.implant import Implant, Spell, SpellKind, latched_alarms, with_spells
from openitb.implant.firmware import alarms
from openitb.prescription import SimpleContinuous, WeekStep
from openitb.protocol import AlarmCondition
from tests.implant.conftest import START_MS, Bench

DAY, HOUR, MINUTE, SECOND = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN, units.MS_PER_S
UG = units.PG_PER_UG
SIMPLE = SimpleContinuous(200 * UG)  # 0.4 mL/day of 500 µg/mL
PER_DAY_NL = 400_000

Harm = TypeVar("Harm")


def both(harm: Callable[[], Harm], taken_out: dict[str, object]) -> tuple[Harm, Harm]:
    """What comes of it with every part in place, and with those replaced.

    Parts go by their dotted name, or as `module:name` where a function hides its module.
    """
    held = harm()
    with pytest.MonkeyPatch.context() as patch:
        for target, stand_in in taken_out.items():
            module, _, name = target.partition(":")
            if name:
                patch.setattr(sys.modules[module], name, stand_in)
            else:
                patch.setattr(target, stand_in)
        return held, harm()


GUARD_OFF = {"openitb.implant.firmware.guard.Guard.admitted": lambda _guard, train, _charges=(): train}


def never_told(*conditions: AlarmCondition) -> dict[str, object]:
    """A pump that does not look for these."""
    causes = {c: holds for c, holds in alarms._CAUSES.items() if c not in conditions}
    return {"openitb.implant.firmware.alarms._CAUSES": causes}


def lay(pump: Bench, kind: SpellKind, start: int, end: int | None = None, amount: int = 0) -> None:
    """A fault of the parts, in ms from the start."""
    spell = Spell(kind, START_MS + start, None if end is None else START_MS + end, amount)
    pump.implant = with_spells(pump.implant, (spell,))


def mad(pump: Bench, **changed: object) -> None:
    """A controller that no longer is what was ordered."""
    pump.implant = with_controller(pump.implant, **changed)


def mad_flow(pump: Bench, nl_per_day: int) -> None:
    """A controller that runs another flow."""
    program = pump.implant.firmware.controller.program
    mad(pump, program=replace(program, week=(WeekStep(0, nl_per_day),)))


def with_controller(implant: Implant, **changed: object) -> Implant:
    firmware = implant.firmware
    control = replace(firmware.controller, **changed)
    return replace(implant, firmware=replace(firmware, controller=control))


def treated(**made: object) -> Bench:
    """A pump that gives 200 µg a day."""
    pump = Bench(**made)
    pump.order(SIMPLE)
    return pump


def silently_without_drug(pump: Bench, of_last_ms: int = DAY) -> bool:
    """True if the patient got next to nothing for so long and the pump tells nobody that it is urgent."""
    since_ms = pump.implant.now_ms - of_last_ms
    got_nl = sum(p.volume_nl for p in pump.parcels if p.start_ms >= since_ms)
    urgent = alarms.CRITICAL.intersection(latched_alarms(pump.implant))
    return got_nl < PER_DAY_NL * of_last_ms // DAY // 10 and not urgent
