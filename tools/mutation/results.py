"""What mutmut left behind: which mutants live, and what each of them changes."""

import ast
import difflib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from operator import eq
from pathlib import Path

from tools.mutation.workspace import Group

SURVIVED, FAILED, REACHED_BY_NO_TEST = 0, (1, 3), 33
NUMBER = re.compile(r"__mutmut_\d+$")
AROUND = 32


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to one function; `status` is mutmut's exit code, None before it was tried."""

    name: str
    module: str
    status: int | None

    @property
    def lives(self) -> bool:
        """True if the tests did not notice it, or none reaches it."""
        return self.status in (SURVIVED, REACHED_BY_NO_TEST)

    @property
    def is_sure(self) -> bool:
        """True if a test failed; a mutant that ran out of time may only have been slow."""
        return self.status in FAILED


def mutants(group: Group) -> tuple[Mutant, ...]:
    """Every mutant of a group, by module and name."""
    found: list[Mutant] = []
    for module in group.modules:
        meta = group.folder / "mutants" / f"{module}.meta"
        if meta.exists():
            known = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
            found += [Mutant(name, module, status) for name, status in known.items()]
    return tuple(found)


def change(group: Group, mutant: Mutant) -> str:
    """What a mutant takes out and puts in, each with a little of what stands around it."""
    functions = _functions(group.folder / "mutants" / mutant.module)
    name = mutant.name.rpartition(".")[2]
    original = NUMBER.sub("__mutmut_orig", name)
    before, after = (functions[key].replace(key, "f", 1).splitlines() for key in (original, name))
    lines = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    out, new = (" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
    begin = _alike(out, new)
    end = _alike(out[begin:][::-1], new[begin:][::-1])
    return " → ".join(f"`{_middle(text, begin, len(text) - end)}`" for text in (out, new))


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    return sum(takewhile(bool, map(eq, one, other)))


def _middle(text: str, begin: int, end: int) -> str:
    before, after = text[max(0, begin - AROUND) : begin], text[end : end + AROUND]
    dots = ("…" if begin > AROUND else "", "…" if len(text) - end > AROUND else "")
    return f"{dots[0]}{before}{text[begin:end]}{after}{dots[1]}"


@lru_cache(maxsize=64)
def _functions(file: Path) -> dict[str, str]:
    source = file.read_text(encoding="utf-8")
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    return {node.name: ast.unparse(node) for node in nodes}
