"""What mutmut left behind: which mutants live, and what each of them changes."""

import ast
import difflib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tools.mutation.workspace import Group

SURVIVED, FAILED, REACHED_BY_NO_TEST = 0, (1, 3), 33
NUMBER = re.compile(r"__mutmut_\d+$")


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
    """The lines that a mutant takes out and puts in, in one."""
    functions = _functions(group.folder / "mutants" / mutant.module)
    name = mutant.name.rpartition(".")[2]
    before, after = (functions[key].splitlines()[1:] for key in (NUMBER.sub("__mutmut_orig", name), name))
    lines = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    return " ".join(f"{line[0]} `{line[2:].strip()}`" for line in lines) or "a default of its parameters"


@lru_cache(maxsize=64)
def _functions(file: Path) -> dict[str, str]:
    source = file.read_text(encoding="utf-8")
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    return {node.name: ast.unparse(node) for node in nodes}
