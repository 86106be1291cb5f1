"""Every public function and every command has golden numbers of all that it returns, or is named here with a reason."""

import ast
import re
from pathlib import Path

import pytest
from golden.groups import GROUPS, PAIRS
from public import public

from loadstore.cli.app import app

HERE = Path(__file__).parent
ELSEWHERE = {  # public names without a call of their own in from_fields.py
    "Circuit": "`circuit` returns it",
    "Head": "a name, not a result",
    "Policy": "`enforce` and `audit` show what it says",
    "Subspace": "`subspace` returns it",
    "Task": "`task` returns it",
    "Trace": "`run` returns it",
    "Weights": "`load` returns it, and weights/model/parameters has every tensor",
    "picture": "a drawing: its numbers are those of `listing`, `verify` and `faithfulness`",
    "router_address": "no model of the golden numbers has experts",
    "load": "the groups of builtin and smollm2 begin with it, and weights/model/parameters has every tensor",
}
HOMES = {".".join(["loadstore", *name.split(".")[:-1]]) for name in public()}
NO_JSON = ("explore", "train", "demo-induction")


def kept(group: str) -> set[str]:
    """What has golden numbers in a group: the part of their ids after the group's name."""
    ids = [line.split('"')[1] for file in HERE.glob("numbers/*.json") for line in file.read_text().splitlines()[1:-1]]
    return {key.removeprefix(f"{group}/").removeprefix("single/").split("/")[0] for key in ids if key.startswith(group)}


def aliases() -> dict[str, str]:
    """The stable name of each public name that the golden numbers use."""
    tree = ast.parse((HERE / "functions.py").read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module in HOMES]
    return {name.name: name.asname or name.name for node in found for name in node.names}


def test_every_public_name_has_its_fields_among_the_golden_numbers() -> None:
    known, stable = kept("fields"), aliases()
    names = {name.rpartition(".")[2] for name in public()}
    missing = [name for name in names if name not in ELSEWHERE and stable.get(name) not in known]
    assert not missing, f"{missing} need a call in from_fields.py, and then make.py fields"
    assert not [name for name in ELSEWHERE if name not in names or stable.get(name) in known]


def test_every_name_that_is_imported_for_golden_numbers_is_used() -> None:
    used = "\n".join(file.read_text(encoding="utf-8") for file in HERE.glob("*.py") if file.name != "functions.py")
    tree = ast.parse((HERE / "functions.py").read_text(encoding="utf-8"))
    names = [name.asname or name.name for node in tree.body if isinstance(node, ast.ImportFrom) for name in node.names]
    assert not [name for name in names if not re.search(rf"\bof\.{name}\b", used)]


def test_every_command_with_json_has_its_fields_among_the_golden_numbers() -> None:
    known = {name.split(",")[0] for name in kept("commands")}
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        assert (name in known) != (name in NO_JSON), name
        assert ("json" in command.callback.__annotations__) != (name in NO_JSON), name


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_has_numbers_of_every_model_it_is_of(group: str) -> None:
    for model in (model for model, other in PAIRS if other == group):
        file = HERE / ("controls.json" if group == "controls" else f"numbers/{model}.json")
        assert f'"{model if group == "controls" else group}/' in file.read_text(encoding="utf-8"), model
