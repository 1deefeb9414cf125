"""What happens around signing in, told on the trail: in, out, refused, factors added and taken away."""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.signals import password_changed
from allauth.mfa import signals as mfa
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from openitb.clinic.people import footprints, identity, lock
from openitb.clinic.people.models import User
from openitb.clinic.people.surroundings import HAS_FACTOR
from openitb.clinic.record import trail
from openitb.clinic.record.models import Action
from openitb.clinic.record.trail import Deed


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: User, **_told: Any) -> None:
    lock.begin(request.session, timezone.now())
    request.session[HAS_FACTOR] = bool(identity.factors(user))
    methods = [record.get("type") or record["method"] for record in get_authentication_records(request, user)]
    with trail.acting(user):
        footprints.of_account(Action.SIGNED_IN, user, methods=methods)


@receiver(user_logged_out)
def _signed_out(user: User | None, **_told: Any) -> None:
    if user is not None:
        with trail.acting(user):
            footprints.of_account(Action.SIGNED_OUT, user)


@receiver(user_login_failed)
def _refused(credentials: dict[str, Any], **_told: Any) -> None:
    """A name that is nobody's is not repeated: people type passwords into the wrong field."""
    user = User.objects.filter(username=credentials.get("username", "")).first()
    if user is not None:
        footprints.of_account(Action.REFUSED, user, act="sign in")
    else:
        trail.append(Deed(Action.REFUSED, "account:unknown", content={"act": "sign in"}))


@receiver(mfa.authentication_failed)
def _factor_refused(user: User, authenticator: Any, **_told: Any) -> None:
    footprints.of_account(Action.REFUSED, user, act="second factor", factor=str(authenticator.type))


@receiver(mfa.authenticator_added)
@receiver(mfa.authenticator_reset)
def _factor_added(**told: Any) -> None:
    _factor_changed("second factor added", **told)


@receiver(mfa.authenticator_removed)
def _factor_removed(**told: Any) -> None:
    _factor_changed("second factor removed", **told)


def _factor_changed(what: str, *, request: HttpRequest, user: User, authenticator: Any, **_told: Any) -> None:
    request.session.pop(HAS_FACTOR, None)
    footprints.of_account(Action.CHANGED, user, what, factor=str(authenticator.type))


@receiver(password_changed)
def _password_changed(user: User, **_told: Any) -> None:
    footprints.of_account(Action.CHANGED, user, "password changed")
