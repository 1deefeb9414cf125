"""`openitb verify`: is the record what was written?"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from openitb.cli import record

if TYPE_CHECKING:
    from openitb.clinic.record.verification import Verified

FAULTS_SHOWN = 20

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def verify(as_json: Json = False) -> None:
    """Follow the trail from end to end and hold every row of the record to the last word on it.

    Ends with status 1 if something is not as it was written. Keep the head it prints elsewhere: a trail that
    was cut or written anew ends at another one.

    Example: openitb verify
    """
    record.ready()
    from openitb.clinic.record import verification

    found = verification.verify()
    if as_json:
        typer.echo(json.dumps({**_plain(found), "faults": list(found.faults)}))
    else:
        told(found)
    if found.faults:
        raise typer.Exit(1)


def told(found: "Verified") -> None:
    """The result in lines for a person."""
    for fault in found.faults[:FAULTS_SHOWN]:
        typer.echo(fault, err=True)
    if len(found.faults) > FAULTS_SHOWN:
        typer.echo(f"... and {len(found.faults) - FAULTS_SHOWN} more", err=True)
    verdict = "as written" if not found.faults else f"{len(found.faults)} FAULTS"
    typer.echo(
        f"{found.entries} trail entries, {found.rows} rows, {found.erased} lawfully erased: {verdict}; "
        f"head {found.head or 'none'}"
    )


def _plain(found: "Verified") -> dict[str, object]:
    return {"entries": found.entries, "rows": found.rows, "erased": found.erased, "head": found.head}
