"""Writes the pages of requirements and hazards from tables, links and results.

Everything but the cells of results and the line that dates them follows from files alone; `static` takes
those out, so that a page can be compared without running a test.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tools.trace import ratchet, results, tables
from tools.trace.links import Link, code_links, mark_links
from tools.trace.results import Outcome

NONE = "**not shown yet**"
PLAN = """> Work on the implant and its programmers goes on. A row without a test says so and counts as not
> shown, whatever the code does; `docs/trace/not-shown.toml` lists these rows and may only get shorter. A row
> with tests is shown as far as its tests go: read them.
"""
BY_HAND = "<!-- Written by `make requirements` from docs/trace/, src/ and tests/: do not edit. -->\n"


@dataclass(frozen=True, slots=True)
class Trace:
    """All that the pages are made of."""

    code: tuple[Link, ...]
    tests: tuple[Link, ...]
    results: Mapping[str, Outcome]

    def holding(self, target: str) -> list[Link]:
        """The code that says it holds a requirement."""
        return [link for link in self.code if link.target == target]

    def showing(self, target: str, kind: str) -> list[Link]:
        """The tests with a mark of that kind."""
        return [link for link in self.tests if link.target == target and link.kind == kind]

    def last(self, links: Iterable[Link]) -> str:
        """How those tests went."""
        return results.told([link.where for link in links], self.results)


def trace(known: Mapping[str, Outcome] | None = None) -> Trace:
    """The trace of the project as it stands, with the results of the last runs unless others are given."""
    return Trace(code_links(), mark_links(), results.read() if known is None else known)


def requirements_page(found: Trace) -> str:
    """`docs/requirements.md`."""
    parts = [f"# Requirements\n\n{BY_HAND}", PLAN, _requirement_counts(found), _how_to_read()]
    return "\n".join([*parts, *(_section(section, found) for section in tables.sections())])


def hazards_page(found: Trace, cases: Iterable[str]) -> str:
    """`docs/hazards.md`; `cases` are the sections of the assurance case."""
    parts = [f"# Hazards\n\n{BY_HAND}", PLAN, _hazard_counts(found), *_hazard_tables(found)]
    return "\n".join([*parts, "## Assurance case\n", *cases])


def static(page: str) -> str:
    """A page without what depends on a run."""
    undated = re.sub(r"^Results of .*\n", "", page, flags=re.MULTILINE)
    return re.sub(r"[^|\n]*\|$", "|", undated, flags=re.MULTILINE)


def _requirement_counts(found: Trace) -> str:
    lack = ratchet.lacking(found.tests)
    total = len(tables.requirements())
    unheld = sum(not found.holding(one) for one in tables.requirements())
    partly = sum(bool(row.lacks) for row in tables.requirements().values())
    return (
        f"{total} requirements: {total - len(lack.requirements) - partly} shown by tests, {partly} partly, "
        f"{len(lack.requirements)} not shown yet; {unheld} without a named place in the code. "
        f"{len(lack.values)} values are open.\n\n{_dated(found)}"
    )


def _hazard_counts(found: Trace) -> str:
    lack = ratchet.lacking(found.tests)
    total = len(tables.hazards())
    return (
        f"{total} hazards: {total - len(lack.hazards_held)} run with their mitigation, "
        f"{total - len(lack.hazards_let_loose)} also without it to show that it is needed.\n\n{_dated(found)}"
    )


def _dated(found: Trace) -> str:
    last = max((one.at for one in found.results.values()), default="")
    return f"Results of {last[:10]}.\n" if last else "Results of no run.\n"


def _how_to_read() -> str:
    return (
        'A test carries `@pytest.mark.requirement("DEL-06")`, code says `Holds: DEL-06.` in its docstring. '
        "*Asked* is the kind of test a row asks for. Sources are listed in `docs/trace/requirements.toml`, "
        "hazards in [Hazards](hazards.md).\n"
    )


def _section(section: tables.Section, found: Trace) -> str:
    rows = [_requirement_row(row, found) for row in section.rows]
    head = [
        "| id | requirement | asked | code | tests | last result |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    shown = sum(bool(found.showing(row.requirement_id, "requirement")) for row in section.rows)
    title = f"## {section.title} ({section.prefix})\n\n{shown} of {len(rows)} shown.\n"
    return "\n".join([title, *head, *rows, ""])


def _requirement_row(row: tables.Requirement, found: Trace) -> str:
    tests = found.showing(row.requirement_id, "requirement")
    source = "; ".join(row.sources)
    cells = (row.requirement_id, f"{row.told()} *({source})*", ", ".join(row.shown_by))
    partly = f"**partly**, lacks {row.lacks}<br>" if row.lacks else ""
    places = _places(found.holding(row.requirement_id))
    none = f"{NONE}, waits for {row.waits}" if row.waits else NONE
    return _cells(*cells, places, partly + _tests(tests, none), found.last(tests))


def _hazard_tables(found: Trace) -> Iterator[str]:
    rows = tables.hazards().values()
    for category in dict.fromkeys(row.category for row in rows):
        head = ["| id | what | harm | requirements | held | let loose | last result |", "| --- " * 7 + "|"]
        body = [_hazard_row(row, found) for row in rows if row.category == category]
        yield "\n".join([f"## {category.capitalize()}\n", *head, *body, ""])


def _hazard_row(row: tables.Hazard, found: Trace) -> str:
    held = found.showing(row.hazard_id, "hazard")
    loose = found.showing(row.hazard_id, "hazard without")
    cells = (row.hazard_id, row.what, row.harm, ", ".join(row.requirements))
    return _cells(
        *cells, _tests(held, "not run yet"), _tests(loose, "not run yet"), found.last([*held, *loose])
    )


def _places(links: Iterable[Link]) -> str:
    return "<br>".join(_link(link, link.name or link.path.rpartition("/")[2]) for link in links)


def _tests(links: list[Link], none: str = NONE) -> str:
    shown = (_link(link, link.name.removeprefix("test_").replace("_", " ")) for link in links)
    return "<br>".join(shown) or none


def _link(link: Link, text: str) -> str:
    return f"[{text.replace('|', ' ')}](../{link.path})"


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
