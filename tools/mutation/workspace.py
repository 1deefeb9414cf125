"""A copy of the checkout in which mutmut may write, one for each group of modules."""

import json
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tools.checkout import ROOT

GROUPS = Path(__file__).with_name("groups.toml")
WORK = ROOT / "build" / "mutation"
COPIED = ("src", "tools", "docs", "examples")
HELPERS = ("conftest.py", "*/conftest.py", "*/*.txt")  # what the tests of a room share
# The trace keeps no results of mutants; the same examples every time.
PYTEST = ("-p", "no:trace-collector", "-p", "no:cacheprovider", "--hypothesis-seed=0", "-m", "not slow")
SETTINGS = {
    "source_paths": ["src"],
    "also_copy": ["tools", "docs", "examples"],
    "pytest_add_cli_args": list(PYTEST),
    "pytest_add_cli_args_test_selection": ["tests"],
    "track_dependencies": False,
    "timeout_multiplier": 4.0,
    "timeout_constant": 30.0,
}
FORKS = 2


@dataclass(frozen=True, slots=True)
class Group:
    """Modules that are mutated together, and the tests that must notice."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where its mutants live and die."""
        return WORK / self.name


def groups(path: Path = GROUPS) -> tuple[Group, ...]:
    """Every group of the table."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(Group(name, tuple(row["modules"]), tuple(row["tests"])) for name, row in table.items())


def run(group: Group, names: tuple[str, ...] = ()) -> None:
    """Run mutmut over what has no result yet, or over the mutants of these names; resumes where it was."""
    _lay_out(group)
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(FORKS), *names]
    subprocess.run(command, cwd=group.folder, check=True)  # noqa: S603  # our own words


def _lay_out(group: Group) -> None:
    """The checkout as it is now, with the tests of the group only."""
    group.folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        _copied(ROOT / name, group.folder / name)
    shutil.rmtree(group.folder / "tests", ignore_errors=True)
    shutil.rmtree(group.folder / "mutants" / "tests", ignore_errors=True)
    helpers = (file for pattern in HELPERS for file in (ROOT / "tests").glob(pattern))
    for file in (*helpers, *(ROOT / name for name in group.tests)):
        beside = group.folder / file.relative_to(ROOT)
        beside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, beside)
    plain = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (group.folder / "pyproject.toml").write_text(plain + _settings(group), encoding="utf-8")


def _copied(source: Path, beside: Path) -> None:
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(source, beside, ignore=shutil.ignore_patterns("__pycache__"))


def _settings(group: Group) -> str:
    every = {**SETTINGS, "only_mutate": list(group.modules)}
    return "\n[tool.mutmut]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in every.items())


def _toml(value: object) -> str:
    return json.dumps(value)  # texts, numbers, truth and lists of texts are written alike
