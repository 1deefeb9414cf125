"""How the command line says no: one line on stderr, exit status 2, never a traceback."""

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import typer

REFUSED = 2

_CHOICE = re.compile(
    r"Invalid value for '(?P<option>[^']+)'.*?(?P<given>'[^']*') is not one of (?P<known>.*?)\.?$"
)

Given = ParamSpec("Given")
Made = TypeVar("Made")


def refusing(command: Callable[Given, Made]) -> Callable[Given, Made]:
    """A command whose refusals end it with one line and status 2, also when it is called by itself.

    Every room raises subclasses of `ValueError` for what it does not take; files raise `OSError`.
    """

    @wraps(command)
    def guarded(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        try:
            return command(*args, **kwargs)
        except (ValueError, OSError) as error:
            raise typer.Exit(refuse(error)) from None

    return guarded


def refuse(error: ValueError | OSError | typer.TyperException) -> int:
    """Print the one line of an error and give the exit status."""
    typer.echo(" ".join(_line(error).split()), err=True)
    return REFUSED


def _line(error: ValueError | OSError | typer.TyperException) -> str:
    if isinstance(error, typer.TyperException):
        return _usage(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'system'}: {error.strerror or error}"
    return str(error)


def _usage(error: typer.TyperException) -> str:
    """The command-line parser's own complaint in the house's form."""
    message, option = error.format_message(), getattr(error, "param", None)
    if message.startswith("Missing option") and option is not None:
        return f"{option.opts[-1]}: missing, expected {option.help}"
    choice = _CHOICE.search(message)
    if choice is not None:
        return f"{choice['option']}: got {choice['given']}, expected one of {choice['known']}"
    if "unexpected extra argument" in message:
        message += " (a value and its unit are one argument: '18 mL')"
    context = getattr(error, "ctx", None)
    if context is None:
        return message
    if " command" in message:
        message = f"{message.rstrip('.')}, expected one of {', '.join(context.command.commands)}."
    return f"{message} See '{context.command_path} --help'."
