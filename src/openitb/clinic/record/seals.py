"""The clinic's seal: an Ed25519 signature over a statement's only spelling.

The private key is made at first use in a file that only its owner reads; no database holds it. Its public
key goes into the record.
"""

import base64
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.utils import timezone

from openitb.clinic.people.models import Clinic
from openitb.clinic.record import plain
from openitb.clinic.record.models import SealKey

SCHEME = "ed25519"
OWNER_FOLDER, OWNER_FILE = 0o700, 0o600
FINGERPRINT_LETTERS = 16


def sealed(clinic: Clinic, statement: Mapping[str, Any]) -> str:
    """The clinic's seal on a statement: `ed25519:<fingerprint>:<signature in base64>`."""
    key = _private_key(clinic)
    told = _told(clinic, key.public_key())
    signature = key.sign(plain.digest(statement).encode())
    return f"{SCHEME}:{told.fingerprint}:{base64.b64encode(signature).decode()}"


def holds(statement: Mapping[str, Any], seal: str) -> bool:
    """Whether a seal is that of some key of the record on exactly this statement."""
    scheme, _, rest = seal.partition(":")
    fingerprint, _, signature = rest.partition(":")
    key = SealKey.objects.filter(fingerprint=fingerprint).first()
    if scheme != SCHEME or key is None:
        return False
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public_key))
        public.verify(base64.b64decode(signature, validate=True), plain.digest(statement).encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key(clinic: Clinic) -> SealKey:
    """The key the clinic seals with now."""
    return _told(clinic, _private_key(clinic).public_key())


def public_pem(key: SealKey) -> str:
    """A key as others take it: SubjectPublicKeyInfo in PEM."""
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public_key))
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _told(clinic: Clinic, public: Ed25519PublicKey) -> SealKey:
    """The record's row of a public key, made when the key is first used."""
    raw = public.public_bytes_raw()
    fingerprint = hashlib.sha256(raw).hexdigest()[:FINGERPRINT_LETTERS]
    known: SealKey | None = SealKey.objects.filter(fingerprint=fingerprint).first()
    return known or SealKey.objects.create(
        clinic=clinic, at=timezone.now(), fingerprint=fingerprint, public_key=raw.hex()
    )


def _private_key(clinic: Clinic) -> Ed25519PrivateKey:
    path = Path(settings.CLINIC_SEALS) / f"{clinic.key}.key"
    path.parent.mkdir(mode=OWNER_FOLDER, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_FILE)
    except FileExistsError:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text(encoding="ascii")))
    key = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.private_bytes_raw().hex())
    return key
