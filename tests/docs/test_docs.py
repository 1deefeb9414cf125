"""The documentation is true: its commands and code run, its links and names lead somewhere."""

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest

from openitb.cli.main import run
from openitb.world.case import parse

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
NOT_RUN = re.compile(r"<!-- not run: .+ -->\s*")
FENCE = re.compile(r"```(\w*)")
REFUSED = "# refused"
# What a shell block may hold besides `openitb` and `make`, which are checked.
PLAIN = (". .venv/bin/activate", "git clone ", "cd ")
HOUSE = ("src", "docs", "examples", "tests", "tools", "benchmarks", "requirements")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and whether a marker above it keeps it from running."""

    page: Path
    line: int
    language: str
    text: str
    runs: bool

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self) -> list[str]:
        """Shell lines, continued ones joined, blank ones and comments left out."""
        lines = re.sub(r"\\\n\s*", " ", self.text).splitlines()
        return [line for line in lines if line.strip() and not line.startswith("#")]


def blocks_of(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    start, language, body, before, runs = 0, "", list[str](), "", True
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if not start:
            if match := FENCE.fullmatch(line):
                start, language, body = number, match[1], []
                runs = NOT_RUN.fullmatch(before) is None
            before = line
        elif line == "```":
            yield Block(page, start, language, "\n".join(body), runs)
            start, before = 0, ""
        else:
            body.append(line)
    assert not start, f"{page.name}:{start}: a block that does not end"


@lru_cache(maxsize=1)
def blocks() -> tuple[Block, ...]:
    return tuple(block for page in PAGES for block in blocks_of(page))


def written(language: str) -> list[Block]:
    return [block for block in blocks() if block.language == language]


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def openitb_lines() -> list[tuple[str, str]]:
    return [
        (str(block), command)
        for block in written("sh")
        for command in block.commands()
        if block.runs and command.startswith("openitb ")
    ]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a clone, where examples may write."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENITB_MICRO", raising=False)
    return tmp_path


@pytest.mark.parametrize(("where", "command"), openitb_lines(), ids=lambda value: value[:70])
def test_every_command_of_the_documentation_runs(
    where: str, command: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = 2 if command.endswith(REFUSED) else 0
    assert run(shlex.split(command, comments=True)[1:]) == expected, where
    printed = capsys.readouterr()
    assert (printed.err if expected else printed.out).strip(), where


@pytest.mark.parametrize("page", [p for p in PAGES if any(b.page == p for b in written("python"))], ids=named)
def test_the_python_of_a_page_runs_from_top_to_bottom(page: Path, workplace: Path) -> None:
    names: dict[str, object] = {"__name__": "example"}
    for block in written("python"):
        if block.page == page and block.runs:
            exec(compile("\n" * block.line + block.text, str(page), "exec"), names)  # noqa: S102


def test_shell_blocks_hold_only_commands_that_are_checked() -> None:
    for block in written("sh"):
        for command in block.commands():
            assert command.startswith(("openitb ", "make ", *PLAIN)), f"{block}: {command}"


def test_every_make_command_is_a_target_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for page in PAGES:
        asked = set(re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), flags=re.MULTILINE))
        assert asked <= targets, page.name


@pytest.mark.parametrize("block", [b for b in written("toml") if b.text.startswith("version = 1")], ids=str)
def test_every_whole_case_file_on_a_page_can_be_read(block: Block) -> None:
    parse(block.text)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if heading:
            assert heading in headings(file), target


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_named_is_there(page: Path) -> None:
    for name in re.findall(r"[`\s]((?:[\w.-]+/)+[\w.-]*)", page.read_text(encoding="utf-8")):
        if name.split("/")[0] in HOUSE:
            assert (ROOT / name.rstrip(".")).exists(), name


def test_every_environment_variable_named_is_read_somewhere() -> None:
    sources = [*(ROOT / "src").rglob("*.py"), ROOT / "Makefile"]
    read = set(re.findall(r"OPENITB_[A-Z_]+", "".join(file.read_text() for file in sources)))
    for page in PAGES:
        assert set(re.findall(r"OPENITB_[A-Z_]+", page.read_text())) <= read, page.name


def test_no_page_names_a_folder_of_this_machine() -> None:
    home = re.compile(rf"{re.escape(os.sep)}(?:work|home|root|tmp)/|{re.escape(str(ROOT))}")
    for page in PAGES:
        assert not home.search(page.read_text(encoding="utf-8")), page.name


def headings(page: Path) -> set[str]:
    """Anchors as hosts of Markdown make them."""
    lines = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).strip().replace(" ", "-") for line in lines}
