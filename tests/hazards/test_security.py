"""Hazards that others bring over the link, each with the part that stands against it and without it."""

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from openitb.implant import Home, PumpService, handle, provision
from openitb.implant.firmware.roles import EVERYTHING, PERMITTED
from openitb.implant.radio import with_publisher
from openitb.prescription import SimpleContinuous
from openitb.protocol import (
    Applied,
    DeliverBolus,
    DrugLibrary,
    LibraryStrength,
    ProgramPump,
    Role,
    UpdateLibrary,
    decode_request,
    encode,
    library_bytes,
)
from openitb.telemetry import (
    Candidate,
    Challenges,
    Hello,
    KeyPair,
    Keys,
    LinkDown,
    Listener,
    NearDialer,
    Responder,
    SigningKey,
    connect,
    key_id,
    new_code,
    pair,
)
from openitb.telemetry.contact import PROOF_BYTES
from openitb.telemetry.errors import FrameError, TelemetryError
from openitb.telemetry.noise import HANDSHAKE_BYTES, Initiator, respond
from openitb.telemetry.stream import close
from tests.hazards.parts import DAY, HOUR, MINUTE, PER_DAY_NL, SIMPLE, UG, both, treated
from tests.implant.conftest import START_MS, Bench
from tests.telemetry.test_link import QUICK, EchoGate
from tests.telemetry.test_pairing import CardGate

OVERDOSE = SimpleContinuous(5_000 * UG)


def ordered_by(role: Role) -> Callable[[], int]:
    """Micrograms in a day after a holder of that role ordered too much."""

    def given_ug() -> int:
        pump = treated()
        digest = pump.implant.firmware.controller.program.digest
        pump.tell(ProgramPump("stranger", "attack", digest, OVERDOSE), role)
        pump.run_days(1)
        return pump.implant.hardware.delivered_pg // UG

    return given_ug


@pytest.mark.hazard("INC-22")
@pytest.mark.hazard("INC-22", without="the table of roles")
def test_somebody_in_range_who_may_only_read_orders_a_dose() -> None:
    off = {"openitb.implant.firmware.roles.require_permitted": lambda *_: None}
    assert both(ordered_by(Role.READ_ONLY), off) == (200, 5_000)


@pytest.mark.hazard("HAZ-25")
@pytest.mark.hazard("HAZ-25", without="the row of emergency access")
def test_emergency_access_orders_a_dose() -> None:
    open_table = {"openitb.implant.firmware.roles.PERMITTED": {**PERMITTED, Role.BREAK_GLASS: EVERYTHING}}
    assert both(ordered_by(Role.BREAK_GLASS), open_table) == (200, 5_000)


@pytest.mark.hazard("INC-21")
@pytest.mark.hazard("INC-21", without="counters of frames and the memory of answers")
def test_a_recorded_bolus_is_played_again() -> None:
    def bolus_nl() -> int:
        programmer, implant = KeyPair.generate(), KeyPair.generate()
        caller = Initiator(Keys(programmer, implant.public), b"NGP1")
        _, answer, at_pump = respond(caller.first(), Keys(implant, programmer.public), b"NGP1")
        _, at_desk = caller.second(answer)
        pump = treated()
        digest = pump.implant.firmware.controller.program.digest
        recorded = at_desk.seal(encode(DeliverBolus("nurse", "bolus", digest, 50_000, 30 * MINUTE)))
        for _ in range(3):
            with suppress(FrameError):
                pump.tell(decode_request(at_pump.open(recorded)))
            at_pump._last_received = counters(at_pump)
            pump.run(HOUR)
        return pump.delivered_nl() - PER_DAY_NL * 3 * HOUR // DAY

    forgets = {
        "openitb.implant.firmware.commands._remembered": lambda firmware, *_: firmware,
        "tests.hazards.test_security.counters": lambda _transport: -1,
    }
    held, loose = both(bolus_nl, forgets)
    assert abs(held - 50_000) <= 750
    assert abs(loose - 3 * 50_000) <= 750


def counters(transport: Any) -> int:
    """The counter a receiver keeps; one that keeps none would answer -1."""
    return transport._last_received


@pytest.mark.hazard("INC-23")
@pytest.mark.hazard("INC-23", without="the code on the card")
def test_a_stranger_pairs_while_the_gate_is_open() -> None:
    def taken_in() -> bool:
        gate = CardGate(code=new_code())
        with suppress(LinkDown):
            pair(NearDialer(gate, Challenges(1)), "NGP1", Candidate(KeyPair.generate(), bytes(16), b"me"))
        return bool(gate.taken)

    known_to_all = {
        "openitb.telemetry.contact.pairing_secret": lambda _code: b"the same for all",
        "openitb.telemetry.responder.code_key": lambda _code: bytes(32),
        **{f"openitb.telemetry.{room}.code_key": lambda _code: bytes(32) for room in ROOMS_OF_PAIRING},
    }
    assert both(taken_in, known_to_all) == (False, True)


ROOMS_OF_PAIRING = ("caller", "pairing")


@pytest.mark.hazard("INC-24")
@pytest.mark.hazard("INC-24", without="the publisher's signature")
def test_a_drug_library_that_somebody_has_altered() -> None:
    publisher = SigningKey.generate()

    def given_ug() -> int:
        pump = treated()
        pump.implant = with_publisher(pump.implant, publisher.public)
        for version, highest_ug, key in ((1, 500, publisher), (2, 9_000, SigningKey.generate())):
            strength = LibraryStrength("baclofen", "Baclofen", 500, highest_ug * UG)
            data = library_bytes(DrugLibrary(version, "pharmacy", 0, START_MS * 2, (strength,)))
            pump.tell(UpdateLibrary("card", f"library-{version}", data, key.sign(data)))
        pump.order(OVERDOSE)
        pump.run_days(1)
        return pump.implant.hardware.delivered_pg // UG

    anything = {"openitb.implant.firmware.access.is_signed": lambda *_: True}
    assert both(given_ug, anything) == (200, 5_000)


@pytest.mark.hazard("HAZ-10", "HAZ-26")
@pytest.mark.hazard("HAZ-10", without="the proof before a key exchange")
@pytest.mark.hazard("HAZ-26", without="the proof before a key exchange")
def test_strangers_who_make_the_pump_reckon() -> None:
    gate = EchoGate()

    def exchanges() -> int:
        done = 0
        for _ in range(50):
            responder = Responder(gate, bytes(32))
            responder.receive(Hello("NGP1", key_id(gate.caller.public)).encode())
            with suppress(TelemetryError):
                responder.receive(bytes(PROOF_BYTES + HANDSHAKE_BYTES))
            done += responder.exchanged_keys
        return done

    unproved = {"openitb.telemetry.contact.is_proof": lambda *_: True}
    assert both(exchanges, unproved) == (0, 50)


@pytest.mark.hazard("HAZ-26")
@pytest.mark.hazard("HAZ-26", without="dropping who waits longest")
def test_strangers_who_call_and_say_nothing() -> None:
    def kept_out() -> bool:
        gate = EchoGate()
        listener = Listener(gate, limits=replace(QUICK, handshake_s=5.0))
        address = listener.start()
        idle = [socket.create_connection(address) for _ in range(3 * QUICK.strangers)]
        try:
            with connect(address, "NGP1", gate.caller_keys, QUICK) as channel:
                return channel.send(b"ok") != b"ko"
        except TelemetryError:
            return True
        finally:
            for sock in idle:
                close(sock)
            listener.stop()

    admit = Listener._admit

    def first_come(listener: Listener, sock: socket.socket) -> None:
        if len(listener._strangers) >= listener._limits.strangers:
            close(sock)
        else:
            admit(listener, sock)

    assert both(kept_out, {"openitb.telemetry.listener.Listener._admit": first_come}) == (False, True)


@pytest.mark.hazard("HAZ-27")
@pytest.mark.hazard("HAZ-27", without="keys that print nothing")
def test_a_key_is_written_to_a_log_by_mistake(caplog: pytest.LogCaptureFixture) -> None:
    pair_of_keys = KeyPair.generate()

    def leaked() -> bool:
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            logging.getLogger("desk").warning("session with %r", pair_of_keys)
        return pair_of_keys.private.hex() in caplog.text

    plain = {"openitb.telemetry.keys.KeyPair.__repr__": lambda self: f"KeyPair({self.private.hex()})"}
    assert both(leaked, plain) == (False, True)


@pytest.mark.hazard("INC-26")
@pytest.mark.hazard("INC-26", without="delivery that waits for nobody")
def test_a_radio_that_never_falls_silent(tmp_path: Any) -> None:
    now = {"ms": START_MS}
    start = treated().implant
    homes = iter(range(9))

    def given_nl() -> int:
        """A day of strangers at the port and of a disk that refuses every save."""
        now["ms"] = START_MS
        home = Home(tmp_path / str(next(homes)))
        provision(home, start)
        service = PumpService(home, lambda: now["ms"])
        hello = Hello(start.serial, bytes(8))
        for _ in range(24):
            now["ms"] += HOUR
            assert service.keys_for(hello) is None
        return service.implant(start.serial).hardware.delivered_nl

    frozen = {"openitb.implant.service.PumpService._now": lambda self, serial: self._implant(serial).now_ms}
    assert both(given_nl, frozen) == (PER_DAY_NL, 0)


@pytest.mark.hazard("INC-22")
def test_nobody_without_a_key_reaches_a_command() -> None:
    pump = Bench()
    before = pump.implant
    after, reply = handle(before, ProgramPump("x", "1", "0" * 64, SIMPLE), START_MS, Role.PATIENT)
    assert not isinstance(reply, Applied)
    assert after.firmware.controller == before.firmware.controller
