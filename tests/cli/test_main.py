"""The `openitb` command as a whole: finding verbs, refusing in one line, examples that run."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from openitb import __version__
from openitb.cli import main as command
from openitb.cli.main import VERBS, Verb, run

ROOT = Path(__file__).parents[2]
SUBCOMMANDS = {"calc": ["refill", "bridge", "prime", "mix", "start-dose", "titrate"]}
NOT_RUN_HERE = {
    "backup",
    "restore",
    "import",
    "verify",
    "serve",
    "demo",
    "pump",
}  # they serve, or keep a clinic: see their own tests


def verbs_with_subcommands() -> Iterator[list[str]]:
    for verb in VERBS:
        yield [verb.name]
        yield from ([verb.name, sub] for sub in SUBCOMMANDS.get(verb.name, []))


def verbs_with_an_example() -> Iterator[list[str]]:
    """Every verb that prints a result and ends, at its innermost word."""
    for path in verbs_with_subcommands():
        if path[0] not in NOT_RUN_HERE and path != ["calc"]:
            yield path


def examples_in(help_text: str) -> list[list[str]]:
    """Command lines that follow `Example:`, with their continuation lines joined."""
    joined = re.sub(r"\\\s*\n\s*", " ", help_text)
    found = re.findall(r"Examples?:\s*(openitb (?:.|\n)+?)(?:\n\s*\n|╭|$)", joined)
    return [shlex.split(" ".join(line.split()))[1:] for line in found]


def test_help_lists_every_verb_and_loads_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(verb.name in printed for verb in VERBS)


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert "calc" in capsys.readouterr().out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nonsense"], "No such command 'nonsense', expected one of calc"),
        (["--nonsense"], "No such option: --nonsense"),
        (["calc"], "Missing command, expected one of refill"),
        (["calc", "divide"], "No such command 'divide', expected one of refill"),
        (["calc", "mix", "--residue", "1 mL"], "No such option: --residue"),
        (["calc", "mix", "--residual"], "--residual"),
    ],
)
def test_a_slip_on_the_command_line_is_one_line_and_status_2(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert named in printed.err


@pytest.mark.parametrize("path", list(verbs_with_subcommands()), ids=" ".join)
def test_every_verb_has_help(path: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*path, "--help"]) == 0
    assert "Usage: openitb" in capsys.readouterr().out


@pytest.mark.parametrize("path", list(verbs_with_an_example()), ids=" ".join)
def test_every_example_in_the_help_runs(
    path: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run([*path, "--help"]) == 0
    examples = examples_in(capsys.readouterr().out)
    assert examples, f"openitb {' '.join(path)} --help shows no example"
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    for example in examples:
        assert run(example) == 0, example
        assert capsys.readouterr().out.strip()


def test_every_verb_names_a_module_that_holds_it() -> None:
    for verb in VERBS:
        module = import_module(verb.module)
        assert hasattr(module, "app") or hasattr(module, verb.name), verb


def test_the_installed_command_answers_and_refuses_like_a_shell_expects() -> None:
    def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
        code = "from openitb.cli.main import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False
        )

    assert ran("--version").stdout.strip() == __version__
    refused = ran("calc", "mix", "--residual", "1.4")
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_help_loads_no_heavy_module() -> None:
    code = "import sys, openitb.cli.main as m; m.run(['--help']); sys.stderr.write(str(list(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    for heavy in ("pint", "pydantic", "numpy", "scipy", "matplotlib", "polars", "django"):
        assert f"'{heavy}'" not in ran.stderr


def test_a_file_that_is_not_there_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: list[str]) -> int:
        raise FileNotFoundError(2, "No such file or directory", "case.toml")

    monkeypatch.setattr(command, "_dispatch", missing)
    assert run(["calc"]) == 2
    assert capsys.readouterr().err == "case.toml: No such file or directory\n"


def test_a_verb_may_be_a_plain_function(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "VERBS", (Verb("cos", "math", "Not a real verb."),))
    monkeypatch.setattr("math.cos", lambda: print("found"))
    assert run(["cos"]) == 0
    assert capsys.readouterr().out == "found\n"
