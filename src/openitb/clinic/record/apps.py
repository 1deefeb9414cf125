"""The record app."""

from django.apps import AppConfig


class RecordConfig(AppConfig):
    """Patients and their histories."""

    name = "openitb.clinic.record"
    label = "record"
