"""Getting the clinic's record ready for a verb."""

import os
from pathlib import Path

OTHERS_NOTHING = 0o077


def ready() -> Path:
    """Set up Django and bring the database up to date; gives the data folder.

    Files made from here on are the owner's alone: the database holds what people told their clinic.
    """
    os.umask(OTHERS_NOTHING)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openitb.clinic.settings")
    import django  # the record can be imported only once Django is set up
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    return Path(settings.HOME)
