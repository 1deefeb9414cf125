"""Delivery check: what refill visits and the last reading say about how truly a pump delivers."""

from dataclasses import dataclass
from itertools import pairwise

from openitb import catalogue, units
from openitb.catalogue import Confidence, Pump
from openitb.clinic.desk import instants
from openitb.clinic.desk.ports import Figure, PumpReading
from openitb.clinic.record.models import RefillRecord, System
from openitb.guidance import DiscrepancyAnswer, calls_for_escalation, volume_discrepancy
from openitb.prescription.answers import CalculationError
from openitb.twin import (
    EmptiedReservoir,
    FlowInference,
    NothingToInfer,
    ReservoirNow,
    ReservoirPrediction,
    TwinError,
    infer_flow,
    predict_reservoir,
)
from openitb.twin.flow import percent

FEWEST_REFILLS = 2
_PER_CENT = 100
_LEAST_SHOWN = 0.1  # per cent

Fact = tuple[str, Figure]


@dataclass(frozen=True, slots=True)
class Residual:
    """One refill visit, and what the difference calls for."""

    visit: EmptiedReservoir
    judged: DiscrepancyAnswer

    @property
    def difference_nl(self) -> int:
        """Drawn less expected."""
        return -self.visit.missing_nl


@dataclass(frozen=True, slots=True)
class DeliveryCheck:
    """Residuals newest first, figures inferred from them, what to ask, and in words what cannot be said."""

    residuals: tuple[Residual, ...] = ()
    facts: tuple[Fact, ...] = ()
    asks: tuple[str, ...] = ()
    escalates: bool = False
    notes: tuple[str, ...] = ()
    nothing: str = ""

    @property
    def is_in_doubt(self) -> bool:
        """Whether somebody has to look into the last refill."""
        return bool(self.asks)


def delivery_check(system: System, reading: PumpReading | None) -> DeliveryCheck | None:
    """The check for a system with at least two refills, None for fewer; never raises for an odd record."""
    refills = list(system.refills.order_by("at", "id"))
    if len(refills) < FEWEST_REFILLS:
        return None
    try:
        return _check(catalogue.load().pump(system.pump_id), refills, reading)
    except (TwinError, CalculationError) as error:
        return DeliveryCheck(nothing=f"The refills on record do not make sense together: {error}.")


def _check(pump: Pump, refills: list[RefillRecord], reading: PumpReading | None) -> DeliveryCheck:
    pairs = ((before, now) for before, now in pairwise(refills) if now.expected_nl is not None)
    visits = tuple(_visit(before, now) for before, now in pairs)
    flow = infer_flow(visits, pump)
    residuals = tuple(Residual(visit, _judged(visit)) for visit in visits)
    judged = tuple(residual.judged for residual in residuals)
    ahead = _reservoir(flow, refills[-1], reading, pump)
    return DeliveryCheck(
        residuals=residuals[::-1],
        facts=(*_flow_facts(flow, pump), *_reservoir_facts(ahead)),
        asks=judged[-1].asks if judged else (),
        escalates=calls_for_escalation(judged),
        notes=flow.notes if isinstance(flow, FlowInference) else (),
        nothing=_nothing(flow, ahead),
    )


def _visit(before: RefillRecord, now: RefillRecord) -> EmptiedReservoir:
    """A refill; the pump counted what could be drawn out after the one before, less what still can."""
    expected_nl = now.expected_nl or 0
    delivered_nl = before.injected_nl - expected_nl
    return EmptiedReservoir(instants.to_ms(now.at), expected_nl, now.aspirated_nl, delivered_nl)


def _judged(visit: EmptiedReservoir) -> DiscrepancyAnswer:
    return volume_discrepancy(visit.expected_nl, visit.aspirated_nl, visit.delivered_nl)


def _reservoir(
    flow: FlowInference | NothingToInfer, filled: RefillRecord, reading: PumpReading | None, pump: Pump
) -> ReservoirPrediction | None:
    """The reservoir at the reading; None without a reading since the last refill."""
    if reading is None or reading.at_ms < instants.to_ms(filled.at):
        return None
    filled_nl = pump.residual_volume_nl + filled.injected_nl
    now = ReservoirNow(
        at_ms=reading.at_ms,
        filled_nl=filled_nl,
        delivered_nl=filled_nl - reading.reservoir_nl,
        rate_nl_per_day=reading.program.mean_flow_nl_per_day,
        alarm_nl=reading.low_reservoir_alarm_nl,
    )
    return predict_reservoir(flow, now, pump)


def _flow_facts(flow: FlowInference | NothingToInfer, pump: Pump) -> tuple[Fact, ...]:
    if isinstance(flow, NothingToInfer):
        return ()
    beyond = units.format_number(float(pump.flow_accuracy) * _PER_CENT, 1)
    return (
        ("Flow error, likely", _inferred(percent(flow.gain.mean))),
        (f"{_percent(flow.band)} band", _inferred(f"{percent(flow.gain_low)} to {percent(flow.gain_high)}")),
        (f"Beyond the labelled {beyond} %", _inferred(_probability(flow.outside_accuracy))),
        ("So far off in a healthy pump", _inferred(_probability(flow.healthy_tail))),
    )


def _reservoir_facts(ahead: ReservoirPrediction | None) -> tuple[Fact, ...]:
    if ahead is None:
        return ()
    return (
        ("Reservoir by the pump's count", Figure(f"{_ml(ahead.believed_ml)} mL")),
        ("Truly, likely", _inferred(f"{_ml(ahead.likely_ml)} mL")),
        (f"{_percent(ahead.band)} band", _inferred(f"{_ml(ahead.low_ml)} to {_ml(ahead.high_ml)} mL")),
        ("Alarm volume reached, likely", _inferred(_day(ahead.likely_low_ms))),
        ("At the earliest", _inferred(_day(ahead.earliest_low_ms))),
    )


def _nothing(flow: FlowInference | NothingToInfer, ahead: ReservoirPrediction | None) -> str:
    if isinstance(flow, NothingToInfer):
        return f"Nothing can be inferred about the flow: {flow.reason}."
    return "" if ahead else "The pump was not read since the last refill, so its reservoir is not predicted."


def _inferred(text: str) -> Figure:
    """The spreads behind every inference are assumed, see `residual-inference` in the catalogue."""
    return Figure(text, Confidence.ASSUMED.value, "residual-inference")


def _probability(part: float) -> str:
    shown = part * _PER_CENT
    return f"{units.format_number(shown, 1)} %" if shown >= _LEAST_SHOWN else f"below {_LEAST_SHOWN} %"


def _ml(volume: float) -> str:
    return units.format_number(volume, 1)


def _percent(part: float) -> str:
    return f"{units.format_number(part * _PER_CENT, 0)} %"


def _day(at_ms: int | None) -> str:
    return "not while nothing flows" if at_ms is None else f"{instants.from_ms(at_ms):%Y-%m-%d}"
