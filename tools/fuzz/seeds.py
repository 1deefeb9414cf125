"""Seeds: one good example of everything a target reads, to start from; kept in the tree.

Where a message or the memory changes its form, `python -m tools.fuzz --seeds` writes them again.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from openitb import catalogue, units
from openitb.implant import Contents, Implant, handle, new_implant, program_digest, to_bytes
from openitb.implant.pairing import request_bytes
from openitb.prescription import (
    Flex,
    FlexPattern,
    FlexStep,
    MinimumRate,
    Order,
    Periodic,
    SimpleContinuous,
    Stopped,
    order_to_mapping,
)
from openitb.protocol import (
    Applied,
    CommitStaged,
    ConfirmProgram,
    DeliverBolus,
    DrugLibrary,
    EnablePatientBolus,
    Interrogate,
    LibraryStrength,
    ProgramPump,
    ReadAccess,
    ReadAnswer,
    ReadStaged,
    RecordRefill,
    Refused,
    Request,
    RevokeKey,
    SetClock,
    SetDoseLimits,
    StageProgram,
    UpdateLibrary,
    WindowDose,
    encode,
)
from openitb.protocol.library import library_bytes
from openitb.telemetry import KeyPair, Keys, code_text
from openitb.telemetry import contact as contacts
from openitb.telemetry.frames import encode_frame
from openitb.telemetry.hello import Hello, Purpose
from openitb.telemetry.keys import key_id
from openitb.telemetry.noise import KK, XXPSK3, Handshake, Party
from openitb.telemetry.pairing import code_key
from tools.checkout import ROOT
from tools.fuzz import targets

CORPUS = ROOT / "tests" / "fuzz" / "corpus"
UG = units.PG_PER_UG
HOUR = units.MS_PER_H
START_MS = 1_767_571_200_000
ORDERS: tuple[Order, ...] = (
    Stopped(),
    MinimumRate(),
    SimpleContinuous(200 * UG),
    Flex((FlexPattern((0, 1, 2, 3, 4, 5, 6), (FlexStep(0, 12 * UG), FlexStep(8 * HOUR, 6 * UG))),)),
    Flex((FlexPattern((0,), (FlexStep(0, 12 * UG),)), FlexPattern((1, 2, 3, 4, 5, 6), (FlexStep(0, UG),)))),
    Periodic(20 * UG, HOUR // 2, 6 * HOUR, 100 * UG),
)
LIBRARY = library_bytes(
    DrugLibrary(3, "a pharmacy", START_MS, START_MS + 1, (LibraryStrength("baclofen", "it", 500, 1000 * UG),))
)


def seeds() -> dict[str, tuple[bytes, ...]]:
    """The seeds of every target."""
    asked, answered = zip(*_dialogue(), strict=True)
    return {
        "request": asked,
        "reply": tuple(dict.fromkeys(answered)),
        "frames": (encode_frame(asked[0]), encode_frame(b"a") + encode_frame(b"bc" * 200)),
        "hello": tuple(_hello(purpose).encode() for purpose in Purpose),
        "contact": (_session(asked[:2]), _pairing()),
        "library": (LIBRARY,),
        "order": tuple(json.dumps(order_to_mapping(order)).encode() for order in ORDERS),
        "case": tuple(file.read_bytes() for file in sorted((ROOT / "examples").glob("*.toml"))),
        "memory": tuple(map(to_bytes, _lives())),
        "small": (code_text(targets.CODE).encode(), request_bytes("Ada's handheld"), b"12.5 30 1"),
    }


def write(folder: Path = CORPUS) -> None:
    """Put every seed into the folder of its target."""
    for name, many in seeds().items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for stale in (folder / name).glob("seed-*"):
            stale.unlink()
        for number, seed in enumerate(many):
            (folder / name / f"seed-{number:02}").write_bytes(seed)


def _implant() -> Implant:
    pump = catalogue.load().pump("synchromed-ii-20")
    return new_implant("NGP000001", pump, Contents(18_000_000, 500), START_MS)


def _dialogue() -> Iterator[tuple[bytes, bytes]]:
    """Requests of every shape and what an implant answers to them."""
    implant = _implant()
    digest = program_digest(implant)
    for number, order in enumerate(ORDERS):
        program = ProgramPump("nurse", f"id-{number}", digest, order, 250 * number, "a reason")
        implant, answer = handle(implant, program, START_MS)
        digest = program_digest(implant)
        yield encode(program), encode(answer)
    others: tuple[Request, ...] = (
        StageProgram("nurse", "stage", digest, ORDERS[3], 0),
        ReadStaged("nurse"),
        CommitStaged("nurse", "commit", "0" * 64),
        ConfirmProgram("nurse", "confirm", digest),
        DeliverBolus("nurse", "bolus", digest, 10_000, HOUR),
        EnablePatientBolus("nurse", "allow", 5 * UG, HOUR // 4, 2 * HOUR, 4),
        SetClock("nurse", "clock", START_MS, HOUR),
        SetDoseLimits("nurse", "limits", digest, (WindowDose(24 * HOUR, 900 * UG),)),
        RevokeKey("nurse", "revoke", bytes(8)),
        UpdateLibrary("nurse", "library", LIBRARY, bytes(64)),
        RecordRefill("nurse", "refill", digest, 18_000_000, 2000, 300_000),
        ReadAccess("nurse"),
        ReadAnswer("nurse", "bolus"),
        Interrogate("nurse", None),
        Interrogate("nurse", 3),
    )
    for asked in others:
        implant, answer = handle(implant, asked, START_MS)
        yield encode(asked), encode(answer)


def _lives() -> Iterator[Implant]:
    """A pump as made, and one that remembers a little of everything."""
    implant = _implant()
    yield implant
    digest = program_digest(implant)
    implant, reply = handle(implant, ProgramPump("n", "a", digest, ORDERS[3], 100_000), START_MS)
    assert isinstance(reply, Applied | Refused)  # noqa: S101  # whichever: it is remembered
    implant, _ = handle(implant, DeliverBolus("n", "b", program_digest(implant), 10_000, HOUR), START_MS)
    implant, _ = handle(implant, StageProgram("n", "c", program_digest(implant), ORDERS[2], 0), START_MS)
    yield implant


def _hello(purpose: Purpose) -> Hello:
    return Hello(targets.SERIAL, key_id(targets.CALLER.public), purpose)


def _session(requests: tuple[bytes, ...]) -> bytes:
    """All that a caller sends in a session in which nothing goes wrong."""
    said = _hello(Purpose.SESSION).encode()
    keys = Keys(targets.CALLER, targets.IMPLANT.public)
    proof = contacts.proof(contacts.session_secret(keys), said, targets.CHALLENGE)
    caller = Handshake(KK, Party(True, keys.own, keys.peer_public), said + targets.CHALLENGE, _fresh())
    implant_party = Party(False, targets.IMPLANT, targets.CALLER.public)
    implant = Handshake(KK, implant_party, said + targets.CHALLENGE, targets.FRESH)
    opening = caller.write()
    implant.read(opening)
    caller.read(implant.write())
    transport = caller.transport()
    sent = (said, proof + opening, *(transport.seal(one) for one in requests))
    return b"".join(map(encode_frame, sent))


def _pairing() -> bytes:
    said = replace(_hello(Purpose.PAIRING), key_id=bytes(8)).encode()
    proof = contacts.proof(contacts.pairing_secret(targets.CODE), said, targets.CHALLENGE)
    psk, prologue = code_key(targets.CODE), said + targets.CHALLENGE
    caller = Handshake(XXPSK3, Party(True, targets.CALLER, psk=psk), prologue, _fresh())
    implant = Handshake(XXPSK3, Party(False, targets.IMPLANT, psk=psk), prologue, targets.FRESH)
    opening = caller.write()
    implant.read(opening)
    caller.read(implant.write())
    last = caller.write(request_bytes("Ada's handheld"))
    return b"".join(map(encode_frame, (said, proof + opening, last)))


def _fresh() -> KeyPair:
    return KeyPair.from_private(bytes([4]) * 32)
