"""What a specimen is by design: constants of its model, fixed when it is made.

They are copied out of the catalogue once, so that a later edition of the catalogue does not change
a pump that is already in a body.
"""

from dataclasses import dataclass

from openitb import catalogue, units
from openitb.catalogue import Catalogue, Entry, Pump
from openitb.implant.errors import ImplantError
from openitb.implant.firmware.supervision import Supervision, supervision_of
from openitb.implant.firmware.surveillance import MILLION, Meter, meter_of


@dataclass(frozen=True, slots=True)
class Build:
    """Model constants of one implant; volumes in nL, flows in nL/day, times in ms of its own clock."""

    serial: str
    pump_id: str
    stroke_nl: int
    residual_nl: int
    capacity_nl: int
    highest_flow_nl_per_day: int
    default_low_alarm_nl: int
    largest_stage_nl: int
    stop_warning_ms: int
    stopped_too_long_ms: int
    stall_qualifier_ms: int
    guard_windows_ms: tuple[int, ...]
    bridge_stall_ms: int
    most_repeats: int
    repeats_within_ms: int
    battery: "BatteryDesign"
    modes: "ModeLimits"
    supervision: Supervision
    meter: Meter | None = None
    level_tolerance_nl: int | None = None

    def __post_init__(self) -> None:
        if not self.serial:
            raise ImplantError("serial: got an empty text, expected a serial number")
        if min(self.stroke_nl, self.highest_flow_nl_per_day, self.battery.idle) <= 0:
            raise ImplantError(f"{self.pump_id}: expected stroke, highest flow and idle drain above zero")

    @property
    def stroke_cost(self) -> int:
        """One stroke in the unit of accumulated flow, nL/day x ms."""
        return self.stroke_nl * units.MS_PER_DAY


@dataclass(frozen=True, slots=True)
class ModeLimits:
    """What the pump holds doses beside the program to, whoever orders them; volumes in nL, times in ms.

    Holds: BOL-07.
    """

    smallest_bolus_nl: int
    largest_bolus_nl: int
    shortest_bolus_ms: int
    longest_bolus_ms: int
    shortest_lockout_ms: int
    longest_lockout_ms: int
    most_boluses_per_day: int
    boluses_counted_over_ms: int
    largest_step_percent: int
    widest_range_percent: int
    increase_interval_ms: int


@dataclass(frozen=True, slots=True)
class BatteryDesign:
    """How use drains the cell, and the dates that bind whatever the charge.

    Charge is counted in whole units of the catalogue's placeholder curve, months = capacity / (idle +
    per flow x Q in mL/day), multiplied out to ms and nL/day so that nothing is divided. A model with
    a stated battery life of its own keeps the shape of the curve, stretched to that life.
    """

    capacity_ms: int
    idle: int
    per_flow: int
    service_life_ms: int
    eri_to_eos_ms: int

    @property
    def capacity(self) -> int:
        """Charge of a new cell."""
        return self.capacity_ms * units.NL_PER_ML

    def used(self, tick_ms: int, flowed: int) -> int:
        """Charge used after `tick_ms` of life and `flowed` nL/day x ms of flow."""
        return self.idle * units.NL_PER_ML * tick_ms + self.per_flow * flowed

    def drain_per_ms(self, rate_nl_per_day: int) -> int:
        """Charge used each ms at a constant flow; always above zero."""
        return self.idle * units.NL_PER_ML + self.per_flow * rate_nl_per_day


def build_of(serial: str, pump: Pump, metered: bool = False, sensed: bool = False) -> Build:
    """The constants of a new specimen of `pump`; `ImplantError` for an empty serial.

    `metered` fits the virtual outlet meter, which no real model is known to have, `sensed` a sensor of
    the level in the reservoir, which no model of the catalogue has.
    """
    practice = catalogue.load().practice
    return Build(
        serial=serial,
        pump_id=pump.entry_id,
        stroke_nl=pump.stroke_volume_nl,
        residual_nl=pump.residual_volume_nl,
        capacity_nl=pump.reservoir_capacity_nl,
        highest_flow_nl_per_day=pump.highest_flow_nl_per_day,
        default_low_alarm_nl=pump.low_reservoir_alarm_nl,
        largest_stage_nl=practice["implant"].fact("largest_stage").whole("nL"),
        stop_warning_ms=practice["stop"].fact("warning").whole("ms"),
        stopped_too_long_ms=practice["alarms"].fact("stopped_too_long").whole("ms"),
        stall_qualifier_ms=practice["alarms"].fact("stall_qualifier").whole("ms"),
        guard_windows_ms=tuple(
            fact.whole("ms") for name, fact in practice["guard"].facts.items() if name.startswith("window_")
        ),
        bridge_stall_ms=practice["guard"].fact("bridge_stall").whole("ms"),
        most_repeats=practice["alarm-restart"].fact("repeats").whole("1"),
        repeats_within_ms=practice["alarm-restart"].fact("within").whole("ms"),
        battery=_battery_of(pump, practice["battery"]),
        modes=_mode_limits(catalogue.load()),
        supervision=supervision_of(practice),
        meter=outlet_meter(pump) if metered else None,
        level_tolerance_nl=practice["requirement-values"].fact("res_10_tolerance").whole("nL")
        if sensed
        else None,
    )


def outlet_meter(pump: Pump) -> Meter:
    """The virtual meter on a pump of that model: its band is the model's accuracy and the meter's own."""
    facts = catalogue.load().practice["surveillance"]
    per_percent = MILLION // 100
    return meter_of(
        accuracy_ppm=units.round_half_even(pump.fact("flow_accuracy").number("percent") * per_percent),
        error_ppm=units.round_half_even(facts.fact("meter_error").number("percent") * per_percent),
        margin_nl=facts.fact("meter_margin").whole("nL"),
    )


def _mode_limits(known: Catalogue) -> ModeLimits:
    single, patient = known.practice["bolus"], known.practice["patient-bolus"]
    moved, everyone = known.practice["patient-adjustment"], known.limits["every-patient"]
    return ModeLimits(
        smallest_bolus_nl=single.fact("smallest_volume").whole("nL"),
        largest_bolus_nl=single.fact("largest_volume").whole("nL"),
        shortest_bolus_ms=single.fact("shortest_duration").whole("ms"),
        longest_bolus_ms=single.fact("longest_duration").whole("ms"),
        shortest_lockout_ms=patient.fact("shortest_lockout").whole("ms"),
        longest_lockout_ms=patient.fact("longest_lockout").whole("ms"),
        most_boluses_per_day=patient.fact("most_per_day").whole("1"),
        boluses_counted_over_ms=patient.fact("counted_over").whole("ms"),
        largest_step_percent=moved.fact("largest_step").whole("percent"),
        widest_range_percent=moved.fact("widest_range").whole("percent"),
        increase_interval_ms=everyone.fact("increase_interval").whole("ms"),
    )


def _battery_of(pump: Pump, practice: Entry) -> BatteryDesign:
    usual_life_ms = practice.fact("service_life").whole("ms")
    own_life = pump.facts.get("battery_life")
    life_ms = own_life.whole("ms") if own_life else usual_life_ms
    month_ms = units.round_half_even(units.convert(1, "month", "ms"))
    capacity_ms = practice.fact("longevity_capacity").whole("1") * month_ms
    return BatteryDesign(
        capacity_ms=capacity_ms * life_ms // usual_life_ms,
        idle=practice.fact("longevity_idle").whole("1"),
        per_flow=practice.fact("longevity_per_flow").whole("1"),
        service_life_ms=life_ms,
        eri_to_eos_ms=practice.fact("eri_to_eos").whole("ms"),
    )
