"""Keys that are revoked or expire, and drug libraries that are signed and only move forward."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.implant import from_bytes, program_digest, to_bytes
from openitb.implant.radio import NewKey, admit_key, is_revoked, peer_of, with_publisher
from openitb.prescription import SimpleContinuous, Stopped
from openitb.protocol import (
    Applied,
    DrugLibrary,
    EnablePatientAdjustment,
    LibraryStrength,
    LogKind,
    OverdoseAttestation,
    OverdoseSign,
    ReadAccess,
    ReduceToMinimum,
    Refused,
    RequestPatientAdjustment,
    RevokeKey,
    Role,
    UpdateLibrary,
    library_bytes,
)
from openitb.telemetry import KeyPair, SigningKey, key_id

DAY = units.MS_PER_DAY
PUBLISHER = SigningKey.from_private(bytes(range(32)))
FAR_MS = 4_102_444_800_000
SIMPLE = SimpleContinuous(200_000_000)


def library(version: int, highest_pg: int = 500_000_000, concentration: int = 500) -> DrugLibrary:
    strength = LibraryStrength("baclofen", "Baclofen", concentration, highest_pg)
    return DrugLibrary(version, "clinic pharmacy", 0, FAR_MS, (strength,))


def update(bench: object, edition: DrugLibrary, key: SigningKey = PUBLISHER) -> Applied | Refused:
    data = library_bytes(edition)
    return bench.tell(UpdateLibrary("pharmacist", bench.command_id(), data, key.sign(data)))


@pytest.fixture
def pump(bench: object) -> object:
    bench.implant = with_publisher(bench.implant, PUBLISHER.public)
    return bench


def paired(bench: object, lasts_ms: int | None = None, name: str = "handheld") -> bytes:
    public = KeyPair.generate().public
    new = NewKey(public, Role.PATIENT, name, lasts_ms)
    bench.implant, refused = admit_key(bench.implant, new, "123456", bench.implant.now_ms)
    assert refused is None
    return key_id(public)


@pytest.mark.requirement("PRG-15")
def test_a_patient_cannot_raise_the_dose_beyond_the_library(pump: object) -> None:
    pump.order(SIMPLE)
    pump.tell(EnablePatientAdjustment("nurse", pump.command_id(), 5, 180_000_000, 220_000_000))
    assert isinstance(update(pump, library(1, highest_pg=205_000_000)), Applied)
    pump.run(2 * DAY)
    up, down = (RequestPatientAdjustment("patient", pump.command_id(), steps) for steps in (1, -1))
    assert pump.tell(up, Role.PATIENT).field == "order"
    assert isinstance(pump.tell(down, Role.PATIENT), Applied)


@pytest.mark.requirement("TEL-09", "LOG-01", "SYS-06")
def test_a_paired_key_is_known_logged_and_survives_a_restart(bench: object) -> None:
    wanted = paired(bench)
    bench.implant = from_bytes(to_bytes(bench.implant))
    assert peer_of(bench.implant, wanted).name == "handheld"
    entry = bench.implant.firmware.log.entries[-1]
    assert (entry.kind, entry.get("digits")) == (LogKind.KEY_PAIRED, "123456")
    report = bench.tell(ReadAccess("nurse"))
    assert [(p.key_id, p.role) for p in report.peers] == [(wanted, Role.PATIENT)]


@pytest.mark.requirement("PAT-04")
def test_a_key_expires_by_the_pumps_own_count_whatever_its_clock_says(bench: object) -> None:
    wanted = paired(bench, lasts_ms=DAY)
    bench.run(DAY - 1)
    assert peer_of(bench.implant, wanted) is not None
    bench.run(1)
    assert peer_of(bench.implant, wanted) is None


@pytest.mark.requirement("PAT-04", "TEL-09")
def test_a_revoked_key_is_gone_until_it_is_paired_anew(bench: object) -> None:
    wanted = paired(bench)
    assert isinstance(bench.tell(RevokeKey("nurse", bench.command_id(), wanted)), Applied)
    assert peer_of(bench.implant, wanted) is None
    assert is_revoked(bench.implant, wanted)
    assert bench.implant.firmware.log.entries[-1].kind is LogKind.KEY_REVOKED


def test_a_key_id_of_another_length_is_refused(bench: object) -> None:
    assert bench.tell(RevokeKey("nurse", "1", b"short")).field == "key_id"


def test_the_number_of_paired_keys_is_bounded(bench: object) -> None:
    for _ in range(32):
        paired(bench)
    new = NewKey(KeyPair.generate().public, Role.PATIENT, "one too many", None)
    implant, refused = admit_key(bench.implant, new, "1", bench.implant.now_ms)
    assert refused.field == "keys"
    assert implant.firmware.log == bench.implant.firmware.log


@pytest.mark.requirement("SYS-09", "PRG-15")
def test_a_signed_newer_library_is_taken_and_therapy_goes_on(pump: object) -> None:
    pump.order(SIMPLE)
    before = program_digest(pump.implant)
    assert isinstance(update(pump, library(3, highest_pg=100_000_000)), Applied)
    assert program_digest(pump.implant) == before
    report = pump.tell(ReadAccess("nurse")).library
    assert (report.version, report.source) == (3, "clinic pharmacy")
    start = pump.now_ms
    pump.run(DAY)
    assert pump.delivered_nl(start) == 400_000


@pytest.mark.requirement("SYS-09", "PRG-15")
@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_older_or_the_same_library_is_refused(pump: object, version: int) -> None:
    update(pump, library(3))
    refused = update(pump, replace(library(version), source="an old recording"))
    assert refused.field == "version"
    assert pump.tell(ReadAccess("nurse")).library.source == "clinic pharmacy"


@pytest.mark.requirement("SYS-09", "PRG-15")
def test_a_library_of_another_publisher_is_refused(pump: object) -> None:
    assert update(pump, library(1), SigningKey.generate()).field == "signature"
    assert pump.tell(ReadAccess("nurse")).library is None


@pytest.mark.requirement("SYS-09")
@given(st.data())
def test_a_library_with_any_byte_changed_is_refused(make_bench: object, data: st.DataObject) -> None:
    bench = make_bench()
    bench.implant = with_publisher(bench.implant, PUBLISHER.public)
    wire = bytearray(library_bytes(library(1)))
    signature = bytearray(PUBLISHER.sign(bytes(wire)))
    target = data.draw(st.sampled_from([wire, signature]))
    target[data.draw(st.integers(0, len(target) - 1))] ^= data.draw(st.integers(1, 255))
    refused = bench.tell(UpdateLibrary("x", "1", bytes(wire), bytes(signature)))
    assert refused.field == "signature"


@pytest.mark.requirement("PRG-15")
def test_an_expired_library_is_refused(pump: object) -> None:
    assert update(pump, replace(library(1), expires_ms=pump.implant.now_ms)).field == "expires_ms"


def test_a_pump_that_knows_no_publisher_takes_no_library(bench: object) -> None:
    assert update(bench, library(1)).field == "signature"


@pytest.mark.requirement("SYS-09")
def test_an_order_above_the_librarys_limit_is_refused_by_the_pump(pump: object) -> None:
    update(pump, library(1, highest_pg=300_000_000))
    assert isinstance(pump.order(SimpleContinuous(300_000_000)), Applied)
    assert pump.order(SimpleContinuous(300_100_000)).field == "order"


@pytest.mark.requirement("RES-08")
def test_a_refill_with_a_strength_the_library_does_not_hold_is_refused(pump: object) -> None:
    update(pump, library(1))
    pump.order(SIMPLE)
    assert pump.record(18_000_000, 2000, 250_000).field == "concentration_ug_per_ml"


@pytest.mark.requirement("SYS-09")
def test_no_library_stands_in_the_way_of_less(pump: object) -> None:
    pump.order(SimpleContinuous(400_000_000))
    update(pump, library(1, highest_pg=100_000_000, concentration=2000))
    assert isinstance(pump.order(SIMPLE), Applied)
    attested = OverdoseAttestation("Dr. Stone", "ward", (OverdoseSign.DROWSY,))
    assert isinstance(pump.tell(ReduceToMinimum("er", "1", attested), Role.BREAK_GLASS), Applied)
    assert isinstance(pump.order(Stopped()), Applied)
