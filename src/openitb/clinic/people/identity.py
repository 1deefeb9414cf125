"""Is it still this person? Second factors, and proving oneself again before something that matters.

Signing in counts as proof for some minutes; after that a password, a code or a passkey is asked for again.
"""

import time
from dataclasses import dataclass
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.forms import ReauthenticateForm
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.core import ratelimit
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateByCodeForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm
from django.conf import settings
from django.http import HttpRequest

from openitb.clinic.people import footprints

PASSWORD, CODE, PASSKEY = "identity_password", "identity_code", "identity_credential"
FIELDS = (PASSWORD, CODE, PASSKEY)
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
NEEDS_PROOF = "Confirm that it is you first. Nothing was changed."
NEEDS_CODE = "A second factor is asked for here: use a code or a passkey. Nothing was changed."
WRONG = "That is not right. Nothing was changed."
TOO_OFTEN = "Too many attempts. Wait a minute. Nothing was changed."
NEEDS_FACTOR = (
    "This clinic asks for a second factor here. Add one to your account first. Nothing was changed."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form that matters has to ask for."""

    is_needed: bool
    by_password: bool
    has_code: bool
    has_passkey: bool
    lacks_factor: bool


def asked(request: HttpRequest) -> Asked:
    """What this person has to show now, and what they can show."""
    kinds = factors(request.user)
    return Asked(
        is_needed=not _is_settled(request),
        by_password=not _owes_factor(request),
        has_code=Authenticator.Type.TOTP in kinds,
        has_passkey=Authenticator.Type.WEBAUTHN in kinds,
        lacks_factor=_owes_factor(request) and not kinds,
    )


def confirm(request: HttpRequest) -> str:
    """Empty if it was this person some minutes ago or they prove it with the form sent; else why not.

    Where the clinic asks for a second factor, one has to have been shown since signing in.
    """
    if _is_settled(request):
        return ""
    if _owes_factor(request) and not factors(request.user):
        return NEEDS_FACTOR
    if not any(request.POST.get(name) for name in FIELDS):
        return NEEDS_PROOF
    return prove(request) or ("" if _is_settled(request) else NEEDS_CODE)


def prove(request: HttpRequest) -> str:
    """Empty if the form sent proves who it is; else why not. Failures are told on the trail."""
    if not ratelimit.consume(request, action="reauthenticate", user=request.user):
        return TOO_OFTEN
    if _by_password(request) or _by_code(request) or _by_passkey(request):
        return ""
    footprints.refused(request, None, "prove who they are")
    return WRONG


def is_recent(request: HttpRequest) -> bool:
    """Whether it was this person within the last minutes."""
    newest = max((record["at"] for record in _records(request)), default=0.0)
    return bool(time.time() - newest < settings.CLINIC_CONFIRM_SECONDS)


def method(request: HttpRequest) -> str:
    """How this person proved who they are last: password, totp, recovery_codes or webauthn."""
    records = _records(request)
    return str(records[-1].get("type") or records[-1]["method"]) if records else "unknown"


def factors(user: Any) -> frozenset[str]:
    """Kinds of second factor this person has."""
    kinds = Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).values_list("type", flat=True)
    return frozenset(kinds)


def used_factor(request: HttpRequest) -> bool:
    """Whether a second factor was shown since signing in."""
    return any(record.get("method") == "mfa" for record in _records(request))


def _is_settled(request: HttpRequest) -> bool:
    return is_recent(request) and not _owes_factor(request)


def _owes_factor(request: HttpRequest) -> bool:
    return settings.CLINIC_SECOND_FACTOR != "encouraged" and not used_factor(request)


def _records(request: HttpRequest) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = get_authentication_records(request, request.user)
    return records


def _by_password(request: HttpRequest) -> bool:
    form = ReauthenticateForm({"password": request.POST.get(PASSWORD, "")}, user=request.user)
    if not form.is_valid():
        return False
    reauthenticate_by_password(request)
    return True


def _by_code(request: HttpRequest) -> bool:
    code = request.POST.get(CODE, "")
    form = ReauthenticateByCodeForm({"code": code}, user=request.user)
    if not code or not form.is_valid():
        return False
    form.save()
    return True


def _by_passkey(request: HttpRequest) -> bool:
    credential = request.POST.get(PASSKEY, "")
    form = ReauthenticateWebAuthnForm({"credential": credential}, user=request.user)
    if not credential or not form.is_valid():
        return False
    form.save()
    return True
