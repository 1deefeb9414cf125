"""The administrator's page of a clinic: its name, time zone and 24-hour line."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from openitb.clinic.people import access, identity
from openitb.clinic.people.access import Act
from openitb.clinic.people.models import Clinic, User
from openitb.clinic.record.models import StaleEditError

STALE = "Somebody else changed this clinic meanwhile. Look again; nothing was changed."


class ClinicForm(forms.Form):
    """What is known of a clinic."""

    name = forms.CharField(max_length=120, strip=True)
    zone = forms.CharField(max_length=64, strip=True)
    line = forms.CharField(max_length=40, strip=True, required=False)
    version = forms.IntegerField(min_value=1)

    def clean_zone(self) -> str:
        """A zone the clocks know."""
        zone: str = self.cleaned_data["zone"]
        if zone not in available_timezones():
            raise forms.ValidationError(f"Time zone: got {zone}, expected one such as Europe/Berlin.")
        return zone


@require_http_methods(["GET", "POST"])
def clinic_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a clinic one administers, or change it."""
    access.require_anywhere(request, Act.ADMINISTER)
    user: Any = request.user
    mine = Clinic.objects.filter(pk__in=user.clinics_where(Act.ADMINISTER) if isinstance(user, User) else ())
    clinic: Clinic = get_object_or_404(mine, pk=pk)
    form = ClinicForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        problem = identity.confirm(request) or _changed(clinic, form.cleaned_data)
        if not problem:
            messages.success(request, "The clinic was changed.")
            return redirect("clinic", pk=pk)
        form.add_error(None, problem)
    context = {"clinic": clinic, "form": form}
    return render(request, "people/clinic.html", context, status=422 if form.errors else 200)


def _changed(clinic: Clinic, told: dict[str, Any]) -> str:
    if Clinic.objects.filter(name=told["name"]).exclude(pk=clinic.pk).exists():
        return f"Name: {told['name']} is another clinic's, expected one of its own."
    clinic.name, clinic.zone, clinic.line, clinic.version = (
        told["name"],
        told["zone"],
        told["line"],
        told["version"],
    )
    try:
        clinic.save()
    except StaleEditError:
        return STALE
    return ""
