"""The first clinic, to which everybody and everything belonged before the record learnt of several."""

from typing import Any

from django.conf import settings

FIRST_NAME = "This clinic"


def first_clinic(apps: Any) -> Any:
    """Migration step: that clinic, made and told on the trail if it is not there yet."""
    from openitb.clinic.record import trail

    clinics = apps.get_model("people", "Clinic").objects
    clinic = clinics.first()
    if clinic is None:
        clinic = clinics.create(name=FIRST_NAME, zone=settings.TIME_ZONE)
        trail.added(clinic, "the record learnt of clinics")
    return clinic


def checked_now(schema_editor: Any) -> None:
    """Migration step: PostgreSQL alters no table while checks of its rows wait."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
