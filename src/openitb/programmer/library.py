"""Which limits hold: the edition this programmer judges by, and the drug library the pump checks against.

The programmer's limits are those of the catalogue that is installed; its digest names the edition
wherever a limit was applied or overridden. The pump's library is signed, and the pump refuses what it
does not hold, whatever a programmer lets pass.

Holds: PRG-15, PRG-18.
"""

import hashlib
from functools import lru_cache
from importlib.resources import files

from openitb.programmer.review import pump_date
from openitb.protocol import AccessReport, DrugLibrary, LibraryReport

BANNER = "limits: the installed catalogue"
NO_LIBRARY = "no signed drug library in use at the pump"

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


def edition_line(access: AccessReport | None = None) -> str:
    """The banner: the edition, short, and the library of the pump."""
    return f"{BANNER}, edition {edition()[:_SHOWN]}; {library_line(access)}"


def library_line(access: AccessReport | None) -> str:
    """The drug library in use at the pump, or that there is none; what was not read is said as that."""
    if access is None:
        return "the drug library of the pump was not read"
    if access.library is None:
        return NO_LIBRARY
    return f"{told(access.library)}, {access.library.digest[:_SHOWN]}, signature checked by the pump"


def told(library: DrugLibrary | LibraryReport) -> str:
    """A library by version, source and end."""
    until = pump_date(library.expires_ms, 0).isoformat()
    return f"drug library version {library.version} of {library.source}, until {until}"
