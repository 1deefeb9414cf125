"""The reference pages are complete: what the code has, the page names, with the same figures."""

import re
from enum import StrEnum
from pathlib import Path
from typing import get_args

import pytest

from openitb import catalogue
from openitb.body import typical_adult
from openitb.body.parameters import known_by_field
from openitb.catalogue import Confidence, Limits, Pump
from openitb.cli import calc
from openitb.cli.main import VERBS
from openitb.prescription.calculators import BridgeAnswer, MixAnswer, PrimeAnswer, RefillAnswer
from openitb.protocol import AlarmCondition, LogKind, PumpState, Reply, Request, Role
from openitb.protocol.codec import MAX_MESSAGE_BYTES
from openitb.telemetry import MAX_FRAME, MAX_PLAIN
from openitb.telemetry import Limits as LinkLimits
from openitb.world import casefile
from openitb.world.case import MOST_SAMPLES, parse
from openitb.world.casefile import Table
from openitb.world.simulation import BODY_SERIES

DOCS = Path(__file__).parents[2] / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def prose(name: str) -> str:
    """A page as one line, so that a phrase may be broken anywhere."""
    return " ".join(page(name).split())


def tables_of_the_case_file() -> list[type[Table]]:
    return [kind for kind in vars(casefile).values() if isinstance(kind, type) and issubclass(kind, Table)]


@pytest.mark.parametrize("table", tables_of_the_case_file(), ids=lambda table: table.__name__)
def test_the_case_file_page_names_every_key(table: type[Table]) -> None:
    text = page("case-file.md")
    for name, field in table.model_fields.items():
        key = field.alias or name
        assert re.search(rf"`{key}`|\[\[?{key}\]|\b{key} = ", text), f"{table.__name__}: {key}"


@pytest.mark.parametrize(
    ("given", "instead"),
    [
        (", bridge = true", ""),
        ('volume = "18 mL"', 'volume = "19 mL"'),
        ("200 ug/day", "8.3 ug/h"),
        ('fill = "18 mL"', 'fill = "18"'),
        ('zone = "UTC"', 'zone = "Europe/Berlin"'),
        ("tolerance = 1.0", 'leg_ec50 = "20000 ng/mL"'),
    ],
)
def test_the_case_file_page_shows_refusals_as_they_are(given: str, instead: str) -> None:
    whole = (DOCS.parent / "examples" / "first-case.toml").read_text(encoding="utf-8")
    with pytest.raises(casefile.CaseError) as refused:
        parse(whole.replace(given, instead, 1))
    assert f"\n{refused.value}\n" in page("case-file.md")


def test_the_case_file_page_states_the_most_samples() -> None:
    assert f"{MOST_SAMPLES:,} samples".replace(",", " ") in page("case-file.md")


@pytest.mark.parametrize("name", [*BODY_SERIES, "tip_ug_per_h", "flow_ml_per_day", "reservoir_ml"])
def test_the_case_file_page_names_every_series(name: str) -> None:
    assert f"`{name}`" in page("case-file.md")


def test_the_model_page_prints_every_parameter_as_the_catalogue_holds_it() -> None:
    text, body = page("model.md"), catalogue.load().body
    for _, known in known_by_field():
        entry = "typical-adult" if known.name in body["typical-adult"].facts else "well-mixed"
        fact = body[entry].fact(known.name)
        spread = "" if fact.between_subject_sd is None else str(fact.between_subject_sd)
        cells = (f"`{known.name}`", known.symbol, fact.text(), spread, fact.confidence.value)
        row = "| " + " | ".join(cells) + " |"
        assert re.sub(r" +", " ", row) in text, known.name
    assert typical_adult("poorly_mixed").dispersion_cm2_per_h == 6
    assert "`dispersion` 6 cm²/h" in prose("model.md")


@pytest.mark.parametrize("kind", [PumpState, AlarmCondition, LogKind], ids=lambda kind: kind.__name__)
def test_the_implant_page_names_every_state_alarm_and_log_entry(kind: type[StrEnum]) -> None:
    for member in kind:
        assert f"`{member.value}`" in prose("implant.md"), member


def test_the_telemetry_page_names_every_message_with_the_fields_of_its_requests() -> None:
    text = page("telemetry.md")
    for request in get_args(Request):
        row = next(line for line in text.splitlines() if line.startswith(f"| `{request.__name__}`"))
        for name in request.__dataclass_fields__:
            assert f"`{name}`" in row, f"{request.__name__}.{name}"
    for reply in get_args(Reply):
        assert f"| `{reply.__name__}`" in text
    assert all(f"`{role.value}`" in text for role in Role)


def test_the_telemetry_page_states_the_limits_of_the_link() -> None:
    text, limits = prose("telemetry.md"), LinkLimits()
    assert f"1 to {MAX_FRAME:,}".replace(",", " ") in text
    assert f"{MAX_PLAIN:,} bytes of message".replace(",", " ") in text
    assert f"{MAX_MESSAGE_BYTES:,} bytes".replace(",", " ") in text
    assert limits.connect_s == limits.handshake_s
    assert f"| connect, handshake | {limits.handshake_s:g} s each |" in text
    assert f"| answer | {limits.answer_s:g} s |" in text
    assert f"| idle session | {limits.idle_s:g} s |" in text
    assert f"| sessions at once | {limits.sessions} |" in text


def test_the_calculators_page_has_a_section_for_every_verb() -> None:
    verbs = {command.name or command.callback.__name__ for command in calc.app.registered_commands}
    assert verbs == set(re.findall(r"^## `([a-z-]+)`", page("calculators.md"), flags=re.MULTILINE))


@pytest.mark.parametrize("group", ["spinal-adult", "cerebral-adult", "child"])
def test_the_calculators_page_prints_the_steps_of_the_catalogue(group: str) -> None:
    limits = catalogue.load().limits[group]
    cells = (
        steps(limits, "titration_increase", "+"),
        steps(limits, "maintenance_increase", "+"),
        steps(limits, "decrease", "−"),
    )
    row = f"| {limits.name[0].lower()}{limits.name[1:]} | {' | '.join(cells)} |"
    assert row in page("calculators.md")


def test_the_calculators_page_names_keys_that_answers_have() -> None:
    kinds = (RefillAnswer, BridgeAnswer, PrimeAnswer, MixAnswer)
    known = {name for kind in kinds for name in kind.__dataclass_fields__}
    known |= {"dose_ug_per_day", "low_ug_per_day", "high_ug_per_day"}
    named = re.findall(
        r"`([a-z]+(?:_[a-z]+)*_(?:ml|ug|h|min|day|date|reservoir|by))`", page("calculators.md")
    )
    assert named
    assert set(named) <= known


def test_the_catalogue_page_explains_every_confidence_and_file() -> None:
    text = page("catalogue.md")
    for confidence in Confidence:
        looks = "plain" if confidence.is_sourced else "⚠ marked"
        assert re.search(rf"\| `{confidence.value}` \|.*\| {looks} \|", text), confidence
    data = Path(catalogue.__file__).parent / "data"
    assert all(f"`{file.name}`" in text for file in data.glob("*.toml"))


def test_the_clinic_page_lists_every_setting() -> None:
    settings = Path(catalogue.__file__).parents[1] / "clinic"
    read = (settings / "settings.py").read_text() + (settings / "environment.py").read_text()
    for name in set(re.findall(r'"(OPENITB_[A-Z_]+)"', read)):
        assert f"| `{name}` |" in page("clinic.md"), name
    assert "| `DATABASE_URL` |" in page("clinic.md")


def test_the_contributing_page_points_at_what_every_pump_needs() -> None:
    assert "`Pump.required`" in (DOCS.parent / "CONTRIBUTING.md").read_text()
    assert Pump.required


def test_every_verb_appears_in_the_documentation() -> None:
    everything = "".join(file.read_text() for file in DOCS.rglob("*.md"))
    assert all(f"openitb {verb.name}" in everything for verb in VERBS)


def steps(limits: Limits, name: str, sign: str) -> str:
    low, high = (limits.fact(f"{name}_{end}").text().removesuffix(" percent") for end in ("low", "high"))
    return f"{sign}{low} to {high} %"
