"""What every page may show of the person at it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from openitb.clinic.people import identity

HAS_FACTOR = "has_factor"


def person(request: HttpRequest) -> dict[str, Any]:
    """Context processor: when the page locks, and whether a second factor protects the account."""
    if not request.user.is_authenticated:
        return {}
    return {"idle_seconds": settings.CLINIC_IDLE_SECONDS, "has_factor": has_factor(request)}


def has_factor(request: HttpRequest) -> bool:
    """Whether this person has a second factor; remembered for the session until one is added or removed."""
    if HAS_FACTOR not in request.session:
        request.session[HAS_FACTOR] = bool(identity.factors(request.user))
    return bool(request.session[HAS_FACTOR])
