"""People by cause: what is published about them comes back out of a sample of them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest

from openitb import catalogue
from openitb.body import between_subject_sds, typical_adult
from openitb.cohort import CohortError
from openitb.cohort.people import CAUSES, People, Population, draw
from openitb.cohort.people.causes import STATED, TONE_EC50, cause_number, cut_normal, usual_shares
from openitb.cohort.people.size import height_cm

COUNT = 40_000
PEOPLE = draw(Population(), np.arange(COUNT), seed=11)
ADULT = typical_adult()
SCORES = ("leg_ashworth", "arm_ashworth", "spasm_score")


def of(cause: str) -> People:
    return PEOPLE.take(np.flatnonzero(PEOPLE.cause == CAUSES.index(cause)))


def test_shares_of_causes_come_back() -> None:
    shares = usual_shares()
    for cause in STATED:
        share = shares[cause] / sum(shares.values())
        assert abs(len(of(cause)) / COUNT - share) < 4 * np.sqrt(share * (1 - share) / COUNT), cause


@pytest.mark.parametrize("cause", STATED)
def test_published_scores_and_ages_come_back(cause: str) -> None:
    people = of(cause)
    columns = {**{name: getattr(people, name) for name in SCORES}, "age": people.age_years}
    for name, values in columns.items():
        mean, sd = cause_number(cause, name), cause_number(cause, f"{name}_sd")
        assert abs(values.mean() - mean) < 4 * sd / np.sqrt(len(values)), name
        assert values.std() == pytest.approx(sd, rel=5 / np.sqrt(2 * len(values))), name


@pytest.mark.parametrize("cause", [cause for cause in STATED if cause != "paediatric"])
def test_published_spreads_of_the_body_come_back_log_normally(cause: str) -> None:
    people = of(cause)
    for name, sd in between_subject_sds().items():
        factor = cause_number(cause, "ec50_factor") if name in TONE_EC50 else 1.0
        logs = np.log(people[name] / (getattr(ADULT, name) * factor)) / sd
        assert kstest(logs, "norm").pvalue > 1e-4, name


def test_children_spread_about_the_median_of_their_size() -> None:
    children = of("paediatric")
    size = catalogue.load().practice["size"]
    height = height_cm(children.age_years) / float(size.fact("adult_height").number("cm"))
    length = np.log(children["canal_length_cm"] / (ADULT.canal_length_cm * height))
    assert np.std(length) == pytest.approx(between_subject_sds()["canal_length_cm"], rel=0.05)
    small = children.weight_kg < 40
    per_kg = children["plasma_clearance_ml_per_h"][small] / children.weight_kg[small]
    clearance = size.fact("plasma_clearance_per_weight")
    logs = np.log(per_kg / float(clearance.number("mL/hour/kg")))
    sd = float(clearance.between_subject_sd or 0)
    assert abs(logs.mean()) < 4 * sd / np.sqrt(len(logs))
    assert np.std(logs) == pytest.approx(sd, rel=5 / np.sqrt(2 * len(logs)))


def test_a_taller_child_has_a_longer_canal_and_nobody_outgrows_the_adult_in_the_median() -> None:
    ages = np.array([4.0, 8.0, 12.0, 18.0, 30.0])
    heights = height_cm(ages)
    assert (np.diff(heights[:4]) > 0).all()
    assert heights[3] == heights[4]


def test_a_person_does_not_depend_on_who_else_is_drawn() -> None:
    some = np.array([39_999, 7, 123])
    alone = draw(Population(), some, seed=11)
    for row, one in enumerate(some.tolist()):
        assert alone.one(row) == PEOPLE.one(one)
        assert alone.baseline(row) == PEOPLE.baseline(one)
        assert alone.age_years[row] == PEOPLE.age_years[one]


def test_presets_of_dispersion_give_the_same_people_but_for_their_dispersion() -> None:
    ids = np.arange(10)
    well = draw(Population(), ids, seed=2)
    poorly = draw(Population(dispersion="poorly_mixed"), ids, seed=2)
    ratio = typical_adult("poorly_mixed").dispersion_cm2_per_h / ADULT.dispersion_cm2_per_h
    for row in range(10):
        one, dispersion = well.one(row), well["dispersion_cm2_per_h"][row] * ratio
        assert poorly.one(row) == replace(one, dispersion_cm2_per_h=pytest.approx(dispersion))


def test_a_cohort_of_one_cause_holds_no_other() -> None:
    people = draw(Population({"spinal": 1.0}), np.arange(200), seed=1)
    assert set(people.cause.tolist()) == {CAUSES.index("spinal")}


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"tumour": 1.0}, r"^causes: got 'tumour', expected one of cerebral, spinal, "),
        ({"spinal": -1.0}, r"^causes.spinal: got -1.0, expected a share of at least 0$"),
        ({"spinal": float("nan")}, r"^causes.spinal: got nan, "),
        ({"spinal": 0.0}, r"^causes: got shares .*, expected one above 0$"),
        ({}, r"^causes: got shares {}, expected one above 0$"),
    ],
)
def test_impossible_populations_are_refused(shares: dict[str, float], message: str) -> None:
    with pytest.raises(CohortError, match=message):
        Population(shares)


def test_a_spread_no_cut_normal_distribution_has_is_refused() -> None:
    with pytest.raises(CohortError, match=r"expected a smaller SD$"):
        cut_normal(3.0, 2.0, 2.0, 5.0)
