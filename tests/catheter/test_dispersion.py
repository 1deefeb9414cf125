"""A front that smears: by Taylor and Aris, with its drug kept and its middle where plug flow has it."""

from math import pi, sqrt

import pytest

from openitb.catheter import Bore, CatheterError, Column, spread, transport
from openitb.timeline import Parcel
from openitb.units import MS_PER_DAY, MS_PER_S

BORE = Bore(0.025, 6e-6)
PATH_NL = 316_000
PRIME_NL_PER_DAY, BASAL_NL_PER_DAY = 24_000_000, 400_000


def flow(per_day: int, volume_nl: int, start_ms: int = 0, concentration: int = 500) -> Parcel:
    span = volume_nl * MS_PER_DAY // per_day
    return Parcel(start_ms, start_ms + span, volume_nl, volume_nl * concentration)


def smeared(delivered: list[Parcel], before: int = 0) -> tuple[list[Parcel], list[Parcel]]:
    column, plug = transport(Column.filled(PATH_NL, before), delivered)
    return list(plug), list(spread(plug, column, PATH_NL, BORE))


def by_hand_nl(per_day: int) -> float:
    """Spread of a front after the whole path at one flow."""
    area = pi * BORE.radius_cm**2
    per_s = per_day / 86_400 / 1e6
    peclet = per_s / area * BORE.radius_cm / BORE.diffusivity_cm2_per_s
    seconds = PATH_NL / 1e6 / per_s
    return sqrt(2 * BORE.diffusivity_cm2_per_s * (1 + peclet**2 / 48) * seconds) * area * 1e6


def early_pg(parcels: list[Parcel], by_ms: int) -> int:
    return sum(p.mass_pg for p in parcels if p.end_ms <= by_ms)


def test_a_front_at_basal_flow_smears_by_a_few_microlitres_and_at_priming_speed_by_many() -> None:
    assert 2_000 < by_hand_nl(BASAL_NL_PER_DAY) < 4_000
    assert by_hand_nl(PRIME_NL_PER_DAY) > 5 * by_hand_nl(BASAL_NL_PER_DAY)


@pytest.mark.parametrize("per_day", [PRIME_NL_PER_DAY, BASAL_NL_PER_DAY])
def test_drug_that_leaves_before_the_front_is_the_spread_over_root_two_pi(per_day: int) -> None:
    arrival = flow(per_day, PATH_NL).end_ms
    _, out = smeared([flow(per_day, PATH_NL), flow(per_day, PATH_NL, arrival)])
    expected_pg = by_hand_nl(per_day) / sqrt(2 * pi) * 500
    assert early_pg(out, arrival) == pytest.approx(expected_pg, rel=0.01)


@pytest.mark.requirement("BOL-12")
def test_after_a_prime_the_patient_gets_some_drug_early_and_less_for_a_while() -> None:
    prime = flow(PRIME_NL_PER_DAY, PATH_NL)
    basal = flow(BASAL_NL_PER_DAY, BASAL_NL_PER_DAY, prime.end_ms)
    plug, out = smeared([prime, basal])
    assert early_pg(plug, prime.end_ms) == 0 < early_pg(out, prime.end_ms)
    hour = [p for p in out if prime.end_ms < p.end_ms <= prime.end_ms + 3600 * MS_PER_S]
    strength = sum(p.mass_pg for p in hour) / sum(p.volume_nl for p in hour)
    assert 200 < strength < 480


def test_volume_drug_and_time_are_kept() -> None:
    parcels = [flow(PRIME_NL_PER_DAY, PATH_NL)]
    for number in range(5):
        parcels.append(flow(BASAL_NL_PER_DAY, 400_000, parcels[-1].end_ms, 500 + 300 * number))
    parcels.append(flow(BASAL_NL_PER_DAY, 900_000, parcels[-1].end_ms, 1700))
    plug, out = smeared(parcels)
    assert sum(p.volume_nl for p in out) == sum(p.volume_nl for p in plug)
    assert sum(p.mass_pg for p in out) == pytest.approx(sum(p.mass_pg for p in plug), rel=1e-6)
    assert (out[0].start_ms, out[-1].end_ms) == (plug[0].start_ms, plug[-1].end_ms)
    assert all(p.mass_pg >= 0 and p.volume_nl >= 0 and p.end_ms > p.start_ms for p in out)


def test_without_a_front_nothing_changes() -> None:
    plug, out = smeared([flow(BASAL_NL_PER_DAY, 400_000)], before=500)
    assert out == plug


def early_after_a_pause(pause_ms: int) -> int:
    """Drug that leaves before the front, when the pump stands with the front half way."""
    first = flow(PRIME_NL_PER_DAY, PATH_NL // 2)
    second = flow(PRIME_NL_PER_DAY, PATH_NL, first.end_ms + pause_ms)
    _, out = smeared([first, second])
    return early_pg(out, second.start_ms + (second.end_ms - second.start_ms) // 2)


def test_a_front_goes_on_spreading_while_the_pump_stands() -> None:
    assert early_after_a_pause(7 * MS_PER_DAY) > early_after_a_pause(0)


def test_an_impossible_bore_is_refused() -> None:
    with pytest.raises(CatheterError, match="bore: got 0 cm"):
        Bore(0, 6e-6)
