"""How a simulated course looks in a terminal: what stands out, scores, drug, what was done."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from openitb import units
from openitb.cli.show import UNSOURCED_MARK, UNSOURCED_STYLE
from openitb.world.case import Case
from openitb.world.headline import clock
from openitb.world.simulation import Simulation
from openitb.world.summary import events, summary

_ECHOES = frozenset({"implanted", "program changed", "refill recorded", "stopped"})
_EVENTS_SHOWN = 60
_PEAKS = {
    "withdrawal": ("withdrawal", "0 to 1"),
    "sedation": ("sedation", "0 to 1"),
    "respiratory_depression": ("respiratory depression", "0 to 1"),
    "lumbar_csf_ng_per_ml": ("lumbar CSF", "ng/mL"),
    "tolerance": ("tolerance", "1 is none"),
}

_NOTHING = "nothing: delivered as ordered, no alarm, no danger, tone never above untreated"


def print_course(simulation: Simulation, console: Console) -> None:
    """Print a run for a person; everything in it is in the JSON output too."""
    told = summary(simulation)
    console.print(Text(told["title"] or "Simulation", style="bold"))
    console.print(Text(_setting(simulation.case), style="dim"))
    _section(console, "What stands out", [*_headline(told)])
    _section(console, "Scores", [_scores(told)])
    _section(console, "Highest", [_peaks(told)])
    if told["system"]:
        _section(console, "Drug and reservoir", [Text(line) for line in _system(told["system"])])
    _section(console, "What was done", [*_done(simulation)])
    if told["notes"]:
        _section(console, "The gate noted", [Text(line) for line in told["notes"]])
    _section(console, "Rests on", [_assumptions(told)])
    console.print(Text(told["notice"], style="dim"))


def _section(console: Console, title: str, parts: list[Text | Table]) -> None:
    console.print(Text(f"\n{title}", style="bold"))
    for part in parts:
        console.print(Padding(part, (0, 0, 0, 2)))


def _setting(case: Case) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=case.start_ms + case.zone_offset_ms)
    length = clock((case.until_ms - case.start_ms) / units.MS_PER_H)
    start = f"{length} from {at:%Y-%m-%d %H:%M} pump time"
    system = case.system
    if system is None:
        return start.replace("pump time", "UTC, no pump")
    return (
        f"{start}; {system.pump.name}, {system.catheter.name} "
        f"{units.format_number(system.implanted_length_cm)} cm, tip {system.tip}, "
        f"{units.format_volume(system.path_volume_nl)} from reservoir to tip"
    )


def _headline(told: dict[str, Any]) -> Iterator[Text]:
    for line in told["headline"]:
        yield Text(f"• {line}", style="red")
    if not told["headline"]:
        yield Text(_NOTHING, style="green")


def _scores(told: dict[str, Any]) -> Table:
    table = _table("", ">start", ">end", ">lowest", "at", ">highest", "at")
    for name, score in told["scores"].items():
        low, high = score["lowest"], score["highest"]
        numbers = (f"{score['start']:.2f}", f"{score['end']:.2f}", f"{low['value']:.2f}")
        label = name.replace("_", " ").replace("ashworth", "Ashworth")
        table.add_row(label, *numbers, clock(low["time_h"]), f"{high['value']:.2f}", clock(high["time_h"]))
    return table


def _peaks(told: dict[str, Any]) -> Table:
    table = _table("", ">value", "unit", "at")
    for name, peak in told["peaks"].items():
        label, unit = _PEAKS[name]
        value = f"{peak['value']:.0f}" if unit == "ng/mL" else f"{peak['value']:.2f}"
        table.add_row(label, value, unit, clock(peak["time_h"]))
    return table


def _system(system: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{system['delivered_ml']:.3f} mL with {system['delivered_ug']:.1f} µg left the pump, "
        f"{system['left_tip_ug']:.1f} µg left the tip"
    )
    truth, belief = system["reservoir_ml"], system["believed_reservoir_ml"]
    yield f"at the end the reservoir holds {truth:.3f} mL, the pump believes {belief:.3f} mL"


def _done(simulation: Simulation) -> Iterator[Text | Table]:
    shown = [*_shown(events(simulation))]
    table = _table("time", "by", "what", "")
    for event in shown[:_EVENTS_SHOWN]:
        truly = f"  TRULY {event['mistake']}" if "mistake" in event else ""
        table.add_row(clock(event["time_h"]), event["source"], event["kind"], Text(event["text"] + truly))
    if shown:
        yield table
    else:
        yield Text("nothing")
    if len(shown) > _EVENTS_SHOWN:
        yield Text(f"and {len(shown) - _EVENTS_SHOWN} more; --json has them all", style="dim")


def _shown(told: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The record, and of the pump's log what the record does not say already."""
    mistaken = {event["time_h"] for event in told if "mistake" in event}
    for event in told:
        echo = event["kind"].endswith("intended") or event["kind"] in _ECHOES
        tells_of_mistake = event["kind"] in _ECHOES - {"implanted"} and event["time_h"] in mistaken
        if event["source"] == "record" or not echo or tells_of_mistake:
            yield event


def _assumptions(told: dict[str, Any]) -> Text:
    text = "; ".join(told["assumptions"]) or "sourced values only"
    return Text(f"{UNSOURCED_MARK} {text}", style=UNSOURCED_STYLE if told["assumptions"] else "")


def _table(*heads: str) -> Table:
    """A plain table; a head that begins with `>` stands over numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in heads:
        table.add_column(head.lstrip(">"), justify="right" if head.startswith(">") else "left")
    return table
