"""How a refill date stands to today."""

from datetime import date, timedelta
from typing import Literal

from django.conf import settings

Due = Literal["overdue", "soon", "later", ""]


def soon_until(today: date) -> date:
    """The last day that counts as soon; the clinic sets how early "soon" begins."""
    return today + timedelta(days=settings.CLINIC_REFILL_DUE_SOON_DAYS)


def due(refill_by: date | None, today: date) -> Due:
    """Overdue from the day after; "" where there is no date."""
    if refill_by is None:
        return ""
    if refill_by < today:
        return "overdue"
    return "soon" if refill_by <= soon_until(today) else "later"
