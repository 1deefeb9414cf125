"""How the command line says no: one line on stderr, exit status 2, never a traceback."""

import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

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


def refuse(error: ValueError | OSError | typer.TyperException, given: Sequence[str] = ()) -> int:
    """Print the one line of an error and give the exit status.

    `given` is the command line: a field that it names as an option is named as that option.
    """
    line, options = " ".join(_line(error).split()), {word.partition("=")[0] for word in given}
    typer.echo(f"--{line}" if f"--{line.partition(':')[0]}" in options else line, err=True)
    return REFUSED


def _line(error: ValueError | OSError | typer.TyperException) -> str:
    if isinstance(error, typer.TyperException):
        return _usage(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'system'}: {error.strerror or error}"
    return str(error)


def _usage(error: typer.TyperException) -> str:
    """The command-line parser's own complaint in the house's form."""
    message, option = error.format_message().rstrip("."), getattr(error, "param", None)
    if message.startswith("Missing") and option is not None:
        return f"{option.opts[-1]}: missing, expected {option.help}"
    if "requires an argument" in message:
        return f"{getattr(error, 'option_name', 'option')}: missing its value, expected one after it"
    choice = _CHOICE.search(message)
    if choice is not None:
        return f"{choice['option']}: got {choice['given']}, expected one of {choice['known']}"
    wrong: list[Any] = getattr(error.__cause__, "errors", list)()
    if option is not None and wrong:
        return f"{option.opts[-1]}: got {wrong[0]['input']!r}, expected {_expected(wrong[0]['type'], option)}"
    context = getattr(error, "ctx", None)
    return message if context is None else _pointed(message, context)


def _expected(kind: str, option: Any) -> str:
    """What a number of an option has to be, with its bounds."""
    number = "a whole number" if isinstance(_bound(option), int) or kind.startswith("int") else "a number"
    match option.min, option.max:
        case None, None:
            return number
        case least, None:
            return f"{number}, {least} or more"
        case None, most:
            return f"{number}, at most {most}"
        case least, most:
            return f"{number} from {least} to {most}"


def _bound(option: Any) -> object:
    return option.max if option.min is None else option.min


def _pointed(message: str, context: Any) -> str:
    """A complaint about the line as a whole, with what could stand there and where to read on."""
    if "unexpected extra argument" in message:
        message += " (a value and its unit are one argument: '18 mL')"
    if " command" in message:
        message += f", expected one of {', '.join(context.command.commands)}"
    if message.startswith("No such option"):
        known = [option.opts[-1] for option in context.command.params if option.opts[-1].startswith("--")]
        message = message.partition(" (")[0] + (f", expected one of {', '.join(known)}" if known else "")
    return f"{message}. See '{context.command_path} --help'."
