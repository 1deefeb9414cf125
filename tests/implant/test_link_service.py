"""The service behind the link: pairing by hand, revoking, a wand that slips, and a pace of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openitb import catalogue, units
from openitb.implant import Home, PumpService, provision
from openitb.implant.pace import pace_from
from openitb.implant.pairing import gate_of, open_gate, request_bytes
from openitb.implant.radio import audible_alarms
from openitb.implant.wand import Placement
from openitb.protocol import (
    AlarmCondition,
    Applied,
    Interrogate,
    Interrogation,
    LogKind,
    Refused,
    Reply,
    Request,
    RevokeKey,
    Role,
    SetLowReservoirAlarm,
    SilenceAlarm,
    decode_reply,
    encode,
)
from openitb.telemetry import (
    Candidate,
    Challenges,
    KeyPair,
    Keys,
    LinkDown,
    NearDialer,
    NoAnswer,
    Paired,
    connect,
    key_id,
    pair,
)

SERIAL = "NGP000001"
GATE_MS = catalogue.load().practice["pairing"].fact("gate_open").whole("ms")
KEY_MS = catalogue.load().practice["pairing"].fact("patient_key_lifetime").whole("ms")


class Clinic:
    """One implant behind a gate in this thread, with a clock and a wand that a test moves."""

    def __init__(self, home: Home, now_ms: int) -> None:
        self.home, self.now_ms, self.chance = home, now_ms, 0.5
        self.service = PumpService(home, lambda: self.now_ms, draw=lambda: self.chance)
        self.dialer = NearDialer(self.service, Challenges(home.started()))

    def ask(self, request: Request, keys: Keys) -> Reply:
        with connect(self.dialer, SERIAL, keys) as channel:
            return decode_reply(channel.send(encode(request)))

    def pair(self, own: KeyPair, code: bytes, name: str = "Ada's handheld") -> Paired:
        return pair(self.dialer, SERIAL, Candidate(own, code, request_bytes(name)))

    @property
    def nurse(self) -> Keys:
        return self.home.programmer_keys(SERIAL)

    def kinds(self) -> list[LogKind]:
        return [entry.kind for entry in self.service.implant(SERIAL).firmware.log.entries]


@pytest.fixture
def clinic(tmp_path: Path, bench: object) -> Iterator[Clinic]:
    provision(tmp_path, bench.implant)
    return Clinic(Home(tmp_path), bench.implant.now_ms)


@pytest.mark.requirement("TEL-09")
def test_a_programmer_paired_by_code_opens_a_session_in_the_role_of_the_gate(clinic: Clinic) -> None:
    gate = open_gate(clinic.home, SERIAL, Role.PATIENT, clinic.now_ms)
    own = KeyPair.generate()
    paired = clinic.pair(own, gate.code)
    assert isinstance(decode_reply(paired.answer), Applied)
    keys = Keys(own, paired.implant_public)
    assert paired.implant_public == clinic.nurse.peer_public
    assert isinstance(clinic.ask(Interrogate("handheld"), keys), Interrogation)
    assert clinic.ask(SetLowReservoirAlarm("x", "1", 3_000_000), keys).field == "role"
    entry = clinic.service.implant(SERIAL).firmware.log.entries[1]
    assert (entry.kind, entry.get("digits")) == (LogKind.KEY_PAIRED, paired.digits)


@pytest.mark.requirement("TEL-09")
def test_a_gate_lets_one_programmer_in_and_closes(clinic: Clinic) -> None:
    gate = open_gate(clinic.home, SERIAL, Role.CLINICIAN, clinic.now_ms)
    clinic.pair(KeyPair.generate(), gate.code)
    assert gate_of(clinic.home, SERIAL, clinic.now_ms) is None
    with pytest.raises(LinkDown):
        clinic.pair(KeyPair.generate(), gate.code)
    assert clinic.kinds().count(LogKind.KEY_PAIRED) == 1


@pytest.mark.requirement("TEL-09")
def test_a_gate_closes_by_itself(clinic: Clinic) -> None:
    gate = open_gate(clinic.home, SERIAL, Role.CLINICIAN, clinic.now_ms)
    clinic.now_ms += GATE_MS
    with pytest.raises(LinkDown):
        clinic.pair(KeyPair.generate(), gate.code)
    assert LogKind.KEY_PAIRED not in clinic.kinds()


@pytest.mark.requirement("TEL-09")
def test_without_a_gate_nobody_is_paired(clinic: Clinic) -> None:
    with pytest.raises(LinkDown):
        clinic.pair(KeyPair.generate(), bytes(16))


@pytest.mark.requirement("TEL-09")
def test_a_machine_that_fails_while_pairing_has_paired_nobody(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = open_gate(clinic.home, SERIAL, Role.CLINICIAN, clinic.now_ms)

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Home, "save", full)
    own = KeyPair.generate()
    with pytest.raises(OSError, match="disk full"):
        clinic.pair(own, gate.code)
    monkeypatch.undo()
    with pytest.raises(LinkDown):
        clinic.ask(Interrogate("x"), Keys(own, clinic.nurse.peer_public))
    assert gate_of(clinic.home, SERIAL, clinic.now_ms) is None


@pytest.mark.requirement("PAT-04")
def test_a_handhelds_key_ends_by_itself(clinic: Clinic) -> None:
    gate = open_gate(clinic.home, SERIAL, Role.PATIENT, clinic.now_ms)
    own = KeyPair.generate()
    keys = Keys(own, clinic.pair(own, gate.code).implant_public)
    clinic.now_ms += KEY_MS - 1
    assert isinstance(clinic.ask(Interrogate("x"), keys), Interrogation)
    clinic.now_ms += 1
    with pytest.raises(LinkDown):
        clinic.ask(Interrogate("x"), keys)


@pytest.mark.requirement("PAT-04", "TEL-09")
def test_a_revoked_key_is_refused_even_within_its_open_session(clinic: Clinic) -> None:
    reader = clinic.home.programmer_keys(SERIAL, Role.READ_ONLY)
    with connect(clinic.dialer, SERIAL, reader) as channel:
        assert isinstance(decode_reply(channel.send(encode(Interrogate("x")))), Interrogation)
        clinic.ask(RevokeKey("nurse", "1", key_id(reader.own.public)), clinic.nurse)
        assert decode_reply(channel.send(encode(Interrogate("x")))) == Refused(
            "role", "this key is no longer taken here"
        )
    with pytest.raises(LinkDown):
        clinic.ask(Interrogate("x"), reader)


@pytest.mark.requirement("PAT-04")
def test_a_handheld_of_one_patient_does_not_reach_the_pump_of_another(clinic: Clinic) -> None:
    handheld = clinic.home.programmer_keys(SERIAL, Role.PATIENT)
    other = clinic.home.programmer_public("NGP000002", Role.PATIENT)
    assert handheld.own.public != other


@pytest.mark.requirement("TEL-01")
def test_without_contact_nothing_arrives_and_nothing_changes(clinic: Clinic) -> None:
    clinic.home.place_wand(SERIAL, Placement(150.0))
    before = clinic.home.load(SERIAL)
    with pytest.raises(LinkDown):
        clinic.ask(SetLowReservoirAlarm("nurse", "1", 3_000_000), clinic.nurse)
    assert clinic.home.load(SERIAL) == before
    clinic.home.place_wand(SERIAL, Placement(30.0))
    assert isinstance(clinic.ask(SetLowReservoirAlarm("nurse", "1", 3_000_000), clinic.nurse), Applied)


@pytest.mark.requirement("TEL-01", "TEL-05")
def test_a_wand_that_slips_mid_session_leaves_the_outcome_unknown_and_a_repeat_settles_it(
    clinic: Clinic,
) -> None:
    command = SetLowReservoirAlarm("nurse", "1", 3_000_000)
    with connect(clinic.dialer, SERIAL, clinic.nurse) as channel:
        clinic.home.place_wand(SERIAL, Placement(150.0))
        with pytest.raises(NoAnswer):
            channel.send(encode(command))
    clinic.home.place_wand(SERIAL, Placement())
    assert isinstance(clinic.ask(command, clinic.nurse), Applied)
    assert clinic.kinds().count(LogKind.ALARM_SETTING_CHANGED) == 1


@pytest.mark.requirement("ALM-06")
def test_losing_the_contact_that_silenced_a_critical_alarm_lets_it_sound_again(clinic: Clinic) -> None:
    clinic.now_ms += 48 * units.MS_PER_H
    stopped = (AlarmCondition.STOPPED_LONG, AlarmCondition.STOPPED_TOO_LONG)
    with connect(clinic.dialer, SERIAL, clinic.nurse) as channel:
        channel.send(encode(SilenceAlarm("nurse", "1", 600_000)))
        assert audible_alarms(clinic.service.implant(SERIAL)) == ()
    assert audible_alarms(clinic.service.implant(SERIAL)) == stopped


@pytest.mark.requirement("TEL-14", "LOG-06")
def test_no_private_key_or_code_is_in_the_state_the_log_or_a_reply(clinic: Clinic) -> None:
    gate = open_gate(clinic.home, SERIAL, Role.PATIENT, clinic.now_ms)
    own = KeyPair.generate()
    paired = clinic.pair(own, gate.code)
    with connect(clinic.dialer, SERIAL, clinic.nurse) as channel:
        reading = channel.send(encode(Interrogate("nurse")))
    state = (clinic.home.path / "pumps" / f"{SERIAL}.cbor").read_bytes()
    shown = repr(clinic.service.implant(SERIAL)).encode() + repr(gate).encode()
    secrets = [own.private, gate.code, clinic.nurse.own.private, clinic.home.publisher().private]
    for secret in [*secrets, clinic.home.implant_keys(SERIAL, Role.CLINICIAN).own.private]:
        for place in (state, reading, shown, paired.answer):
            assert secret not in place
            assert secret.hex().encode() not in place
            assert repr(secret)[2:-1].encode() not in place


@pytest.mark.parametrize(("permille", "passed_ms"), [(1000, 2_500), (60_000, 150_000), (500, 1_250)])
def test_time_runs_at_the_pace_that_was_asked_for(permille: int, passed_ms: int) -> None:
    steady = iter([7_000_000_000, 9_500_000_000])
    clock = pace_from(1_000, permille, lambda: next(steady))
    assert clock() == 1_000 + passed_ms
