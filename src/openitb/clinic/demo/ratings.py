"""What a rater writes down: the true score with a rater's noise, as a code the scale really has."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from openitb import catalogue, units
from openitb.clinic.demo.cast import House
from openitb.clinic.demo.play import Played
from openitb.clinic.demo.story import Contact

UNRATED = {"surgery", "telephone"}


@dataclass(frozen=True, slots=True)
class Rated:
    """One rating: the code as written, and that code as a number."""

    at_ms: int
    scale_id: str
    muscle_group: str
    code: str
    value: Decimal
    is_baseline: bool


@dataclass(frozen=True, slots=True)
class _Item:
    """What is scored, on which scale, from which series; `normal` is the score of who has nothing."""

    series: str
    scale_id: str
    muscle_group: str
    normal: float


ITEMS = (
    _Item("leg_ashworth", "ashworth-1-5", "Legs", 1.0),
    _Item("arm_ashworth", "ashworth-1-5", "Arms", 1.0),
    _Item("spasm_score", "penn-frequency", "", 0.0),
)


def ratings(played: Played, house: House) -> tuple[Rated, ...]:
    """Every rating of a story in order of time; the same story gives the same ratings."""
    noise = np.random.default_rng([played.story.person.seed, 1])
    return tuple(
        _rated(played, item, at_ms, is_baseline, float(noise.normal(0.0, house.rater_sd)))
        for at_ms, is_baseline in _times(played, house)
        for item in ITEMS
        if getattr(played.story.person.body, item.series) > item.normal
    )


def _times(played: Played, house: House) -> list[tuple[int, bool]]:
    """When somebody scored, and whether it was before any treatment."""
    times: dict[int, bool] = {}
    for contact in played.story.contacts:
        for at_ms in _times_of(contact, house):
            if at_ms <= played.story.now_ms:
                times.setdefault(at_ms, contact.kind == "evaluation")
    return sorted(times.items())


def _times_of(contact: Contact, house: House) -> Iterator[int]:
    if contact.kind == "screening trial":
        yield from (contact.at_ms + round(hour * units.MS_PER_H) for hour in house.trial_checks_h)
    elif contact.kind not in UNRATED:
        yield contact.at_ms


def _rated(played: Played, item: _Item, at_ms: int, is_baseline: bool, noise: float) -> Rated:
    codes = sorted(Decimal(level.code) for level in catalogue.load().scales[item.scale_id].levels)
    seen = played.truth(item.series, at_ms) + noise
    nearest = min(codes, key=lambda code: abs(float(code) - seen))
    return Rated(at_ms, item.scale_id, item.muscle_group, str(nearest), nearest, is_baseline)
