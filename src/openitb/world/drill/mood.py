"""What a drill leans to: each seed draws what is frequent in it, so that rare things meet other rare things.

A workload in which everything is always about as likely seldom gets two unlikely things together; one
that leaves out the half of it, another half each time, does.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from openitb.protocol import Role

LEANS_TO = 5  # kinds of request of each role
LEANS = 8  # times as often
LONGEST = (5.0, 7.0, 8.1)  # exponents of ms: minutes, hours, a day and a half
TROUBLES = (
    frozenset({"mishap waits", "process is killed", "process stops and starts", "host clock goes back"}),
    frozenset({"fault comes"}),
    frozenset({"memory fails", "memory is lost"}),
    frozenset({"stranger calls", "wand moves", "programmer leaves"}),
    frozenset({"needle", "long time passes"}),
)


class Weighted(Protocol):
    """A row of a table, with its share among the others."""

    @property
    def weight(self) -> int:
        """Its share."""


@dataclass(frozen=True, slots=True)
class Mood:
    """Weights of requests by role, actions left out, how long time passes, whether frames all pass."""

    wishes: Mapping[Role, list[int]]
    left_out: frozenset[str]
    longest: float
    calm_air: bool


def drawn_mood(draw: random.Random, rows: Mapping[Role, tuple[Weighted, ...]]) -> Mood:
    """A mood for one drill."""
    left_out = (each for each in TROUBLES if draw.random() < 0.4)
    return Mood(
        wishes={role: _leaning(draw, table) for role, table in rows.items()},
        left_out=frozenset().union(*left_out),
        longest=draw.choice(LONGEST),
        calm_air=draw.random() < 0.4,
    )


def _leaning(draw: random.Random, rows: tuple[Weighted, ...]) -> list[int]:
    favoured = set(draw.sample(range(len(rows)), LEANS_TO))
    return [row.weight * (LEANS if number in favoured else 1) for number, row in enumerate(rows)]
