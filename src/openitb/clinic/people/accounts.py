"""Making staff accounts."""

import secrets

from django.db import transaction

from openitb.clinic.people.clinics import only_clinic
from openitb.clinic.people.models import Clinic, Membership, User
from openitb.clinic.people.roles import Role

PASSWORD_BYTES = 12


def new_staff(username: str, *roles: Role, full_name: str = "", clinic: Clinic | None = None) -> str:
    """Make a staff account and return its generated password, which is stored nowhere in clear.

    A prescriber of the only clinic unless told otherwise. Raises `django.db.IntegrityError` if the name is
    taken.
    """
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    first, _, last = full_name.partition(" ")
    with transaction.atomic():
        user = User.objects.create_user(username, password=password, first_name=first, last_name=last)
        join(user, clinic or only_clinic(), *(roles or (Role.PRESCRIBER,)))
    return password


def join(user: User, clinic: Clinic, *roles: Role) -> None:
    """Give a person roles at a clinic from now on."""
    for role in roles:
        Membership.objects.create(user=user, clinic=clinic, role=role)
