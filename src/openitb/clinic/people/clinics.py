"""The clinics of this installation; most have one."""

from django.conf import settings

from openitb.clinic.people.beginning import FIRST_NAME
from openitb.clinic.people.models import Clinic


class ClinicError(ValueError):
    """It is not clear which clinic is meant; one line for a person."""


def only_clinic() -> Clinic:
    """The clinic of an installation that has one, made at first use; `ClinicError` where several are."""
    clinics = list(Clinic.objects.all()[:2])
    if len(clinics) > 1:
        raise ClinicError("clinic: got none, expected which one: there are several here")
    return clinics[0] if clinics else Clinic.objects.create(name=FIRST_NAME, zone=settings.TIME_ZONE)
