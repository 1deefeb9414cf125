"""How much is truly in a reservoir, and when it truly runs low, given how truly its pump delivers.

The pump counts what it means to deliver: after a fill F it believes F - X once X is counted. The truth is
F + f - g X, with the gain g and the error f of the fill both normal, so the truth is normal at every X.
"""

from dataclasses import dataclass
from math import sqrt

from scipy.special import ndtri

from openitb.catalogue import Pump
from openitb.prescription.answers import Answer, Step, practice
from openitb.twin.flow import (
    CATHETER_CAUTION,
    Assumptions,
    FlowInference,
    Gain,
    NothingToInfer,
    percent,
    usual_assumptions,
)
from openitb.twin.records import ReservoirNow, check_now
from openitb.units import MS_PER_DAY, NL_PER_ML, format_number, format_volume


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservoirPrediction(Answer):
    """The reservoir at `at_ms`, volumes in mL: `low_ml` to `high_ml` hold the truth with probability `band`.

    `counted_low_ms` is when the pump's own alarm is due, `likely_low_ms` when the volume likely reaches
    the alarm volume, `earliest_low_ms` before when it does so with probability (1 - `band`)/2; never
    before `at_ms`, and None while the pump does not run.
    """

    at_ms: int
    believed_ml: float
    likely_ml: float
    low_ml: float
    high_ml: float
    band: float
    counted_low_ms: int | None
    likely_low_ms: int | None
    earliest_low_ms: int | None
    notes: tuple[str, ...]


def predict_reservoir(
    flow: FlowInference | NothingToInfer,
    now: ReservoirNow,
    pump: Pump,
    assumptions: Assumptions | None = None,
) -> ReservoirPrediction:
    """The reservoir today and its dates; `TwinError` for a reservoir this pump cannot have."""
    check_now(now, pump)
    assumed = assumptions or usual_assumptions()
    band = float(practice("residual-inference").fact("band").number("1"))
    reach = float(ndtri((1 + band) / 2))
    likely = now.filled_nl - flow.gain.mean * now.delivered_nl
    spread = sqrt((flow.gain.sd * now.delivered_nl) ** 2 + assumed.filling_sd_nl**2)
    counts = _counts_at_alarm(flow.gain, now, assumed, reach)
    dates = [_when(count, now) for count in counts]
    return ReservoirPrediction(
        at_ms=now.at_ms,
        believed_ml=now.believed_nl / NL_PER_ML,
        likely_ml=_volume_ml(likely, pump),
        low_ml=_volume_ml(likely - reach * spread, pump),
        high_ml=_volume_ml(likely + reach * spread, pump),
        band=band,
        counted_low_ms=dates[0],
        likely_low_ms=dates[1],
        earliest_low_ms=dates[2],
        notes=(CATHETER_CAUTION,),
        steps=_steps(flow, now, counts),
        sources=flow.sources,
    )


def _counts_at_alarm(
    gain: Gain, now: ReservoirNow, assumed: Assumptions, reach: float
) -> tuple[float, float, float]:
    """The count X in nL at which the alarm volume is reached: by the count, likely, and at the earliest.

    The earliest solves F - A - m X = z sqrt(s² X² + f²): a quadratic in X, of which the smaller root.
    """
    room = float(now.filled_nl - now.alarm_nl)
    fill_error = reach * assumed.filling_sd_nl
    if room <= fill_error:
        return room, room / gain.mean, 0.0
    square = gain.mean**2 - (reach * gain.sd) ** 2
    root = sqrt((room * gain.mean) ** 2 - square * (room**2 - fill_error**2))
    return room, room / gain.mean, (room * gain.mean - root) / square


def _when(count_nl: float, now: ReservoirNow) -> int | None:
    """The instant of a count at the present rate; not before now, None for a pump that does not run."""
    if not now.rate_nl_per_day:
        return None
    days = max(count_nl - now.delivered_nl, 0.0) / now.rate_nl_per_day
    return now.at_ms + int(days * MS_PER_DAY)


def _volume_ml(volume_nl: float, pump: Pump) -> float:
    """Not below what no pump can take out, nor above full."""
    floor, full = float(pump.residual_volume_nl), float(pump.reservoir_capacity_nl)
    return min(max(volume_nl, floor), full) / NL_PER_ML


def _steps(
    flow: FlowInference | NothingToInfer, now: ReservoirNow, counts: tuple[float, float, float]
) -> tuple[Step, ...]:
    filled, counted = format_volume(now.filled_nl), format_volume(now.delivered_nl)
    names = ("by the pump's count", "likely", "at the earliest")
    alarm = format_volume(now.alarm_nl)
    return (
        Step(f"{filled} filled less {counted} counted as delivered", format_volume(now.believed_nl), ""),
        Step("error of the flow, likely", percent(flow.gain.mean), ""),
        *(
            Step(f"count at which {alarm} is left, {name}", format_number(count / NL_PER_ML), "mL")
            for name, count in zip(names, counts, strict=True)
        ),
    )
