"""What the source of this room may not contain."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import openitb.implant

ROOM = Path(openitb.implant.__file__).parent
DELIVERY = [
    *sorted((ROOM / "hardware").glob("*.py")),
    *sorted((ROOM / "firmware").glob("*.py")),
    ROOM / "implant.py",
    ROOM / "build.py",
]


def nodes(files: list[Path]) -> Iterator[tuple[Path, ast.AST]]:
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            yield file, node


def is_float(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=float()) | ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            return True
        case ast.Name(id="float") | ast.Attribute(attr="float"):
            return True
        case ast.Import(names=names):
            return any(alias.name in {"math", "numpy"} for alias in names)
        case _:
            return False


def imported(node: ast.AST) -> list[str]:
    match node:
        case ast.ImportFrom(module=str(module)):
            return [module]
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case _:
            return []


@pytest.mark.requirement("DEL-02")
def test_no_float_can_enter_delivery_state() -> None:
    found = [(file.name, node.lineno) for file, node in nodes(DELIVERY) if is_float(node)]
    assert found == []


@pytest.mark.requirement("DEL-02")
def test_the_search_for_floats_finds_one() -> None:
    planted = ast.parse("half = volume_nl / 2\nrate = 0.5\nbad: float = 1")
    assert sum(is_float(node) for node in ast.walk(planted)) == 3


def test_the_firmware_does_not_see_the_hardware() -> None:
    firmware = sorted((ROOM / "firmware").glob("*.py"))
    found = {name for _, node in nodes(firmware) for name in imported(node)}
    assert not [name for name in found if name.startswith("openitb.implant.hardware")]
    assert "openitb.implant.implant" not in found


GUARD_PARTS = frozenset(f"openitb.implant.firmware.{name}" for name in ("credits", "passed", "strokes"))


@pytest.mark.requirement("DEL-07")
@pytest.mark.parametrize("part", ["guard", "credits", "passed", "strokes"])
def test_the_guard_knows_neither_the_controller_nor_the_commands(part: str) -> None:
    found = {name for _, node in nodes([ROOM / "firmware" / f"{part}.py"]) for name in imported(node)}
    assert {name for name in found if name.startswith("openitb")} <= GUARD_PARTS


def test_the_controller_cannot_make_credits() -> None:
    tree = ast.parse((ROOM / "firmware" / "controller.py").read_text(encoding="utf-8"))
    names = {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert names.isdisjoint({"Issuer", "key_of", "Firmware", "Guard"})


@pytest.mark.requirement("SYS-10")
def test_no_clock_and_no_chance_below_the_command_line() -> None:
    found = {name for _, node in nodes(sorted(ROOM.rglob("*.py"))) for name in imported(node)}
    assert found.isdisjoint({"time", "datetime", "random", "secrets", "uuid"})
