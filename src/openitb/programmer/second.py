"""The second person: signs for what they entered alone, and it must be what the first person entered.

A person has a number and a secret of their own; the secret unlocks a signing key that is nowhere
stored. A signature covers the digest of the plan, its meaning, the person, the session and the time,
so it cannot be moved to another plan, session or person.

Holds: PRG-19.
"""

import hashlib
import json
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from openitb import catalogue

PROPOSES = "proposes"
VERIFIES = "verifies"
SHORTEST_SECRET = 6

_SALT_BYTES = 16
_KEY_BYTES = 32
_WORK, _BLOCK, _LANES = 2**14, 8, 1  # of scrypt: about 50 ms


class SecondPersonError(ValueError):
    """A signature or a verification that does not count; one line for a person."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may work at this programmer: number, name, and the public half of their key."""

    person_id: str
    name: str
    salt: bytes
    public: bytes


@dataclass(frozen=True, slots=True)
class Act:
    """What is signed: the plan, with which meaning, in which session, when."""

    meaning: str
    plan_digest: str
    session_id: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Signature:
    """A person's seal on an act."""

    person_id: str
    act: Act
    seal: bytes


@dataclass(frozen=True, slots=True)
class Approval:
    """Both signatures over the same plan, for one visit."""

    proposed: Signature
    verified: Signature


Staff = Mapping[str, Person]


def enrol(person_id: str, name: str, secret: str) -> Person:
    """A person with a fresh key; `SecondPersonError` for a secret that is too short."""
    if len(secret) < SHORTEST_SECRET:
        raise SecondPersonError(f"secret: got {len(secret)} characters, expected at least {SHORTEST_SECRET}")
    salt = secrets.token_bytes(_SALT_BYTES)
    return Person(person_id, name, salt, _key(secret, salt).public_key().public_bytes_raw())


def prove(person: Person, secret: str) -> None:
    """Refuse with `SecondPersonError` unless the secret is this person's."""
    _unlocked(person, secret)


def sign(person: Person, secret: str, act: Act) -> Signature:
    """A signature; `SecondPersonError` if the secret is not this person's."""
    key = _unlocked(person, secret)
    return Signature(person.person_id, act, key.sign(_content(person.person_id, act)))


def compare_blind(due: Mapping[str, object], entered: Mapping[str, object]) -> None:
    """Refuse with `SecondPersonError` unless both people entered the same; names the fields, no values."""
    wrong = sorted(key for key in {*due, *entered} if due.get(key) != entered.get(key))
    if wrong:
        raise SecondPersonError(
            f"second person: {', '.join(wrong)} differ from the first entry, begin again from the order"
        )


def require_approval(
    approval: Approval | None, staff: Staff, plan_digest: str, session_id: str, now_ms: int
) -> None:
    """Refuse with `SecondPersonError` whatever is not a fresh approval of this plan by two people.

    The proposer signs in the visit's own session, which is committed at most once, so an approval cannot be
    used again; the verifier is another person in another session; and it holds only for a while.
    """
    if approval is None:
        raise SecondPersonError("second person: missing, expected a second person to enter the values alone")
    first, second = approval.proposed, approval.verified
    for signature, meaning in ((first, PROPOSES), (second, VERIFIES)):
        _require_genuine(signature, staff)
        _require(signature.act.meaning == meaning, f"got a signature that {signature.act.meaning}")
        _require(signature.act.plan_digest == plan_digest, "the signature is for another plan")
    _require(first.person_id != second.person_id, f"got {second.person_id} twice, expected somebody else")
    _require(first.act.session_id != second.act.session_id, "signed in the proposer's own session")
    _require(first.act.session_id == session_id, "the approval was given in another visit")
    life_ms = catalogue.load().practice["programmer"].fact("approval_life").whole("ms")
    in_time = first.act.at_ms <= second.act.at_ms <= now_ms <= second.act.at_ms + life_ms
    _require(in_time, "the approval has expired, or its times do not follow each other")


def _require_genuine(signature: Signature, staff: Staff) -> None:
    person = staff.get(signature.person_id)
    _require(person is not None, f"{signature.person_id!r:.40} is not on the staff list")
    try:
        key = Ed25519PublicKey.from_public_bytes(person.public if person else b"")
        key.verify(signature.seal, _content(signature.person_id, signature.act))
    except InvalidSignature:
        raise SecondPersonError("second person: the signature is not genuine") from None


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise SecondPersonError(f"second person: {problem}")


def _unlocked(person: Person, secret: str) -> Ed25519PrivateKey:
    key = _key(secret, person.salt)
    if key.public_key().public_bytes_raw() != person.public:
        raise SecondPersonError(f"secret: not the one of {person.person_id}")
    return key


def _content(person_id: str, act: Act) -> bytes:
    parts = ["openitb approval 1", person_id, act.meaning, act.plan_digest, act.session_id, act.at_ms]
    return json.dumps(parts).encode()


def _key(secret: str, salt: bytes) -> Ed25519PrivateKey:
    """Slow on purpose: a stolen staff list is not tried out quickly."""
    derived = hashlib.scrypt(secret.encode(), salt=salt, n=_WORK, r=_BLOCK, p=_LANES, dklen=_KEY_BYTES)
    return Ed25519PrivateKey.from_private_bytes(derived)


def staff_to_text(staff: Staff) -> str:
    """A staff list as TOML, salts and public keys in hexadecimal."""
    parts = (
        f"[{json.dumps(person.person_id)}]\nname = {json.dumps(person.name)}\n"
        f'salt = "{person.salt.hex()}"\npublic = "{person.public.hex()}"\n'
        for person in staff.values()
    )
    return "\n".join(parts)


def parse_staff(text: str) -> Staff:
    """The staff list that `staff_to_text` wrote; `SecondPersonError` for anything else."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SecondPersonError(f"staff list: not TOML: {error}") from None
    return {key: _person(key, given) for key, given in table.items()}


def _person(person_id: str, given: Mapping[str, str]) -> Person:
    try:
        name, salt, public = (given[key] for key in ("name", "salt", "public"))
        return Person(person_id, name, bytes.fromhex(salt), bytes.fromhex(public))
    except (KeyError, TypeError, ValueError):
        expected = "expected name, and salt and public in hexadecimal, as --enrol writes them"
        raise SecondPersonError(f"staff list: {person_id}: got no person, {expected}") from None
