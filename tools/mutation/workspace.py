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
COPIED = ("src", "tests", "tools", "docs", "examples")
# The trace keeps no results of mutants; the same examples every time; a mutant runs in a fork.
PYTEST = ("-p", "no:trace-collector", "-p", "no:cacheprovider", "--hypothesis-seed=0")
SETTINGS = {"source_paths": ["src"], "also_copy": ["tools", "docs", "examples"], "track_dependencies": False}
TIMES = {"timeout_multiplier": 4.0, "timeout_constant": 5.0}
FORKS = 2


@dataclass(frozen=True, slots=True)
class Group:
    """Modules that are mutated together, the tests that must notice, and the lines left out."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    left_out: tuple[str, ...]


def groups(path: Path = GROUPS) -> tuple[Group, ...]:
    """Every group of the table, with the rules that hold for all."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    left_out = tuple(rule["line"] for rule in table.pop("left_out", []))
    return tuple(
        Group(name, tuple(row["modules"]), tuple(row["tests"]), left_out) for name, row in table.items()
    )


def run(group: Group, names: tuple[str, ...] = ()) -> Path:
    """Run mutmut over a group, or over some of its mutants by name; the folder with its results."""
    folder = WORK / group.name
    _lay_out(folder, group)
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(FORKS), *names]
    subprocess.run(command, cwd=folder, check=True)  # noqa: S603  # our own words
    return folder


def _lay_out(folder: Path, group: Group) -> None:
    """The checkout as it is now; what mutmut knows of unchanged functions stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    plain = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(plain + _settings(group), encoding="utf-8")


def _settings(group: Group) -> str:
    every = {
        **SETTINGS,
        **TIMES,
        "only_mutate": list(group.modules),
        "do_not_mutate_patterns": list(group.left_out),
        "pytest_add_cli_args": list(PYTEST),
        "pytest_add_cli_args_test_selection": list(group.tests),
    }
    lines = (f"{key} = {json.dumps(value)}" for key, value in every.items())
    return "\n[tool.mutmut]\n" + "\n".join(lines) + "\n"
