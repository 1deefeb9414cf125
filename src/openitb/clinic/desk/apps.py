"""The desk app."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """Pages for staff."""

    name = "openitb.clinic.desk"
    label = "desk"
