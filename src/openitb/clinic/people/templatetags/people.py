"""Template tags that ask who is at the page and what they may do."""

import json
from datetime import datetime
from typing import Any

from django import template
from django.template import Context

from openitb.clinic.people import access, identity
from openitb.clinic.record.models import Patient

register = template.Library()

# Each names itself after those below it too, so the order matters.
_BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@register.simple_tag(takes_context=True)
def may(context: Context, act: str, patient: Patient | None = None) -> bool:
    """Whether to offer something: `{% may "program" patient as may_program %}`; at any clinic without one."""
    user: Any = context["request"].user
    asked = access.Act(act)
    return access.may_anywhere(user, asked) if patient is None else access.may(user, patient, asked)


@register.simple_tag(takes_context=True)
def opened_until(context: Context, patient: Patient) -> datetime | None:
    """Until when this person's emergency access to a patient lasts, None if it is no such access."""
    user: Any = context["request"].user
    if access.may_by_role(user, patient, access.Act.SEE):
        return None
    until: datetime | None = user.emergencies.get(patient.pk)
    return until


@register.inclusion_tag("parts/confirm_identity.html", takes_context=True)
def confirm_identity(context: Context, prefix: str = "identity-", always: bool = False) -> dict[str, Any]:
    """Fields of a form that matters: what proves that it is still this person, if that has to be asked."""
    return {"asked": identity.asked(context["request"]), "prefix": prefix, "always": always}


@register.filter
def as_json(content: Any) -> str:
    """A trail entry's content for a reader."""
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)


@register.filter
def browser(agent: str) -> str:
    """A browser's own long name in two words for its person: `Firefox on Windows`."""
    name = next((shown for sign, shown in _BROWSERS if sign in agent), "A browser")
    system = next((shown for sign, shown in _SYSTEMS if sign in agent), "")
    return f"{name} on {system}" if system else name
