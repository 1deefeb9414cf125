"""How soon and how surely a fault is found: the twin's probability beside rules of thumb, visit by visit."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from openitb.guidance import volume_discrepancy
from openitb.twin.faults import CATHETER, LABELS, NONE, OVER, STALL, Acting, Kind, kinds
from openitb.twin.fitting import Assumed, fit
from openitb.twin.record import ClinicRecord, Refilled, Scored
from tools.twin.patients import Happened, Setting, ward

DEVICE = (CATHETER, STALL, OVER)
BEGIN_DAYS = (60, 300)
DAY_MS, HOURS = 86_400_000, 24
Row = dict[str, Any]


def happened(count: int, seed: int, healthy: float) -> Happened:
    """Something for each of n people: `healthy` of them nothing, the others each label as often."""
    chance = np.random.default_rng([seed, 5])
    known, labels = kinds(), [label for label in LABELS if label != NONE]
    severity, from_h = chance.standard_normal(count), np.full(count, np.inf)
    log_acts, rise = np.zeros(count), np.zeros(count)
    flow, told = np.zeros(count, dtype=np.bool_), [NONE] * count
    for row in range(count):
        if chance.random() < healthy:
            continue
        told[row] = labels[int(chance.integers(len(labels)))]
        kind = _kind(known, told[row], chance)
        acts = kind.acts(severity[[row]])[0]
        from_h[row] = HOURS * chance.uniform(*BEGIN_DAYS)
        if kind.grows:
            rise[row] = acts
        else:
            log_acts[row], flow[row] = np.log(max(acts, 1e-12)), kind.flow
    return Happened(Acting(from_h, log_acts, rise, flow), told, severity)


def detection(healthy: float, setting: Setting, assumed: Assumed, skip: int) -> Iterator[Row]:
    """A row of each patient after the first few: what happened when, what each rule says when."""
    people = ward(setting, happened(setting.count, setting.seed, healthy))
    for record, truth in list(zip(people.records, people.truths, strict=True))[skip:]:
        yield {
            "label": truth.label,
            "from_day": truth.from_h / HOURS if np.isfinite(truth.from_h) else None,
            "visits": [_said(record.until(at), assumed) for at in record.visits_ms],
        }


def _kind(known: tuple[Kind, ...], label: str, chance: np.random.Generator) -> Kind:
    fitting = [kind for kind in known if label in kind.yearly]
    rates = np.array([kind.yearly[label] for kind in fitting])
    return fitting[int(chance.choice(len(fitting), p=rates / rates.sum()))]


def _said(record: ClinicRecord, assumed: Assumed) -> Row:
    """After one visit: probabilities, the largest volume difference so far, whether the rule of the volumes
    calls for evaluation, and how many levels the legs stand above their best on treatment.
    """
    found = fit(record, assumed)
    refills = list(record.of(Refilled))
    last = refills[-1]
    apart, asks = 0.0, False
    if last.expected_nl is not None and last.aspirated_nl is not None and last.at_ms == record.end_ms:
        delivered = refills[-2].volume_nl - last.expected_nl
        answer = volume_discrepancy(last.expected_nl, last.aspirated_nl, max(delivered, 0))
        apart, asks = abs(float(answer.difference_ml)), answer.judgement == "evaluate"
    return {
        "day": record.end_ms / DAY_MS,
        **found.probabilities,
        "volume_ml": apart,
        "evaluate": asks,
        "worse": _worse(record),
        "warned": bool(found.trust.warnings),
    }


def _worse(record: ClinicRecord) -> int:
    """Levels of modified Ashworth that the legs stand above their best since the pump runs."""
    first = record.visits_ms[0]
    legs = [scored.levels["leg"][1] for scored in record.of(Scored) if scored.at_ms >= first]
    return legs[-1] - min(legs) if legs else 0
