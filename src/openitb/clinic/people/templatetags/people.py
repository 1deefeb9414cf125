"""Template tags that ask what the person at the page may do."""

from typing import Any

from django import template
from django.template import Context

from openitb.clinic.people import access
from openitb.clinic.record.models import Patient

register = template.Library()


@register.simple_tag(takes_context=True)
def may(context: Context, act: str, patient: Patient | None = None) -> bool:
    """Whether to offer something: `{% may "program" patient as may_program %}`; at any clinic without one."""
    user: Any = context["request"].user
    asked = access.Act(act)
    return access.may_anywhere(user, asked) if patient is None else access.may(user, patient, asked)
