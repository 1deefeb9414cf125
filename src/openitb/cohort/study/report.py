"""The report of a study: question, answer, pictures, people, arms, what was assumed, and where it comes from.

`report` gathers it as plain content; `page` and `markdown` write it down.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from typing import Any

import polars as pl

from openitb import __version__, catalogue
from openitb.cohort.study.answer import Estimate, OutcomeAnswer, answers
from openitb.cohort.study.design import PERCENT, Study, number
from openitb.cohort.study.plots import draw
from openitb.cohort.study.sources import facts

NOTICE = "Simulation for education and research. Not a medical device."
Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: heads and rows of text."""

    heads: tuple[str, ...]
    rows: Rows


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as SVG with a title."""

    title: str
    svg: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with paragraphs, lists, tables and pictures, in order."""

    title: str
    parts: tuple["str | tuple[str, ...] | Grid | Picture", ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report."""

    title: str
    question: str
    sections: tuple[Section, ...]


def report(study: Study, people: pl.DataFrame) -> Report:
    """The report of a study that has been run; `people` is what `run` gives."""
    found = answers(study, people)
    pictures = tuple(_pictures(study, people, found))
    return Report(
        study.title,
        study.question,
        (
            Section("Answer", (*_answer(study, found), _differences(found, study))),
            Section("Pictures", pictures),
            Section("Every outcome", (_outcomes(study, found), _how_told())),
            Section("People", (_who(study, people),)),
            Section("Arms", (_arms(study),)),
            Section("What to keep in mind", (study.notes,) if study.notes else ()),
            Section("What no study here shows", (_LIMITS,)),
            Section("Assumed", (_assumed_why(study), _assumed(study))),
            Section("Sources", (tuple(_sources(study)),)),
            Section("Run", (_run(study),)),
        ),
    )


def told(estimate: Estimate, show: str, unit: str = "") -> str:
    """An estimate with its interval, such as `12 (8 to 17) %`."""
    if isnan(estimate.value):
        return "nobody"
    values = (estimate.value, estimate.low, estimate.high)
    if show == "share":
        value, low, high = (_short(round(x * PERCENT, 1)) for x in values)
        return f"{value} ({low} to {high}) %"
    value, low, high = map(_short, values)
    return f"{value} ({low} to {high}) {unit}".strip()


def _short(value: float) -> str:
    """Three digits, no exponent."""
    size = abs(value)
    places = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.995 or size == 0 else 3
    text = f"{value:.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text.replace("-", "−")


def _answer(study: Study, found: tuple[OutcomeAnswer, ...]) -> Iterator[str]:
    primary = next(each for each in found if each.outcome is study.primary)
    what = primary.outcome
    kind = {"share": "Share of people", "mean": "Mean", "median": "Median"}[what.show]
    parts = "; ".join(f"{arm.arm}: {told(arm.estimate, what.show, what.unit)}" for arm in primary.arms)
    yield f"{kind}, {what.name}. {parts}."


def _differences(found: tuple[OutcomeAnswer, ...], study: Study) -> Grid:
    primary = next(each for each in found if each.outcome is study.primary)
    what, first = primary.outcome, primary.arms[0].arm
    rows = tuple(
        (
            arm.arm,
            told(arm.estimate, what.show, what.unit),
            told(arm.difference, what.show, what.unit) if arm.difference else "",
            str(arm.counted),
        )
        for arm in primary.arms
    )
    return Grid(("arm", what.name, f"against {first}, same people", "people"), rows)


def _outcomes(study: Study, found: tuple[OutcomeAnswer, ...]) -> Grid:
    heads = ("outcome", *(arm.name for arm in study.arms))
    rows = tuple(
        (
            f"{each.outcome.name}, {each.outcome.show}",
            *(told(arm.estimate, each.outcome.show, each.outcome.unit) for arm in each.arms),
        )
        for each in found
    )
    return Grid(heads, rows)


def _how_told() -> str:
    interval = number("study", "interval", "percent")
    return (
        f"In brackets the {interval:g} % interval over people: Wilson's for a share, Student's for a mean, "
        "order statistics for a median. Arms share people and luck, so a difference is that of each person. "
        "The interval says how few people were simulated, not how true the model is."
    )


def _pictures(study: Study, people: pl.DataFrame, found: tuple[OutcomeAnswer, ...]) -> Iterator[Picture]:
    for plot in study.plots:
        yield Picture(plot.title or ", ".join(plot.of), draw(study, people, found, plot))


def _who(study: Study, people: pl.DataFrame) -> Grid:
    first = people.filter(pl.col("arm") == 0)
    causes = first["cause"].value_counts().sort("cause").rows()
    columns = (
        ("age, years", "age_years"),
        ("leg Ashworth untreated, 1-5", "untreated_leg_ashworth"),
        ("first daily dose, µg", "start_dose_ug"),
    )
    rows = [
        ("people", str(study.people)),
        ("followed for", f"{study.days} days"),
        ("cause", ", ".join(f"{cause} {count}" for cause, count in causes)),
        ("mixing in the spinal canal", study.population.dispersion.replace("_", " ")),
        *((name, _spread(first[column])) for name, column in columns),
    ]
    return Grid(("of the first arm", ""), tuple(rows))


def _spread(values: pl.Series) -> str:
    low, middle, high = (values.quantile(q, "linear") for q in (0.05, 0.5, 0.95))
    return f"median {_short(middle or 0.0)}, 5 to 95 %: {_short(low or 0.0)} to {_short(high or 0.0)}"


def _arms(study: Study) -> Grid:
    """What is common, and in which keys each arm differs."""
    common = "; ".join(f"{key} = {value}" for key, value in _flat(study.tables, _SETUP))
    rows = [("all", common)]
    for table in study.tables.get("arm", ()):
        rows.append((table["name"], "; ".join(f"{k} = {v}" for k, v in _flat(table, _SETUP)) or "as all"))
    return Grid(("arm", "how people are treated"), tuple(rows))


_SETUP = ("system", "start", "delivery", "visits", "refill", "policy", "events", "fault")


def _flat(table: Any, names: tuple[str, ...], before: str = "") -> Iterator[tuple[str, str]]:
    for name in names:
        value = table.get(name)
        if isinstance(value, dict):
            yield from _flat(value, tuple(value), f"{before}{name}.")
        elif isinstance(value, list | tuple):
            for row in value:
                inner = ", ".join(f"{key} {each}" for key, each in row.items())
                yield f"{before}{name}", inner
        elif value is not None:
            yield f"{before}{name}", str(value)


def _assumed_why(study: Study) -> str:
    every = list(facts(study))
    unsourced = sum(not fact.confidence.is_sourced for _, _, fact in every)
    return (
        f"{unsourced} of the {len(every)} values this rests on are assumed, recalled or calibrated. "
        "Those that say how the clinic runs:"
    )


def _assumed(study: Study) -> Grid:
    """The unsourced values of practice, as the catalogue tells them."""
    clinic = {catalogue.load().practice[entry].name for entry in _CLINIC}
    rows = tuple(
        (f"{entry}: {name.replace('_', ' ')}", fact.text(), fact.confidence.value, fact.note)
        for entry, name, fact in facts(study)
        if entry in clinic and not fact.confidence.is_sourced
    )
    return Grid(("value", "", "known", "note"), rows)


_CLINIC = (
    "clinic-process",
    "score-watch",
    "clinic-rule",
    "residual-inference",
    "delivery-accuracy",
    "rating",
)


def _sources(study: Study) -> Iterator[str]:
    cited = {source for _, _, fact in facts(study) for source in fact.source}
    for source in sorted(cited):
        citation = catalogue.load().citations[source]
        yield f"{citation.title}, {citation.address}" if citation.address else citation.title


def _run(study: Study) -> tuple[str, ...]:
    return (
        f"OpenITB {__version__}, seed {study.seed}, study digest {study.digest[:16]}",
        "Every value: `openitb sources --of answer.json`; the study itself: `study.json`",
        "Everybody: `people.parquet`; every visit as the clinic saw it: `visits.parquet`",
        NOTICE,
    )


_LIMITS = (
    "Everybody is followed to the horizon: nobody leaves therapy, dies or is taken off the pump.",
    "Infections and leaks of spinal fluid are counted; what they do to body and delivery is not modelled.",
    "A clinic reads volumes at the start of the day of a visit, and scores at the visit's hour with the "
    "tolerance and withdrawal of that morning.",
    "Who withdraws is seen by the body's withdrawal drive, a model state and no diagnosis.",
)
