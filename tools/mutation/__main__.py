"""`python -m tools.mutation [--again] [GROUP ...]`: mutate, then write docs/mutation.md.

What has no result yet is tried: an unfinished run goes on, and functions that changed are mutated anew.
`--again`, after tests were added, also tries those mutants again that no test is known to kill. `--page`
writes the page from what is known. Why a mutant may live is said in `left.toml`, beside what it changes:
an explanation of anything else explains nothing.
"""

import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tools.checkout import ROOT, commit
from tools.mutation import results
from tools.mutation.results import Mutant
from tools.mutation.workspace import Group, groups, run

PAGE = ROOT / "docs" / "mutation.md"
LEFT = Path(__file__).with_name("left.toml")
LEAST_PERCENT = 95
UNEXPLAINED = "**not explained yet**"


def main(arguments: list[str]) -> int:
    """Run the groups named, or all; status 1 if one falls short or a survivor is not explained."""
    options = {one for one in arguments if one.startswith("--")}
    chosen = [group for group in groups() if group.name in arguments or not set(arguments) - options]
    for group in chosen if "--page" not in options else ():
        run(group)
        if "--again" in options:
            run(group, tuple(one.name for one in results.mutants(group) if not one.is_sure))
    lines = list(page())
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    short = any(_score(results.mutants(group)) < LEAST_PERCENT for group in chosen)
    return int(short or any(UNEXPLAINED in line for line in lines))


def page() -> Iterator[str]:
    """The page, line by line."""
    left = tomllib.loads(LEFT.read_text(encoding="utf-8"))["left"]
    why = {(one["name"], one["change"]): one["why"] for one in left}
    yield HEAD.format(today=datetime.now(UTC).date(), commit=commit())
    yield "| group | module | mutants | killed | of these by time | survived | score |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for group in groups():
        found = results.mutants(group)
        for module in group.modules:
            yield _row(group.name, f"`{module}`", tuple(one for one in found if one.module == module))
        yield _row(f"**{group.name}**", "all", found)
    for group in groups():
        yield f"\n## What lives in {group.name}\n"
        yield from _survivors(group, why)


HEAD = """# Mutation tests

Written by `make mutation`; do not edit. [mutmut](https://mutmut.readthedocs.io) changes one thing at a time
in the code that decides on a dose, and the tests listed in `tools/mutation/groups.toml` must notice. Nothing
is left out by rule: messages, log texts and the values a finding shows are mutated like the rest. mutmut 3
itself does not touch docstrings, the text of f-strings, code outside functions (constants, tables of rules,
fields of dataclasses) and decorated functions (here the properties of `Judged`, `Verdict` and `_Dose`). A
mutant that runs into the time limit counts as killed, one that no test reaches as survived.

Last run: {today}, at commit `{commit}`.
"""


def _row(group: str, module: str, found: tuple[Mutant, ...]) -> str:
    tried = [one for one in found if one.status is not None]
    lives, slow = sum(one.lives for one in tried), sum(not (one.lives or one.is_sure) for one in tried)
    open_ones = f" ({len(found) - len(tried)} not tried yet)" if len(tried) < len(found) else ""
    counts = f"{len(tried)}{open_ones} | {len(tried) - lives} | {slow} | {lives} | {_score(found):.1f} %"
    return f"| {group} | {module} | {counts} |"


def _score(found: tuple[Mutant, ...]) -> float:
    tried = [one for one in found if one.status is not None]
    return 100 * sum(not one.lives for one in tried) / len(tried) if tried else 0.0


def _survivors(group: Group, why: dict[tuple[str, str], str]) -> Iterator[str]:
    lives = [one for one in results.mutants(group) if one.lives]
    if not lives:
        yield "Nothing."
    for one in lives:
        name, change = one.name.removeprefix("openitb."), results.change(group, one)
        yield f"* `{name}`: {change}"
        yield f"  {why.get((name, change), UNEXPLAINED)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
