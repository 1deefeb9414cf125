"""An implant as bytes and back: its whole state, versioned and checked, section by section.

Three sections, each with its own checksum: the *truth* (parts and model), the *belief* (all that the
firmware remembers) and the *plate*, the few facts that a pump must not forget. What is read back is
the implant that was written, to the last integer, or a `StoreError`; where only the belief is
damaged, `salvaged` gives the pump at minimum rate with a critical alarm instead.

Holds: SYS-06.
"""

import hashlib
from dataclasses import dataclass
from typing import TypeVar

from openitb import catalogue
from openitb.implant.build import Build
from openitb.implant.errors import ImplantError
from openitb.implant.firmware.authority import authorised
from openitb.implant.firmware.credits import Ledger
from openitb.implant.firmware.link_memory import LinkMemory
from openitb.implant.firmware.patient import PatientControls
from openitb.implant.firmware.perception import safe_state
from openitb.implant.firmware.seal import sealed
from openitb.implant.firmware.state import Answer, BelievedReservoir, Firmware, WallClock
from openitb.implant.firmware.strokes import Counter
from openitb.implant.firmware.watch import settled
from openitb.implant.hardware.parts import Hardware
from openitb.implant.implant import Contents, Implant, new_firmware, self_tested
from openitb.protocol import Anchor, LogKind, ProtocolError, WindowDose, schema, verify_chain
from openitb.protocol.writing import encoded
from openitb.records import replace

FORMAT = b"openitb implant "
VERSION = 5
MAGIC = b"%b%d\n" % (FORMAT, VERSION)
DIGEST_BYTES = hashlib.sha256().digest_size
LENGTH_BYTES = 4

Part = TypeVar("Part")


class StoreError(ImplantError):
    """Bytes that are not an implant of this version, or were damaged."""


@dataclass(frozen=True, slots=True)
class _Truth:
    build: Build
    hardware: Hardware
    now_ms: int


@dataclass(frozen=True, slots=True)
class _Plate:
    """What is needed to go on at minimum rate: counts, label, clock, and where the log stood.

    So that nobody gets back what was taken from them, also credits used up, limits on dose, keys and
    revocations, drug library and emergency reduction, the answers to commands, and when patient
    boluses began.
    """

    counter: Counter
    reservoir: BelievedReservoir
    clock: WallClock
    log_head: Anchor
    eri_ms: int | None
    last_credit: int
    dose_limits: tuple[WindowDose, ...]
    patient: PatientControls
    answers: tuple[Answer, ...]
    link: LinkMemory


def to_bytes(implant: Implant) -> bytes:
    """The whole implant; the same implant gives the same bytes."""
    firmware = implant.firmware
    truth = _Truth(implant.build, implant.hardware, implant.now_ms)
    sections = truth, firmware, _plate(firmware)
    return MAGIC + b"".join(_section(encoded(section)) for section in sections)


def from_bytes(data: bytes) -> Implant:
    """The implant that `to_bytes` wrote, after its self test; any other bytes raise `StoreError`."""
    truth, belief, plate = _sections(data)
    read, _ = _read(_Truth, truth), _read(_Plate, plate)
    return _verified(Implant(read.build, read.hardware, _read(Firmware, belief), read.now_ms))


def salvaged(data: bytes) -> Implant:
    """The implant at minimum rate with a critical alarm, from bytes whose belief or plate is damaged.

    Counts, computed reservoir, clock, answers and link are kept from the plate; the log goes on from
    where it stood, its entries lost. No bolus, staged program, silence or patient control is kept.
    Raises `StoreError` if the truth is damaged, or belief and plate both. Holds: DEL-14.
    """
    truth, belief, plate = _sections(data)
    read = _read(_Truth, truth)
    kept = _read(_Plate, plate) if plate else _plate(_read(Firmware, belief))
    return Implant(read.build, read.hardware, _safe(read, kept), read.now_ms)


def _plate(firmware: Firmware) -> _Plate:
    return _Plate(
        firmware.counter,
        firmware.reservoir,
        firmware.clock,
        firmware.log.head,
        firmware.eri_ms,
        firmware.issuer.last_number,
        firmware.dose_limits,
        firmware.patient.withheld(),
        firmware.answers,
        firmware.link.settled(),
    )


def _safe(truth: _Truth, plate: _Plate) -> Firmware:
    build, reservoir = truth.build, plate.reservoir
    pump = catalogue.load().pump(build.pump_id)
    contents = Contents(reservoir.filled_nl, reservoir.label_ug_per_ml)
    fresh = new_firmware(build, pump, contents, plate.clock)
    firmware = replace(
        fresh,
        counter=plate.counter,
        reservoir=reservoir,
        log=replace(fresh.log, anchor=plate.log_head, entries=()),
        eri_ms=plate.eri_ms,
        issuer=replace(fresh.issuer, last_number=plate.last_credit),
        guard=replace(fresh.guard, ledger=Ledger(plate.last_credit), phase=plate.counter.phase),
        dose_limits=plate.dose_limits,
        patient=plate.patient,
        answers=plate.answers,
        link=plate.link,
    )
    firmware = sealed(firmware)
    safe = safe_state(firmware, build, LogKind.MEMORY_LOST)
    return settled(authorised(firmware, safe, build), build)


def _section(body: bytes) -> bytes:
    return len(body).to_bytes(LENGTH_BYTES, "big") + hashlib.sha256(body).digest() + body


def _sections(data: bytes) -> tuple[bytes, bytes, bytes]:
    """The three bodies by their checksums; an empty one stands for a section that is damaged."""
    if not data.startswith(MAGIC):
        raise StoreError(f"implant: {_unfitting(data)}, expected format {VERSION}")
    at, bodies = len(MAGIC), list[bytes]()
    for _ in range(3):
        size = int.from_bytes(data[at : at + LENGTH_BYTES], "big")
        digest_at = at + LENGTH_BYTES
        digest, at = data[digest_at:][:DIGEST_BYTES], digest_at + DIGEST_BYTES + size
        body = data[digest_at + DIGEST_BYTES : at]
        bodies.append(body if hashlib.sha256(body).digest() == digest else b"")
    if at != len(data):
        raise StoreError("implant: the lengths do not match, the file is damaged or cut short")
    return bodies[0], bodies[1], bodies[2]


def earlier_version(data: bytes) -> int | None:
    """The format of an implant written by an earlier release; None for anything else."""
    head, _, _ = data[: len(MAGIC)].partition(b"\n")
    number = head.removeprefix(FORMAT)
    is_one = head != number and number.isdigit() and int(number) < VERSION
    return int(number) if is_one else None


def _unfitting(data: bytes) -> str:
    version = earlier_version(data)
    return (
        f"got {len(data)} bytes of something else" if version is None else f"got the earlier format {version}"
    )


def _read(kind: type[Part], body: bytes) -> Part:
    name = kind.__name__.strip("_").lower()
    if not body:
        raise StoreError(f"implant: the checksum of its {name} does not match, the file is damaged")
    try:
        return schema.from_plain(kind, schema.from_bytes(body, name), name)
    except ProtocolError as error:
        raise StoreError(str(error)) from None


def _verified(implant: Implant) -> Implant:
    log = implant.firmware.log
    fault = verify_chain(log.entries, log.anchor)
    if fault is not None:
        raise StoreError(f"implant {implant.serial}: log: {fault.problem}")
    return self_tested(implant)
