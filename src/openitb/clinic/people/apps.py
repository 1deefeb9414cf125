"""The people app."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Accounts, clinics and access."""

    name = "openitb.clinic.people"
    label = "people"

    def ready(self) -> None:
        """Listen to people signing in and out."""
        from openitb.clinic.people import signing_in  # noqa: F401
