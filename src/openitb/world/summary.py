"""What a run comes to: peaks, totals, alarms, and the distance between truth and belief."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from openitb import catalogue, units
from openitb.protocol import LogEntry
from openitb.protocol.describe import describe_entry
from openitb.world.case import Case
from openitb.world.headline import clock, headline
from openitb.world.hearing import alarms_told, shown_chance
from openitb.world.simulation import Simulation
from openitb.world.truth import believed_volume_nl, true_volume_nl
from openitb.world.used import used

_PEAKS = ("withdrawal", "sedation", "respiratory_depression", "lumbar_csf_ng_per_ml", "tolerance")
_SCORES = ("leg_ashworth", "arm_ashworth", "spasm_score")


def summary(simulation: Simulation) -> dict[str, Any]:
    """The summary as plain data, as it stands in the JSON output. Times are hours from the start."""
    return {
        "title": simulation.case.title,
        "duration_h": float(simulation.time_h[-1]),
        "headline": [*headline(simulation)],
        "scores": {name: _score(simulation, name) for name in _SCORES},
        "peaks": {name: _extreme(simulation, name, np.argmax) for name in _PEAKS},
        "system": _system(simulation),
        "notes": [*_notes(simulation)],
        "assumptions": [*simulation.case.assumptions, *_assumed_facts(simulation.case)],
        "used": used(simulation.case),
        "drug_balance_error": simulation.drug_imbalance,
        "notice": "Simulation for education and research. Not a medical device.",
    }


def events(simulation: Simulation) -> list[dict[str, Any]]:
    """The story by the record and the pump's own log, in order of time and of cause."""
    told = [
        (
            (after, 1, line),
            {
                "time_h": _hours(simulation.case, happening.at_ms),
                "source": "record",
                "kind": happening.kind,
                "text": happening.text,
                "outcome": happening.outcome,
                "findings": [f"{f.level}: {f.field}: {f.message}" for f in happening.findings],
                **({"mistake": happening.mistake} if happening.mistake else {}),
            },
        )
        for line, (happening, after) in enumerate(
            zip(simulation.story, _entries_before(simulation), strict=True)
        )
    ]
    logged = [((entry.number, 0, 0), _logged(simulation.case, entry)) for entry in _log(simulation)]
    return [event for _, event in sorted(told + logged, key=lambda pair: pair[0])]


def _entries_before(simulation: Simulation) -> list[int]:
    """For each line of the story the number of the last entry the pump had logged before it."""
    if simulation.system is None:
        return [0] * len(simulation.story)
    return [visit.found.firmware.log.entries[-1].number for visit in simulation.system.visits]


def _log(simulation: Simulation) -> tuple[LogEntry, ...]:
    return simulation.system.end.implant.firmware.log.entries if simulation.system else ()


def _logged(case: Case, entry: LogEntry) -> dict[str, Any]:
    return {
        "time_h": _hours(case, case.start_ms + entry.tick_ms),
        "source": "pump",
        "kind": entry.kind.value,
        "text": describe_entry(entry),
        "number": entry.number,
    }


def _score(simulation: Simulation, name: str) -> dict[str, Any]:
    values = simulation.series[name]
    return {
        "start": float(values[0]),
        "end": float(values[-1]),
        "lowest": _extreme(simulation, name, np.argmin),
        "highest": _extreme(simulation, name, np.argmax),
    }


def _extreme(simulation: Simulation, name: str, find: Any) -> dict[str, float]:
    values = simulation.series[name]
    index = int(find(values))
    return {"value": float(values[index]), "time_h": float(simulation.time_h[index])}


def _system(simulation: Simulation) -> dict[str, Any] | None:
    system = simulation.system
    if system is None:
        return None
    return {
        "delivered_ml": sum(p.volume_nl for p in system.delivered) / units.NL_PER_ML,
        "delivered_ug": sum(p.mass_pg for p in system.delivered) / units.PG_PER_UG,
        "left_tip_ug": sum(p.mass_pg for p in system.outflow) / units.PG_PER_UG,
        "lost_ug": sum(p.mass_pg for p in system.astray) / units.PG_PER_UG,
        "injected_ug": system.injected_pg / units.PG_PER_UG,
        "withdrawn_ug": system.withdrawn_pg / units.PG_PER_UG,
        "departures": [*_departures(simulation)],
        "reservoir_ml": true_volume_nl(system.end) / units.NL_PER_ML,
        "believed_reservoir_ml": believed_volume_nl(system.end) / units.NL_PER_ML,
        "alarms": [*_alarms(simulation)],
    }


def _departures(simulation: Simulation) -> Iterator[dict[str, Any]]:
    for stretch in simulation.departures:
        yield {
            "from_h": _hours(simulation.case, stretch.start_ms),
            "to_h": _hours(simulation.case, stretch.end_ms),
            "ordered_ug": stretch.ordered_ug,
            "given_ug": stretch.given_ug,
        }


def _alarms(simulation: Simulation) -> Iterator[dict[str, Any]]:
    for told in alarms_told(simulation):
        heard = None if told.heard_by_ms is None else told.heard_by_ms / units.MS_PER_H
        yield {"time_h": told.raised_ms / units.MS_PER_H, "condition": told.condition, "heard_by_h": heard}


def _notes(simulation: Simulation) -> Iterator[str]:
    """What the gate let pass with a word, each said once with the instant it was first said."""
    said: set[str] = set()
    for happening in simulation.story:
        for finding in happening.findings:
            if finding.message not in said:
                said.add(finding.message)
                at = clock(_hours(simulation.case, happening.at_ms))
                yield f"{at} {happening.kind}: {finding.level}: {finding.message}"


def _assumed_facts(case: Case) -> Iterator[str]:
    """What the run rests on that nobody can look up, named with its confidence."""
    for entry in (case.system.pump, case.system.catheter) if case.system else ():
        facts = [(name, fact) for name, fact in entry.facts.items() if not fact.confidence.is_sourced]
        if facts:
            told = ", ".join(f"{n.replace('_', ' ')} {f.text()} ({f.confidence.value})" for n, f in facts)
            yield f"{entry.name}: {told}"
    if case.system:
        yield f"alarms: heard by then with a chance of {shown_chance():.0%}, by an assumed model of hearing"
    body = catalogue.load().body
    counted = [f.confidence for entry in body.values() for f in entry.facts.values()]
    unsourced = sum(not confidence.is_sourced for confidence in counted)
    yield f"body: {unsourced} of {len(counted)} parameters are calibrated, recalled or assumed"


def _hours(case: Case, at_ms: int) -> float:
    return (at_ms - case.start_ms) / units.MS_PER_H
