"""Every number has a unit, a source it was read in, and says how far it may be trusted."""

from collections.abc import Callable
from decimal import Decimal
from importlib.resources import files

import pytest

from openitb import catalogue, units
from openitb.catalogue import Catalogue, CatalogueError, Confidence
from openitb.catalogue.loader import parse

DATA = files("openitb.catalogue") / "data"


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return catalogue.load()


def edited(name: str, change: Callable[[str], str]) -> Callable[[str], str]:
    """Reads the real catalogue with one file changed."""
    return lambda asked: (change if asked == name else str)((DATA / asked).read_text(encoding="utf-8"))


def test_the_pumps_and_catheters_of_the_therapy_are_there(known: Catalogue) -> None:
    assert {"synchromed-ii-20", "synchromed-ii-40", "prometra-ii-20", "prometra-ii-40"} <= set(known.pumps)
    assert {"ascenda-8780", "ascenda-8781", "indura-8709sc", "flowonix-11823"} <= set(known.catheters)


def test_a_pump_reads_in_the_units_of_the_exact_rooms(known: Catalogue) -> None:
    pump = known.pump("synchromed-ii-20")
    assert pump.reservoir_capacity_nl == 20 * units.NL_PER_ML
    assert pump.tubing_volume_nl == 140_000
    assert pump.legacy_tubing_volume_nl == 199_000
    assert pump.lowest_flow_nl_per_day == 48_000
    assert pump.flow_accuracy == Decimal("0.145")


def test_a_pump_without_an_older_constant_says_so(known: Catalogue) -> None:
    assert known.pump("prometra-ii-20").legacy_tubing_volume_nl is None


def test_a_catheter_knows_its_dead_volume(known: Catalogue) -> None:
    assert known.catheter("ascenda-8780").volume_nl("80") == 176_000


def test_every_pump_can_be_programmed_between_its_limits(known: Catalogue) -> None:
    for pump in known.pumps.values():
        assert pump.minimum_rate_nl_per_day <= pump.lowest_flow_nl_per_day < pump.highest_flow_nl_per_day
        assert pump.residual_volume_nl < pump.low_reservoir_alarm_nl < pump.reservoir_capacity_nl
        assert pump.stroke_volume_nl > 0


def test_every_range_has_its_low_end_below_its_high_end(known: Catalogue) -> None:
    for _, entry, name, fact in known.facts():
        if name.endswith("_low"):
            high = entry.fact(f"{name.removesuffix('_low')}_high")
            assert fact.number() < high.number(fact.unit), (entry.entry_id, name)


def test_what_was_seen_in_a_source_says_where_and_what_was_not_is_marked(known: Catalogue) -> None:
    for _, entry, name, fact in known.facts():
        assert fact.source or not fact.confidence.is_sourced, (entry.entry_id, name)
        assert fact.confidence is not Confidence.RECALLED or not fact.source, (entry.entry_id, name)


def test_every_citation_is_used(known: Catalogue) -> None:
    used = {source for *_, fact in known.facts() for source in fact.source}
    used |= {source for scale in known.scales.values() for source in scale.source}
    used |= {source for fault in known.faults.values() for source in fault.source}
    assert set(known.citations) == used


def test_confidence_separates_what_can_be_looked_up() -> None:
    unsourced = {confidence for confidence in Confidence if not confidence.is_sourced}
    assert unsourced == {Confidence.CALIBRATED, Confidence.RECALLED, Confidence.ASSUMED}


def test_scales_hold_their_levels_in_order(known: Catalogue) -> None:
    for scale in known.scales.values():
        ordinals = [level.ordinal for level in scale.levels]
        assert ordinals == sorted(set(ordinals))
    assert [level.code for level in known.scales["modified-ashworth"].levels] == [
        "0",
        "1",
        "1+",
        "2",
        "3",
        "4",
    ]
    assert len(known.scales["ashworth"].levels) == len(known.scales["ashworth-1-5"].levels) == 5


def test_a_drug_for_the_pump_says_how_long_it_keeps_there(known: Catalogue) -> None:
    for drug in known.drugs.values():
        assert drug.is_intrathecal == ("in_pump_stability" in drug.facts)
    assert not known.drug("baclofen-oral").is_intrathecal


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (lambda c: c.pump("pump-x", "system.pump"), "system.pump: got 'pump-x', expected one of"),
        (lambda c: c.catheter("hose"), "catheter: got 'hose'"),
        (lambda c: c.drug("morphine"), "drug: got 'morphine'"),
    ],
)
def test_an_unknown_entry_is_refused_with_the_ones_there_are(
    known: Catalogue, ask: Callable[[Catalogue], object], named: str
) -> None:
    with pytest.raises(CatalogueError, match=named):
        ask(known)


@pytest.mark.parametrize(
    ("name", "change", "named"),
    [
        ("pumps.toml", lambda t: t[:-40], "pumps.toml: not TOML"),
        ("pumps.toml", lambda t: t.replace('"tga-tubing-volume"', '"nowhere"'), "no citation 'nowhere'"),
        ("pumps.toml", lambda t: t.replace("residual_volume =", "rest ="), "residual_volume: missing"),
        (
            "pumps.toml",
            lambda t: t.replace('unit = "mL",', 'unit = "mm",', 1),
            "pumps.toml: synchromed-ii-20",
        ),
        ("pumps.toml", lambda t: t.replace("confidence =", "trust =", 1), "confidence: Field required"),
        ("pumps.toml", lambda t: t.replace("note = ", "remark = ", 2), "remark: Extra inputs"),
        ("pumps.toml", lambda t: t.replace('confidence = "read"', 'confidence = "sure"', 1), "confidence"),
        ("pumps.toml", lambda t: t.replace("value = 20.0", "value = nan", 1), "reservoir_capacity.value"),
        ("drugs.toml", lambda t: t.replace("in_pump_stability =", "stability ="), "in_pump_stability"),
        ("practice.toml", lambda t: t.replace('unit = "day"', 'unit = "fortnight"', 1), "unit 'fortnight'"),
        ("limits.toml", lambda t: "spinal = 3\n" + t, "expected a table"),
        (
            "limits.toml",
            lambda t: t.replace('source = ["best-practice-dosing-cmsc"]', "source = []", 1),
            "read without a source",
        ),
        ("scales.toml", lambda t: t.replace('"ashworth-table"', '"nowhere"', 1), "no citation 'nowhere'"),
    ],
)
def test_a_broken_catalogue_is_refused_by_file_and_place(
    name: str, change: Callable[[str], str], named: str
) -> None:
    with pytest.raises(CatalogueError) as refusal:
        parse(edited(name, change))
    assert named in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_fact_keeps_the_digits_it_was_written_with(known: Catalogue) -> None:
    fact = known.pump("synchromed-ii-20").fact("tubing_volume")
    assert fact.number("nL") == 140_000
    assert fact.text() == "0.14 mL"


def test_a_text_or_flag_is_not_read_as_a_number(known: Catalogue) -> None:
    with pytest.raises(TypeError, match="expected a number"):
        known.pump("synchromed-ii-20").fact("drive").number()
    with pytest.raises(TypeError, match="expected a number"):
        known.practice["concentration-change"].fact("bridge_required").number()


def test_asking_for_a_fact_that_is_not_held_lists_what_is(known: Catalogue) -> None:
    with pytest.raises(KeyError, match="no fact 'colour'"):
        known.pump("synchromed-ii-20").fact("colour")


def test_a_stroke_or_a_group_of_pulses_is_what_the_drive_moves_at_a_time(known: Catalogue) -> None:
    roller, valve = known.pump("synchromed-ii-20"), known.pump("prometra-ii-20")
    assert (roller.drive, roller.metering_fact, roller.pulses_per_group) == (
        "peristaltic",
        "stroke_volume",
        1,
    )
    assert (valve.drive, valve.metering_fact, valve.pulses_per_group) == ("valve", "pulse_volume", 5)
    assert valve.stroke_volume_nl == valve.fact("pulse_volume").whole("nL") * 5


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace("stroke_volume", "stroke", 1), "stroke_volume: missing"),
        (lambda text: text.replace("pulse_volume", "pulse", 1), "pulse_volume: missing"),
        (lambda text: text.replace('value = "valve"', 'value = "hope"', 1), "drive: got 'hope'"),
    ],
)
def test_a_pump_whose_metering_is_not_stated_is_refused(change: Callable[[str], str], told: str) -> None:
    with pytest.raises(CatalogueError, match=told):
        parse(edited("pumps.toml", change))


def test_no_model_offers_a_delayed_start(known: Catalogue) -> None:
    assert not [pump.entry_id for pump in known.pumps.values() if pump.fact("delayed_start").value]
