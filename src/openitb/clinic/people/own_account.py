"""Everybody's own account: what proves who they are, where they are signed in, how to sign in anew."""

from allauth.account.internal.flows.reauthentication import resume_request
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.usersessions.models import UserSession
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from openitb.clinic.people import access, glass, identity
from openitb.clinic.people.access import Act
from openitb.clinic.people.lock import open_when_locked
from openitb.clinic.people.middleware import for_every_account
from openitb.clinic.people.models import User
from openitb.clinic.record import seals


@for_every_account
@require_GET
def own_account(request: HttpRequest) -> HttpResponse:
    """The page: factors, passkeys, password, sessions, roles."""
    user = request.user
    if not isinstance(user, User):
        return redirect("sign-in")
    kept = list(Authenticator.objects.filter(user=user).order_by("created_at"))
    codes = next((one.wrap() for one in kept if one.type == Authenticator.Type.RECOVERY_CODES), None)
    context = {
        "reviews": glass.open_reviews(user) if access.may_anywhere(user, Act.AUDIT) else 0,
        "totp": next((one for one in kept if one.type == Authenticator.Type.TOTP), None),
        "passkeys": [one for one in kept if one.type == Authenticator.Type.WEBAUTHN],
        "codes_left": len(codes.get_unused_codes()) if isinstance(codes, RecoveryCodes) else None,
        "sessions": UserSession.objects.purge_and_list(user),
        "by_number": request.get_host().partition(":")[0].replace(".", "").isdigit(),
    }
    return render(request, "people/own_account.html", context)


@require_GET
def seal_key(request: HttpRequest) -> HttpResponse:
    """The clinic's public key, with which anybody can check what it sealed."""
    user = request.user
    place = user.places[0] if isinstance(user, User) and user.places else None
    if place is None:
        raise Http404("no clinic")
    answer = HttpResponse(
        seals.public_pem(seals.public_key(place.clinic)), content_type="application/x-pem-file"
    )
    answer["Content-Disposition"] = 'attachment; filename="clinic-seal.pem"'
    return answer


@for_every_account
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Prove who one is, then go on where one was."""
    reason = identity.prove(request) if request.method == "POST" else ""
    if request.method == "POST" and not reason:
        return resume_request(request) or redirect("account")
    context = {"reason": reason, "next": request.POST.get("next", request.GET.get("next", ""))}
    return render(request, "people/confirm.html", context)


@open_when_locked
@require_GET
def passkey_options(request: HttpRequest) -> JsonResponse:
    """What the browser needs to ask for a passkey of this person."""
    return JsonResponse({"request_options": webauthn.begin_authentication(request.user)})
