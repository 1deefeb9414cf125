"""Fronts that smear: what plug flow lets out at the tip, spread as a narrow tube spreads it.

In a tube the fluid in the middle runs ahead and diffusion across the bore brings it back (Taylor and
Aris). A front that has been under way has a spread sigma in volume, with

    d(sigma^2)/dt = 2 D (1 + Pe^2 / 48) A^2,    Pe = u a / D,

A the cross-section, a its radius, u the mean speed, D the diffusivity. At basal flow that is a few
microlitres; at priming speed several times as much, so that some drug leaves before the prime ends
and the column behind it is thinned. Floats are used here, as everywhere from the tip on; the drug is
rounded to whole pg at the end, and its total is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from openitb.catheter.column import CatheterError, Column
from openitb.timeline import Parcel
from openitb.units import MS_PER_S, NL_PER_ML

Floats = NDArray[np.float64]

TAYLOR_ARIS = 48
REACH = 6  # spreads from a front beyond which nothing is left to see
GRAIN = 0.25  # of a spread: the finest step of volume
MOST_STEPS = 400  # in one parcel


@dataclass(frozen=True, slots=True)
class Bore:
    """A tube and what moves in it: inner radius in cm, diffusivity in cm²/s, both above zero."""

    radius_cm: float
    diffusivity_cm2_per_s: float

    def __post_init__(self) -> None:
        if min(self.radius_cm, self.diffusivity_cm2_per_s) <= 0:
            raise CatheterError(
                f"bore: got {self.radius_cm} cm and {self.diffusivity_cm2_per_s} cm²/s, expected above 0"
            )

    def growth_nl2_per_ms(self, flow_nl_per_ms: Floats) -> Floats:
        """How fast the square of a front's spread grows at each flow, nL² per ms."""
        area = pi * self.radius_cm**2
        speed = flow_nl_per_ms * MS_PER_S / NL_PER_ML / area
        peclet = speed * self.radius_cm / self.diffusivity_cm2_per_s
        along = 2 * self.diffusivity_cm2_per_s * (1 + peclet**2 / TAYLOR_ARIS) * area**2
        return np.asarray(along * NL_PER_ML**2 / MS_PER_S, dtype=np.float64)


def spread(outflow: Sequence[Parcel], behind: Column, path_nl: int, bore: Bore) -> tuple[Parcel, ...]:
    """What plug flow let out, with its fronts and those still `behind` in the column spread.

    `outflow` is everything since the run began, when the path of `path_nl` held no front younger than
    the run; parts of it that are flushed together give the same. Volumes and times stay, only drug
    moves between parcels, and long parcels near a front are cut into shorter ones.
    """
    wet = [parcel for parcel in outflow if parcel.volume_nl]
    fronts = _fronts(wet, behind)
    if not wet or not len(fronts.at_nl):
        return tuple(outflow)
    course = _course(wet, bore)
    nodes_ms, passed_nl = _nodes(wet, fronts, course, path_nl)
    mass = np.rint(_passed_pg(nodes_ms, passed_nl, fronts, course, path_nl)).astype(np.int64)
    return tuple(_parcels(nodes_ms, passed_nl, mass))


@dataclass(frozen=True, slots=True, eq=False)
class _Fronts:
    """Jumps of concentration by the volume that has left the tip when plug flow brings them there."""

    first: float
    at_nl: Floats
    step: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """Instants, volume passed and spread grown by each of them; between them straight lines."""

    at_ms: Floats
    passed_nl: Floats
    grown_nl2: Floats


def _fronts(wet: Sequence[Parcel], behind: Column) -> _Fronts:
    volumes = [*(p.volume_nl for p in wet), *(s.left_nl for s in behind.slugs)]
    masses = [*(p.mass_pg for p in wet), *(s.left_pg for s in behind.slugs)]
    strength = np.array(masses, dtype=np.float64) / np.array(volumes, dtype=np.float64)
    edges = np.cumsum(np.array(volumes, dtype=np.float64))[:-1]
    steps = np.diff(strength)
    real = np.abs(steps) > 1e-3 * strength.max(initial=0.0)  # below it is rounding to whole pg
    return _Fronts(float(strength[0]), edges[real], steps[real])


def _course(wet: Sequence[Parcel], bore: Bore) -> _Course:
    at, passed, grown = [float(wet[0].start_ms)], [0.0], [0.0]
    still = float(bore.growth_nl2_per_ms(np.zeros(1))[0])
    for parcel in wet:
        if parcel.start_ms > at[-1]:  # a pause: diffusion goes on
            grown.append(grown[-1] + still * (parcel.start_ms - at[-1]))
            at.append(float(parcel.start_ms))
            passed.append(passed[-1])
        span = parcel.end_ms - parcel.start_ms
        pace = float(bore.growth_nl2_per_ms(np.array([parcel.volume_nl / span]))[0])
        at.append(float(parcel.end_ms))
        passed.append(passed[-1] + parcel.volume_nl)
        grown.append(grown[-1] + pace * span)
    return _Course(np.array(at), np.array(passed), np.array(grown))


def _spread_nl(at_ms: Floats, fronts: _Fronts, course: _Course, path_nl: int) -> Floats:
    """Spread of each front (columns) at each instant (rows), nL; fronts enter a path upstream."""
    entered = np.interp(fronts.at_nl - path_nl, course.passed_nl, course.grown_nl2)
    now = np.interp(at_ms, course.at_ms, course.grown_nl2)
    return np.asarray(np.sqrt(np.maximum(now[:, None] - entered[None, :], 0.0)), dtype=np.float64)


def _nodes(
    wet: Sequence[Parcel], fronts: _Fronts, course: _Course, path_nl: int
) -> tuple[list[tuple[int, int]], Floats]:
    """Pieces (start, end in ms) fine enough near a front, and the volume passed at their edges."""
    pieces: list[tuple[int, int]] = []
    passed: list[tuple[float, float]] = []
    ends = np.array([p.end_ms for p in wet], dtype=np.float64)
    widths = _spread_nl(ends, fronts, course, path_nl)
    before = 0.0
    for parcel, width in zip(wet, widths, strict=True):
        count = _steps(before, parcel.volume_nl, fronts, width)
        span = parcel.end_ms - parcel.start_ms
        edges = sorted({parcel.start_ms + span * k // count for k in range(count + 1)})
        at = before + parcel.volume_nl * (np.array(edges) - parcel.start_ms) / span
        pieces += list(pairwise(edges))
        passed += list(zip(at[:-1].tolist(), at[1:].tolist(), strict=True))
        before += parcel.volume_nl
    return pieces, np.array(passed)


def _steps(before_nl: float, volume_nl: int, fronts: _Fronts, width_nl: Floats) -> int:
    near = np.abs(fronts.at_nl - np.clip(fronts.at_nl, before_nl, before_nl + volume_nl)) < REACH * width_nl
    if not near.any():
        return 1
    return int(min(MOST_STEPS, 1 + volume_nl / (GRAIN * max(float(width_nl[near].min()), 1.0))))


def _passed_pg(
    pieces: Sequence[tuple[int, int]], passed_nl: Floats, fronts: _Fronts, course: _Course, path_nl: int
) -> Floats:
    """Drug that has left by the start and the end of each piece, pg; shape (n, 2)."""
    at = np.array(pieces, dtype=np.float64)
    columns = [_passed_at(at[:, k], passed_nl[:, k], fronts, course, path_nl) for k in (0, 1)]
    return np.stack(columns, axis=1)


def _passed_at(at_ms: Floats, passed: Floats, fronts: _Fronts, course: _Course, path_nl: int) -> Floats:
    """The integral of a step smeared by a normal: sigma (z Phi(z) + phi(z)) for each front."""
    sigma = np.maximum(_spread_nl(at_ms, fronts, course, path_nl), 1e-9)
    ahead = passed[:, None] - fronts.at_nl[None, :]
    z = ahead / sigma
    past = ahead * ndtr(z) + sigma * np.exp(-(z**2) / 2) / np.sqrt(2 * pi)
    return np.asarray(fronts.first * passed + past @ fronts.step, dtype=np.float64)


def _parcels(pieces: Sequence[tuple[int, int]], passed_nl: Floats, mass: NDArray[np.int64]) -> list[Parcel]:
    """Whole nL and pg, each the difference of two running totals, so that the totals are kept."""
    made: list[Parcel] = []
    given_pg = 0
    edges = np.rint(passed_nl).astype(np.int64)
    for (start, end), (low, high), (_, until_pg) in zip(pieces, edges.tolist(), mass.tolist(), strict=True):
        now_pg = max(given_pg, until_pg) if high > low else given_pg
        made.append(Parcel(start, end, high - low, now_pg - given_pg))
        given_pg = now_pg
    return made
