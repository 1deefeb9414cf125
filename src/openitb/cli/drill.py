"""`openitb drill`: the whole system from one seed, and recorded fault runs lived again."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from openitb.cli.options import AsJson, OptionError
from openitb.cli.refusal import REFUSED
from openitb.world.drill import Broken, Plan, Report, run
from openitb.world.drill.recorded import RecordError, Replay, read, record, replay

USUAL_STEPS, USUAL_PUMPS, MOST_PUMPS = 200, 3, 100

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def drill(
    what: Annotated[list[str], typer.Argument(help="a seed, or files of recorded drills")],
    steps: Annotated[
        int | None, typer.Option("--steps", help="of a seed", min=1, show_default=str(USUAL_STEPS))
    ] = None,
    pumps: Annotated[
        int | None,
        typer.Option(
            "--pumps", help="at most so many, of a seed", min=1, max=MOST_PUMPS, show_default=str(USUAL_PUMPS)
        ),
    ] = None,
    anew: Annotated[
        bool, typer.Option("--record", help="find a seed that tells all a file should, and write it down")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Drill implants, programmers, handheld and link, every invariant after every step; or replay a file.

    A file comes out byte for byte as it was recorded, or is refused. A drill in which a rule breaks tells
    the seed and the steps that led there.

    Example: openitb drill 7 --steps 100
    """
    seeds = [word for word in what if _is_seed(word)]
    _require_meant("file", len(seeds) < len(what), {"--steps": steps, "--pumps": pumps})
    _require_meant("seed", bool(seeds), {"--record": anew or None})
    try:
        for word in what:
            if word in seeds:
                plan = Plan(int(word), steps or USUAL_STEPS, pumps or USUAL_PUMPS)
                _tell_seed(run(plan), as_json)
            else:
                _tell_file(Path(word), record if anew else _replayed, as_json)
    except Broken as finding:  # the steps that led there are the point, so not in one line
        typer.echo(str(finding), err=True)
        raise typer.Exit(REFUSED) from None


def _is_seed(word: str) -> bool:
    return word.isascii() and word.isdecimal()


def _require_meant(kind: str, there: bool, options: Mapping[str, object]) -> None:
    """Refuse an option that a seed or a file takes no notice of."""
    for option, given in options.items():
        if there and given is not None:
            other = "files" if kind == "seed" else "seeds"
            raise OptionError(f"{option}: got it with a {kind}, expected it with {other} only")


def _tell_seed(report: Report, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_plain(report), indent=2))
        return
    told = f"seed {report.seed}: {report.steps} steps, {report.days:.1f} days, every invariant held"
    typer.echo(f"{told}\ndigest {report.digest}")


def _tell_file(file: Path, live: Callable[[Path], Replay], as_json: bool) -> None:
    lived = live(file)
    if as_json:
        shown = {"file": file.name, "name": lived.recorded.name, "shows": lived.recorded.shows}
        typer.echo(json.dumps({**shown, **_plain(lived.report)}, indent=2))
        return
    typer.echo(f"{file.name}: {lived.recorded.name}: {lived.report.steps} steps, byte for byte as recorded")


def _replayed(file: Path) -> Replay:
    """A file lived again; `RecordError` if it came out otherwise."""
    lived = replay(read(file))
    if lived.missing:
        missing = ", ".join(sorted(lived.missing))
        raise RecordError(f"{file.name}: did not see {missing}, expected all that it tells")
    if not lived.is_same:
        got, expected = lived.report.digest[:16], lived.recorded.digest[:16] or "none yet, see --record"
        raise RecordError(f"{file.name}: got the history {got}, expected {expected}")
    return lived


def _plain(report: Report) -> dict[str, object]:
    return {
        "seed": report.seed,
        "steps": report.steps,
        "days": report.days,
        "digest": report.digest,
        "seen": sorted(report.seen),
    }
