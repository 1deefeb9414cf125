"""What every page may show: version, spelling of micro, the clock."""

from importlib.metadata import version
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone


def clinic(_request: HttpRequest) -> dict[str, Any]:
    """Context processor."""
    return {"openitb_version": version("openitb"), "micro": settings.CLINIC_MICRO, "now": timezone.now()}
