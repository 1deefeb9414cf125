"""Which edition of the limits this programmer judges by.

The limits are those of the catalogue that is installed; its digest names the edition wherever a limit
was applied or overridden.

Holds: PRG-18.
"""

import hashlib
from functools import lru_cache
from importlib.resources import files

BANNER = "limits: the installed catalogue, no signed drug library in use"

_SHOWN = 12


@lru_cache(maxsize=1)
def edition() -> str:
    """SHA-256 over every data file of the installed catalogue, names included."""
    folder = files("openitb.catalogue") / "data"
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        text = file.read_bytes()
        digest.update(f"{file.name}\n{len(text)}\n".encode())
        digest.update(text)
    return digest.hexdigest()


def edition_line() -> str:
    """The banner with the edition, short."""
    return f"{BANNER}; edition {edition()[:_SHOWN]}"
