"""The written side of code and tests: `Holds:` lines of docstrings and marks of tests, found by syntax.

Nothing is imported or run, so a page can be checked against the marks without running a test.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tools.trace.tables import ROOT

ID = r"[A-Z]{3}-\d{2}"
HOLDS = re.compile(rf"\bHolds:\s+({ID}(?:,\s+{ID})*)\.")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Documented = Definition | ast.Module


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """`name` in `path` (from the root of the project) speaks of `target`, a requirement or hazard.

    `kind` is "holds" for code, the mark's name for tests, and "hazard without" for a hazard that is run
    with its mitigation taken away.
    """

    target: str
    path: str
    name: str
    kind: str

    @property
    def where(self) -> str:
        """As pytest names tests; a whole module is its path."""
        return f"{self.path}::{self.name}" if self.name else self.path


@lru_cache(maxsize=4)
def code_links(root: Path = ROOT) -> tuple[Link, ...]:
    """Every `Holds:` of the docstrings under `src/`, in order of id and place."""
    return tuple(
        sorted(
            link for path in _python(root / "src") for link in holds_in(path.read_text(), _from(root, path))
        )
    )


@lru_cache(maxsize=4)
def mark_links(root: Path = ROOT) -> tuple[Link, ...]:
    """Every requirement or hazard mark under `tests/`, in order of id and place."""
    files = [path for path in _python(root / "tests") if path.name.startswith("test_")]
    return tuple(sorted({link for path in files for link in marks_in(path.read_text(), _from(root, path))}))


def holds_in(source: str, path: str) -> Iterator[Link]:
    """The `Holds:` links of one module."""
    for name, node in _documented(ast.parse(source)):
        for found in HOLDS.findall(ast.get_docstring(node) or ""):
            yield from (Link(target, path, name, "holds") for target in re.findall(ID, found))


def marks_in(source: str, path: str) -> Iterator[Link]:
    """The links of one test module: marks of the module and of a class are those of each test in it."""
    tree = ast.parse(source)
    yield from _marks_of_tests(tree.body, list(_module_marks(tree)), "", path)


def _marks_of_tests(
    body: Iterable[ast.stmt], outer: list[ast.Call], within: str, path: str
) -> Iterator[Link]:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            marks = [*outer, *_marks(node.decorator_list)]
            yield from _marks_of_tests(node.body, marks, f"{within}{node.name}::", path)
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for mark in [*outer, *_marks(node.decorator_list)]:
                yield from _links_of_mark(mark, path, within + node.name)


def _links_of_mark(mark: ast.Call, path: str, name: str) -> Iterator[Link]:
    without = any(keyword.arg == "without" for keyword in mark.keywords)
    kind = _mark_name(mark) + (" without" if without else "")
    for argument in mark.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield Link(argument.value, path, name, kind)


def _module_marks(tree: ast.Module) -> Iterator[ast.Call]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            yield from _marks([node.value])


def _marks(nodes: Iterable[ast.expr]) -> Iterator[ast.Call]:
    for top in nodes:
        for node in ast.walk(top):
            if isinstance(node, ast.Call) and _mark_name(node):
                yield node


def _mark_name(call: ast.Call) -> str:
    match = re.fullmatch(r"pytest\.mark\.(requirement|hazard)", ast.unparse(call.func))
    return match[1] if match else ""


def _documented(tree: ast.Module) -> Iterator[tuple[str, Documented]]:
    yield "", tree
    yield from _definitions(tree, "")


def _definitions(node: Documented, within: str) -> Iterator[tuple[str, Documented]]:
    for child in node.body:
        if isinstance(child, Definition):
            yield within + child.name, child
            yield from _definitions(child, f"{within}{child.name}.")


def _python(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def _from(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
