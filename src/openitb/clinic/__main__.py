"""`python -m openitb.clinic migrate` and the other Django commands."""

import os
import sys

from django.core.management import execute_from_command_line

from openitb.clinic.environment import EnvironmentValueError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openitb.clinic.settings")
    try:
        execute_from_command_line(sys.argv)
    except EnvironmentValueError as error:
        sys.exit(str(error))
