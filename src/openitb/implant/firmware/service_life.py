"""When the pump must be replaced: forecast from use, and dates that bind whatever the charge.

Replacement falls due (ERI) once the charge left lasts no longer than the time from ERI to the end
of service at the programmed flow, or that long before the end of the service life. Service ends a
fixed time after ERI, never later than the service life (device.md 1.2, safety.md BAT-02, BAT-03).

Holds: BAT-02, BAT-03, TIM-06.
"""

from openitb.implant.build import BatteryDesign
from openitb.implant.firmware.strokes import Counter


def charge_used(design: BatteryDesign, counter: Counter, cost: int) -> int:
    """Charge used by now; `cost` is that of one stroke in nL/day x ms."""
    return design.used(counter.tick_ms, counter.flowed(cost))


def replacement_due_ms(design: BatteryDesign, counter: Counter, cost: int, mean_flow: int, rate: int) -> int:
    """The tick at which replacement falls due if `rate` flows on; `mean_flow` is the programmed one.

    Exact while the flow is constant, so it is asked again at each change of flow.
    """
    reserve = design.drain_per_ms(mean_flow) * design.eri_to_eos_ms
    missing = design.capacity - reserve - charge_used(design, counter, cost)
    by_charge = counter.tick_ms - (-missing // design.drain_per_ms(rate))
    return min(by_charge, design.service_life_ms - design.eri_to_eos_ms)


def service_ends_ms(design: BatteryDesign, eri_ms: int) -> int:
    """The tick at which the pump stops for good."""
    return min(eri_ms + design.eri_to_eos_ms, design.service_life_ms)
