"""Each published figure with the model's beside it, and whether it is met."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isnan

from openitb import catalogue
from openitb.body import BodyParameters
from openitb.catalogue import Confidence, Entry, Fact
from tools.validate import experiments as x

PREFIX = "published-"
YEAR_DAYS = 365.0
REFLEX_DAYS = 1.7 * YEAR_DAYS  # mean follow-up of the H-reflex series
TIP_DAYS = YEAR_DAYS

READS: Mapping[str, x.Read] = {
    "half-life": x.half_life_h,
    "clearance-bolus": x.bolus_clearance,
    "clearance-infusion": x.infusion_clearance,
    "apparent-volume": lambda p: x.bolus_clearance(p) * x.half_life_h(p) / 0.6931471805599453,
    "lumbar-50": lambda p: 50 * x.steady(p)[x.LUMBAR],
    "lumbar-600": lambda p: 600 * x.steady(p)[x.LUMBAR],
    "lumbar-1200": lambda p: 1200 * x.steady(p)[x.LUMBAR],
    "steady-state": x.steady_state_h,
    "lumbar-cisternal": lambda p: x.steady(p)[x.LUMBAR] / x.steady(p)[x.CISTERNAL],
    "plasma-600": lambda p: 600 * x.steady(p)[x.PLASMA],
    "bolus-onset-50": x.gained_at(50, 0.5),
    "bolus-onset-100": x.gained_at(100, 0.5),
    "bolus-peak": x.peak_h,
    "bolus-duration-50": x.duration(50, points=1.0),
    "bolus-duration-100": x.duration(100, points=1.0),
    "bolus-three-quarters": x.duration(50),
    "infusion-onset-half": x.infused_h(points=0.5),
    "infusion-onset": x.infused_h(points=1.0),
    "infusion-maximum-95": x.infused_h(part=0.95),
    "infusion-maximum-99": x.infused_h(part=0.99),
    "loss-300-50": x.lost_h(300, 0.5),
    "loss-300-90": x.lost_h(300, 0.9),
    "loss-1000-50": x.lost_h(1000, 0.5),
    "loss-1000-90": x.lost_h(1000, 0.9),
    "withdrawal-onset": x.withdrawal_onset_h,
    "withdrawal-peak": x.withdrawal_peak_h,
    "coma": x.coma_h(1.0),
    "coma-tolerant": x.coma_h(x.TOLERANT),
    "dtpa": lambda p: x.steady(p, "L3")["csf_T2"] / x.steady(p, "L3")["csf_T12"],
    "plasma": lambda p: 600 * x.steady(p)[x.PLASMA],
    "hm-75": x.reflex_dose(0.75, REFLEX_DAYS),
    "hm-50": x.reflex_dose(0.50, REFLEX_DAYS),
    "hm-25": x.reflex_dose(0.25, REFLEX_DAYS),
    "tbi-leg": lambda p: x.tone(p, (3.5, 302), x.accustomed(p, YEAR_DAYS)),
    "tbi-arm": lambda p: x.tone(p, (2.9, 302), x.accustomed(p, YEAR_DAYS), x.ARM),
    "stroke-leg": lambda p: x.tone_after_bolus(p, (3.3, 50), 6.0),
    "spinal-leg": lambda p: x.tone_after_bolus(p, (3.8, 75), 4.0),
    "sci-leg": lambda p: 25 * (4 - x.tone_after_bolus(p, (4.0, 50), 1.0)),
    "sci-hm": lambda p: 100 * (1 - float(x.bolus(p, 50)["hm_ratio"].values[200])),
    "sci-peak": x.peak_h,
    "tip-t6-leg": lambda p: 4 - x.tone(p, (4.0, 200), x.accustomed(p, TIP_DAYS), tip="T6"),
    "tip-t6-arm": lambda p: 3 - x.tone(p, (3.0, 200), x.accustomed(p, TIP_DAYS), x.ARM, tip="T6"),
    "tip-t12-leg": lambda p: 4 - x.tone(p, (4.0, 200), x.accustomed(p, TIP_DAYS), tip="T11"),
    "tip-t12-arm": lambda p: 3 - x.tone(p, (3.0, 200), x.accustomed(p, TIP_DAYS), x.ARM, tip="T11"),
    "overdose-800": x.sedation(800),
    "overdose-1920": x.sedation(1920),
    "overdose-2400": x.sedation(2400),
    "oral-half-life": x.oral_half_life_h,
    "oral-csf": x.oral_csf,
}


@dataclass(frozen=True, slots=True)
class Target:
    """A published figure: its ends (the same for a single value), and the range that counts as met."""

    target_id: str
    name: str
    section: str
    unit: str
    ends: tuple[float, float]
    met: tuple[float, float]
    printed: str
    confidence: Confidence
    sources: tuple[str, ...]
    note: str

    def verdict(self, figure: float) -> str:
        """`met`, or by how much it is missed."""
        if isnan(figure):
            return "MISSED: never"
        if self.met[0] <= figure <= self.met[1]:
            return "met"
        end, word = (self.ends[0], "low") if figure < self.met[0] else (self.ends[1], "high")
        if figure <= 0 or end <= 0:
            return f"MISSED, too {word}"
        return f"MISSED, {max(figure / end, end / figure):.3g} times too {word}"


def targets(section: str) -> Iterator[Target]:
    """The catalogue's published figures of a section, in its order."""
    for entry_id, entry in catalogue.load().practice.items():
        if entry_id.startswith(PREFIX) and entry.fact("section").text() == section:
            yield _target(entry_id.removeprefix(PREFIX), entry)


def figure(target: Target, params: BodyParameters) -> float:
    """What the model says of a target for one body."""
    return READS[target.target_id](params)


def _target(target_id: str, entry: Entry) -> Target:
    facts = entry.facts
    fact = facts["value"] if "value" in facts else facts["low"]
    return Target(
        target_id, entry.name, entry.fact("section").text(), fact.unit, _ends(facts), _met(facts),
        _printed(facts), fact.confidence, fact.source, entry.note or fact.note,
    )  # fmt: skip


def _ends(facts: Mapping[str, Fact]) -> tuple[float, float]:
    low, high = ("value", "value") if "value" in facts else ("low", "high")
    return float(facts[low].number()), float(facts[high].number())


def _met(facts: Mapping[str, Fact]) -> tuple[float, float]:
    if "value" not in facts:
        return _ends(facts)
    value, rule = facts["value"].number(), catalogue.load().practice["validation"]
    if facts["value"].unit == "point":
        margin = rule.fact("point_tolerance").number()
        return float(value - margin), float(value + margin)
    part = rule.fact("tolerance").number("percent") / Decimal(100)
    return float(value * (1 - part)), float(value * (1 + part))


def _printed(facts: Mapping[str, Fact]) -> str:
    if "value" in facts:
        return facts["value"].text()
    low, high = facts["low"], facts["high"]
    return f"{low.value} to {high.text()}" if low.number() else f"at most {high.text()}"
