"""Every shipped study runs, at a tiny size, and its report says what it found."""

import re
from pathlib import Path

import polars as pl
import pytest

from openitb.cohort.study import Changed, answered, follow, load
from openitb.cohort.study.markdown import markdown
from openitb.cohort.study.page import page
from openitb.cohort.study.report import report
from openitb.cohort.study.results import frames

STUDIES = sorted((Path(__file__).parents[3] / "examples" / "studies").glob("*.toml"))


@pytest.mark.slow
@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_shipped_study_runs_and_its_report_answers_the_question(path: Path) -> None:
    study = load(path, Changed(people=2))
    people = pl.concat(
        frames(turn, answered(arm.policy, follow(study, arm, range(2)))).people
        for turn, arm in enumerate(study.arms)
    )
    told = report(study, people)
    html, (text, pictures) = page(told), markdown(told, path.stem)
    assert study.question in text
    assert len(pictures) == len(study.plots)
    for arm in study.arms:
        assert arm.name in text
        assert arm.name.replace("'", "&#x27;") in html
    assert not re.search(r"\bnan\b", text)
