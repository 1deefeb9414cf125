"""Entry point of `openitb`: finds the verb and runs it; every refusal becomes one line and status 2.

To add a verb, write its module and add a line to `VERBS`. The module holds a `typer.Typer` called
`app`, or one function named as the verb; it is loaded only when the verb is called.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import NoReturn

import typer

from openitb import __version__
from openitb.cli.refusal import refuse

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Verb:
    """A word after `openitb`, the module that does it and the line `openitb --help` shows."""

    name: str
    module: str
    summary: str


VERBS: tuple[Verb, ...] = (
    Verb(
        "calc", "openitb.cli.calc", "Bedside calculations with shown work: refill, bridge, prime, mix, doses."
    ),
    Verb("sources", "openitb.cli.sources", "Every value of the catalogue with unit, source and confidence."),
    Verb(
        "simulate",
        "openitb.cli.simulate",
        "One patient from a case file: order, pump, catheter, body, scores.",
    ),
    Verb("cohort", "openitb.cli.cohort", "A case for many sampled people: median and band."),
    Verb("pump", "openitb.cli.pump", "Virtual implants that live in a folder and answer behind a wand."),
    Verb("program", "openitb.cli.program", "The clinician's programmer: read, review, change, read back."),
    Verb("handheld", "openitb.cli.handheld", "The patient's handheld: what is allowed now, alarms in words."),
    Verb("drill", "openitb.cli.drill", "The whole system from one seed, or a recorded fault run again."),
    Verb("demo", "openitb.cli.demo", "Load the demo clinic of synthetic patients."),
    Verb("serve", "openitb.cli.serve", "The clinic in the browser, with its virtual implants."),
    Verb("import", "openitb.cli.import_sessions", "Sessions of real pumps from a CSV file."),
    Verb("backup", "openitb.cli.backup", "The whole clinic in one file."),
    Verb("restore", "openitb.cli.restore", "A backup back into an empty folder and database."),
    Verb("verify", "openitb.cli.verify", "Is the record what was written? The trail from end to end."),
)


def main() -> NoReturn:
    """Run the command line of this process and exit with its status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; gives the exit status: 0, 2 for a refusal, 130 when interrupted."""
    try:
        return _dispatch(list(arguments))
    except typer.Abort:
        return INTERRUPTED
    except (typer.TyperException, OSError, ValueError) as error:
        return refuse(error, arguments)


def _dispatch(arguments: list[str]) -> int:
    verb = next((verb for verb in VERBS if arguments[:1] == [verb.name]), None)
    if verb is None:
        return _call(_overview(), arguments or ["--help"], "openitb")
    return _call(_app(verb), arguments[1:], f"openitb {verb.name}")


def _call(app: typer.Typer, arguments: list[str], name: str) -> int:
    status = app(args=arguments, prog_name=name, standalone_mode=False)
    return status if isinstance(status, int) else 0


def _app(verb: Verb) -> typer.Typer:
    module = import_module(verb.module)
    if hasattr(module, "app"):
        made: typer.Typer = module.app
        return made
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(getattr(module, verb.name))
    return app


def _overview() -> typer.Typer:
    """The list of verbs for `--help`, without loading any of them."""
    app = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        help="OpenITB: intrathecal-baclofen therapy in software. Not a medical device.",
    )
    app.callback(invoke_without_command=True)(_version)
    for verb in VERBS:
        app.command(verb.name, help=verb.summary)(_listed_only)
    return app


def _version(
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    if version:
        typer.echo(__version__)


def _listed_only() -> None:
    """Stands in the overview for a verb; `run` calls the verb itself."""
