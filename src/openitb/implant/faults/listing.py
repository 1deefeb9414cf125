"""The faults of the catalogue as a table, for the page that explains them."""

from openitb import catalogue
from openitb.catalogue import FaultEntry
from openitb.implant.faults.courses import COURSES

HEAD = "| id | what | how it is laid | parameters | how it shows |\n| --- | --- | --- | --- | --- |"


def markdown() -> str:
    """One line for each row of the catalogue, in its order."""
    return "\n".join([HEAD, *(_line(entry) for entry in catalogue.load().faults.values())])


def _line(entry: FaultEntry) -> str:
    cells = (entry.entry_id, f"{entry.name} ({entry.happened})", _how(entry), _takes(entry), _shows(entry))
    return "| " + " | ".join(cells) + " |"


def _how(entry: FaultEntry) -> str:
    if entry.same_as:
        return f"as {entry.same_as}"
    return f"{entry.lays}, {entry.part}" if entry.lays else f"an act: {entry.act}"


def _takes(entry: FaultEntry) -> str:
    names = sorted(COURSES[entry.lays].takes) if entry.lays else ()
    return ", ".join(f"`{name}` {entry.fact(name).text()}" for name in names)


def _shows(entry: FaultEntry) -> str:
    return entry.detectability if entry.log_effect in {"", "none"} else _with_log(entry)


def _with_log(entry: FaultEntry) -> str:
    return f"{entry.detectability}; log: {entry.log_effect}"
