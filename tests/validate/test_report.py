"""The validation report is current, and judges as it says."""

from pathlib import Path

import numpy as np
import pytest

from openitb import catalogue
from openitb.cohort.people.causes import STATED
from tools.validate import figures
from tools.validate.__main__ import written
from tools.validate.targets import PREFIX, READS, targets
from tools.validate.trajectories import rule_of, trajectories

KEPT = figures.kept()


@pytest.mark.parametrize("path", written(KEPT), ids=lambda path: Path(path).name)
def test_the_report_is_written_from_the_kept_figures(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == written(KEPT)[path], "run make validation"


@pytest.mark.parametrize("dispersion", figures.DISPERSIONS)
def test_the_kept_figures_of_the_typical_adult_are_the_models(dispersion: str) -> None:
    now = figures.typical(dispersion)  # type: ignore[arg-type]  # one of the presets
    for name, value in KEPT["typical"][dispersion].items():
        assert now[name] == pytest.approx(value, rel=2e-3), f"{name}: run make validation"


def test_the_kept_doses_are_the_models() -> None:
    now = trajectories("multiple sclerosis", "well_mixed")
    kept = KEPT["doses"]["well_mixed"]["multiple sclerosis"]
    np.testing.assert_allclose(now["mean"], kept["mean"], rtol=2e-3, err_msg="run make validation")


@pytest.mark.slow
def test_everything_kept_is_the_models() -> None:
    now = figures.computed()
    for kind in ("spread", "doses", "sensitivity"):
        assert _numbers(now[kind]) == pytest.approx(_numbers(KEPT[kind]), rel=2e-3), kind


def _numbers(found: object) -> list[float]:
    if isinstance(found, dict):
        return [number for key in sorted(found) for number in _numbers(found[key])]
    if isinstance(found, list):
        return [number for each in found for number in _numbers(each)]
    return [float(str(found))]


def test_every_published_figure_has_a_model_figure_beside_it() -> None:
    sections = {entry.fact("section").text() for name, entry in catalogue.load().practice.items()
                if name.startswith(PREFIX)}  # fmt: skip
    assert sections == {"targets", "observations", "people", "doses", "course"}
    assert {t.target_id for kind in ("targets", "observations") for t in targets(kind)} == set(READS)
    page = Path(figures.KEPT).parents[1].joinpath("validation.md").read_text(encoding="utf-8")
    for kind in ("targets", "observations", "people", "doses"):
        for target in targets(kind):
            assert f"| {target.name.replace(' ug', ' µg')} |" in page


def test_a_miss_is_marked_with_how_far_it_is_from_what_was_published() -> None:
    single = next(t for t in targets("targets") if t.target_id == "lumbar-50")
    assert single.verdict(130 * 1.19) == "met"
    assert single.verdict(65.0) == "MISSED, 2 times too low"
    ranged = next(t for t in targets("targets") if t.target_id == "steady-state")
    assert ranged.verdict(24.0) == "met"
    assert ranged.verdict(96.0) == "MISSED, 2 times too high"
    assert ranged.verdict(float("nan")) == "MISSED: never"


def test_the_page_marks_every_miss() -> None:
    page = Path(figures.KEPT).parents[1].joinpath("validation.md").read_text(encoding="utf-8")
    for kind in ("targets", "observations"):
        for target in targets(kind):
            value = KEPT["typical"]["well_mixed"][target.target_id]
            row = next(
                line
                for line in page.splitlines()
                if line.startswith(f"| {target.name.replace(' ug', ' µg')} |")
            )
            assert target.verdict(float("nan") if value is None else value) in row


@pytest.mark.parametrize("cause", STATED)
def test_steps_of_dose_are_inside_the_labels_range(cause: str) -> None:
    rule = rule_of(cause)
    if cause in {"spinal", "multiple sclerosis"}:
        assert (rule.titration, rule.maintenance) == pytest.approx((0.20, 0.25))
    else:
        assert (rule.titration, rule.maintenance) == pytest.approx((0.10, 0.125))
    assert rule.decrease == pytest.approx(0.15)
    assert not rule.is_visit(0)  # no increase in the first 24 h


def test_drawings_are_small_and_follow_a_dark_page() -> None:
    for path, text in written(KEPT).items():
        if path.suffix == ".svg":
            assert len(text) < 40_000
            assert "prefers-color-scheme:dark" in text
