"""The pages of studies name what there is: every key of the file, every shipped study with its pictures."""

import re
from pathlib import Path

import pytest

from openitb.cohort.study import file, load
from openitb.cohort.study.file import StudyFile, Table
from openitb.cohort.study.seen import Plan, Seen
from tools.studies.__main__ import STUDIES, path

DOCS = Path(__file__).parents[2] / "docs"


def tables() -> list[type[Table]]:
    kinds = [kind for kind in vars(file).values() if isinstance(kind, type) and issubclass(kind, Table)]
    return [kind for kind in kinds if kind not in {Table, StudyFile, file.Setup, file.ArmTable}]


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.__name__)
def test_the_page_names_every_key_of_a_study_file(table: type[Table]) -> None:
    text = (DOCS / "study.md").read_text(encoding="utf-8")
    for name, field in table.model_fields.items():
        assert re.search(rf"\b{field.alias or name}\b", text), f"{table.__name__}: {name}"


@pytest.mark.parametrize("kind", [Seen, Plan])
def test_the_page_names_all_that_a_policy_is_given_and_gives(kind: type) -> None:
    text = (DOCS / "study.md").read_text(encoding="utf-8")
    for name in kind.__slots__:
        assert name in text, name


def test_every_shipped_study_is_on_the_page() -> None:
    shipped = {each.stem for each in path(STUDIES[0]).parent.glob("*.toml")}
    assert shipped == set(STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_the_page_answers_the_question_of_a_shipped_study(name: str) -> None:
    text, study = (DOCS / "studies.md").read_text(encoding="utf-8"), load(path(name))
    assert f"## {study.title}\n\n*{study.question}*" in text
    assert f"{study.people} people, {study.days} days, seed {study.seed}." in text
    for note in study.notes:
        assert note in text
    for arm in study.arms:
        assert f"| {arm.name} |" in text
    for number in range(1, len(study.plots) + 1):
        assert (DOCS / "studies" / f"{name}-{number}.svg").exists()
