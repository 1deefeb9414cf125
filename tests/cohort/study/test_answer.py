"""What a study says of its outcomes."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from openitb.cohort.study import Study
from openitb.cohort.study.answer import answers, to_json
from openitb.cohort.study.report import report, told

Made = Callable[..., Study]
ARMS = '\n[[arm]]\nname = "a"\n[[arm]]\nname = "b"\n'
MEANS = '[[outcome]]\nname = "refills"\nmeasure = "refills"\n'
MEDIANS = '[[outcome]]\nname = "found"\nmeasure = "found_day"\nshow = "median"\n'


def table(**columns: list[list[float | None]]) -> pl.DataFrame:
    """Everybody's rows from each column's values by arm."""
    count = len(next(iter(columns.values()))[0])
    arm = pl.Series("arm", np.repeat([0, 1], count))
    return pl.DataFrame(
        [arm, *(pl.Series(name, [*a, *b], dtype=pl.Float64) for name, (a, b) in columns.items())]
    )


def test_a_share_is_told_with_wilsons_interval_and_the_difference_of_the_same_people(made: Made) -> None:
    hours = [[0.0] * 8 + [5.0, 1.0], [0.0] * 5 + [2.0] * 5]
    (found,) = answers(made(more=ARMS), table(**{"hours withdrawal": hours}))
    first, second = found.arms
    assert first.estimate.value == 0.2
    assert (first.estimate.low, first.estimate.high) == pytest.approx((0.0567, 0.5098), abs=1e-4)
    assert second.difference is not None
    assert second.difference.value == pytest.approx(0.3)
    assert first.difference is None


def test_a_mean_is_told_with_students_interval(made: Made) -> None:
    columns = {"hours withdrawal": [[0.0] * 4] * 2, "refills": [[1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 5.0]]}
    found = answers(made(more=MEANS + ARMS), table(**columns))[1]
    assert found.arms[0].estimate.value == 2.5
    assert found.arms[0].estimate.low == pytest.approx(2.5 - 3.182446 * np.std([1, 2, 3, 4], ddof=1) / 2)
    assert found.arms[1].difference is not None
    assert (found.arms[1].difference.low, found.arms[1].difference.high) == (1.0, 1.0)


def test_a_median_counts_only_those_who_have_a_value(made: Made) -> None:
    columns = {"hours withdrawal": [[0.0] * 4] * 2, "found_day": [[3.0, None, 9.0, 6.0], [None] * 4]}
    found = answers(made(more=MEDIANS + ARMS), table(**columns))[1]
    assert (found.arms[0].counted, found.arms[0].estimate.value) == (3, 6.0)
    assert found.arms[1].counted == 0
    assert to_json((found,))[0]["arms"][1]["estimate"]["value"] is None
    assert told(found.arms[1].estimate, "median") == "nobody"


def test_numbers_are_told_in_three_digits_without_an_exponent() -> None:
    from openitb.cohort.study.answer import Estimate

    assert told(Estimate(0.12345, 0.0078, 0.172), "share") == "12.3 (0.8 to 17.2) %"
    assert told(Estimate(1234.5, -0.1234, 20000.0), "mean", "h") == "1234 (−0.123 to 20000) h"


def test_the_interval_of_a_median_holds_it_as_often_as_it_says() -> None:
    """95 % of samples, within what 2000 of them tell."""
    from openitb.cohort.study.answer import _median

    rng = np.random.default_rng(1)
    samples = rng.exponential(size=(2000, 41))
    found = [_median(sample) for sample in samples]
    held = np.mean([each.low <= np.log(2) <= each.high for each in found])
    assert 0.94 <= held <= 0.99


def test_the_report_says_what_is_assumed_and_cites_what_was_read(made: Made, tmp_path: object) -> None:
    from openitb.cohort.study import answered, follow
    from openitb.cohort.study.results import frames

    study = made(more='[[plot]]\nkind = "course"\nof = ["leg_ashworth"]\n')
    people = frames(0, answered(study.arms[0].policy, follow(study, study.arms[0], range(4)))).people
    content = report(study, people)
    titles = [section.title for section in content.sections]
    assert titles[:3] == ["Answer", "Pictures", "Every outcome"]
    text = str(content)
    for expected in ("Does it run?", "hears alarm", "assumed", "Mixed" if False else "well mixed", "seed 7"):
        assert expected in text
    sources = next(section for section in content.sections if section.title == "Sources")
    assert len(sources.parts[0]) > 10
