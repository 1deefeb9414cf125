"""Sourced constants as data: drugs, pumps, catheters, limits, scales, body, citations.

`load()` reads and validates every TOML file of the catalogue once. An unknown key, a value without
a source or unit, or a citation that does not exist is a `CatalogueError` that names the file.
"""

from openitb.catalogue.entries import Catheter, Drug, Entry, FaultEntry, Level, Limits, Pump, Scale
from openitb.catalogue.facts import Confidence, Fact
from openitb.catalogue.loader import Catalogue, CatalogueError, Citation, load

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Catheter",
    "Citation",
    "Confidence",
    "Drug",
    "Entry",
    "Fact",
    "FaultEntry",
    "Level",
    "Limits",
    "Pump",
    "Scale",
    "load",
]
