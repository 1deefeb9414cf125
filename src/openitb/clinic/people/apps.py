"""The people app."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Accounts and access."""

    name = "openitb.clinic.people"
    label = "people"
