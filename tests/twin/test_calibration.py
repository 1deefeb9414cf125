"""Bands against the truth of simulated patients, whose bodies follow the model hour by hour."""

import numpy as np
import pytest

from openitb.twin import LABELS, Assumed, assuming, updates
from openitb.twin.faults import CATHETER, NONE, Acting
from tools.twin.calibration import calibration
from tools.twin.patients import Happened, Setting, ward
from tools.twin.study import MIXED

VISITS = (14, 42, 84, 140, 200)


def held(rows: list[dict], key: str) -> float:  # type: ignore[type-arg]
    return float(np.mean([each[0] for row in rows for each in row[key].values()]))


def test_most_bands_of_a_few_patients_hold_the_truth() -> None:
    rows = list(calibration(Setting(5, 2, visits=VISITS), Assumed({"well_mixed": 1.0}), 0))
    assert len(rows) >= 3
    assert held(rows, "numbers") > 0.7
    assert held(rows, "course") > 0.6


def test_a_tip_pulled_out_is_found_at_the_first_visits_after() -> None:
    count = 4
    out = Acting(
        np.full(count, 24 * 100.0),
        np.full(count, np.log(1e-12)),
        np.zeros(count),
        np.zeros(count, dtype=np.bool_),
    )
    people = ward(Setting(count, 4, visits=VISITS), Happened(out, [CATHETER] * count, np.zeros(count)))
    for record in people.records[1:3]:
        told = list(updates(record, Assumed({"well_mixed": 1.0})))
        before = [each for each in told if each.at_ms < 100 * 86_400_000]
        assert all(each.probabilities[NONE] > 0.5 for each in before)
        assert told[-1].probabilities[CATHETER] > 0.5
        assert set(told[-1].probabilities) == set(LABELS)


@pytest.mark.slow
@pytest.mark.parametrize("true", ["well_mixed", "poorly_mixed"])
@pytest.mark.parametrize("assumed", ["well_mixed", "poorly_mixed"])
def test_bands_hold_the_truth_whichever_dispersion_is_assumed(true: str, assumed: str) -> None:
    rows = list(calibration(Setting(25, 31, true, MIXED), assuming(assumed), 0))  # type: ignore[arg-type]
    assert 0.82 <= held(rows, "numbers") <= 0.97
    assert 0.8 <= held(rows, "course") <= 0.99
    assert np.mean([row["warned"] for row in rows]) < 0.15
