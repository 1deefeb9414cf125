"""Making staff accounts."""

import secrets

from openitb.clinic.people.models import Role, User

PASSWORD_BYTES = 12


def new_staff(username: str, role: Role = Role.PRESCRIBER, full_name: str = "") -> str:
    """Make a staff account and return its generated password, which is stored nowhere in clear.

    Raises `django.db.IntegrityError` if the name is taken.
    """
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    first, _, last = full_name.partition(" ")
    User.objects.create_user(
        username, password=password, is_staff=True, role=role, first_name=first, last_name=last
    )
    return password
