"""Addresses of the desk."""

from django.urls import path

from openitb.clinic.desk import pages, panel, patient, programmer

urlpatterns = [
    path("", panel.panel, name="panel"),
    path("help/", pages.help_page, name="help"),
    path("patients/<uuid:key>/", patient.overview, name="patient"),
    path("patients/<uuid:key>/pump/", patient.pump, name="patient-pump"),
    path("patients/<uuid:key>/prediction/", patient.prediction, name="patient-prediction"),
    path("patients/<uuid:key>/history/", patient.history, name="patient-history"),
    path("patients/<uuid:key>/program/", programmer.interrogate, name="program"),
    path("patients/<uuid:key>/program/review/", programmer.review, name="program-review"),
    path("patients/<uuid:key>/program/commit/", programmer.commit, name="program-commit"),
    path("patients/<uuid:key>/program/commands/<uuid:command_id>/", programmer.command, name="command"),
    path(
        "patients/<uuid:key>/program/commands/<uuid:command_id>/read-back/",
        programmer.read_back,
        name="read-back",
    ),
]
