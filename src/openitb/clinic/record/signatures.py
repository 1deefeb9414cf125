"""Electronic signatures: a person's word for a sheet, bound to its content and to what was shown of it.

The seal covers the sheet, the text shown, who signed, what that means, how they proved who they are and
when; a change to any of them afterwards breaks it, and it cannot be moved to another sheet.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from openitb.clinic.people.access import Act, may
from openitb.clinic.people.models import User
from openitb.clinic.record import plain, seals
from openitb.clinic.record.models import Meaning, Sheet, Signature


class SignatureError(ValueError):
    """A signature that cannot be given; one line for a person."""


@dataclass(frozen=True, slots=True)
class Signing:
    """What a person signs: the sheet, its text as it stood before them, and what their name means."""

    sheet: Sheet
    shown: str
    meaning: Meaning
    method: str


def sign(signing: Signing, by: User) -> Signature:
    """Sign. The caller has made sure that it is still this person (`people.identity.confirm`).

    Raises `SignatureError` for who may not, for a sheet no longer in force or not shown, and for a second
    person who is not another.
    """
    with transaction.atomic():
        sheet = (
            Sheet.objects.select_for_update(of=("self",)).select_related("patient").get(pk=signing.sheet.pk)
        )
        if reason := obstacle(sheet, signing.meaning, by):
            raise SignatureError(reason)
        if not signing.shown.strip():
            raise SignatureError("signature: nothing was shown, expected the sheet's text")
        signature = _unsealed(sheet, signing, by)
        signature.seal = seals.sealed(sheet.patient.clinic, statement(signature))
        signature.save()
    return signature


def obstacle(sheet: Sheet, meaning: Meaning, by: User) -> str:
    """Why this person's name cannot mean this on a sheet; empty if it can."""
    act = Act.VERIFY if meaning == Meaning.VERIFIED else Act.SIGN
    if not may(by, sheet.patient, act):
        return f"signature: to {act} is not granted by the roles of this account"
    if Sheet.objects.filter(supersedes=sheet).exists():
        return "signature: the sheet was corrected meanwhile, expected the one in force"
    if sheet.signatures.filter(by=by, meaning=meaning).exists():
        return f"signature: already {meaning} this person"
    return _wrong_person(sheet, meaning, by)


def verify(signature: Signature) -> tuple[str, ...]:
    """What is wrong with a signature, in lines; nothing if it holds."""
    return tuple(_faults(signature))


def statement(signature: Signature) -> dict[str, Any]:
    """What the seal is on."""
    sheet = signature.sheet
    return {
        "sheet": str(sheet.key),
        "content": content_digest(sheet),
        "shown": signature.shown_digest,
        "by": signature.by_id,
        "signer": signature.signer,
        "meaning": str(signature.meaning),
        "method": signature.method,
        "at": _instant(signature.at),
    }


def content_digest(sheet: Sheet) -> str:
    """Digest of everything a sheet says, its key in the database left out."""
    return plain.digest(
        {
            "key": str(sheet.key),
            "patient": str(sheet.patient.key),
            "kind": sheet.kind,
            "at": _instant(sheet.at),
            "written_at": _instant(sheet.written_at),
            "by": sheet.by_id,
            "content": sheet.content,
            "findings": sheet.findings,
            "is_withdrawn": sheet.is_withdrawn,
            "supersedes": str(sheet.supersedes.key) if sheet.supersedes else None,
            "reason": sheet.reason,
        }
    )


def _unsealed(sheet: Sheet, signing: Signing, by: User) -> Signature:
    return Signature(
        sheet=sheet,
        patient=sheet.patient,
        by=by,
        signer=f"{by.shown_name} ({by.shown_roles})",
        at=timezone.now(),
        meaning=signing.meaning,
        shown=signing.shown,
        shown_digest=plain.digest(signing.shown),
        method=signing.method,
    )


def _wrong_person(sheet: Sheet, meaning: Meaning, by: User) -> str:
    if meaning == Meaning.WRITTEN and sheet.by_id not in (None, by.pk):
        return "signature: written by another person, expected the one who wrote the sheet"
    if meaning == Meaning.VERIFIED and _had_a_hand_in(sheet, by.pk):
        return "signature: a second person verifies, expected another than who wrote or ordered it"
    if meaning != Meaning.VERIFIED and sheet.signatures.filter(by=by, meaning=Meaning.VERIFIED).exists():
        return "signature: who verified a sheet does not also answer for writing it"
    return ""


def _had_a_hand_in(sheet: Sheet, person: int) -> bool:
    return (
        sheet.by_id == person or sheet.signatures.exclude(meaning=Meaning.VERIFIED).filter(by=person).exists()
    )


def _faults(signature: Signature) -> Iterator[str]:
    if plain.digest(signature.shown) != signature.shown_digest:
        yield "what was shown is not as it was when it was signed"
    if signature.patient_id != signature.sheet.patient_id:
        yield "it stands with another patient than its sheet"
    if signature.meaning == Meaning.VERIFIED and _had_a_hand_in(signature.sheet, signature.by_id):
        yield "it was verified by who wrote or ordered it"
    if not seals.holds(statement(signature), signature.seal):
        yield "its seal does not fit the sheet, the person, the meaning and the time as they stand"


def _instant(at: datetime) -> str:
    return str(plain.spelled(at))
