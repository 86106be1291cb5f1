"""The public names: a clean namespace, a stub that is true, and a page that says where renamed names went."""

import ast
import inspect
import re
from itertools import combinations
from pathlib import Path
from types import ModuleType

import pytest
from public import public

import loadstore as ls

ROOT = Path(__file__).parent.parent
RENAMES = (ROOT / "docs" / "renames.md").read_text(encoding="utf-8")


def test_the_namespace_has_public_names_only() -> None:
    assert dir(ls) == ls.__all__
    with pytest.raises(AttributeError, match="loadstore has no 'kl'; it has Circuit, Head, "):
        ls.kl  # noqa: B018  # pyright: ignore


def test_the_stub_names_what_is_there() -> None:
    stub = ast.parse((ROOT / "src/loadstore/__init__.pyi").read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    assert sorted(alias.name for node in imports for alias in node.names) == ls.__all__
    assert all(alias.asname == alias.name for node in imports for alias in node.names), "a stub exports `x as x` only"


def test_each_namespace_lists_its_names_in_order() -> None:
    for name in ls.__all__:
        module = getattr(ls, name)
        if isinstance(module, ModuleType):
            visible = {inner for inner in vars(module) if not inner.startswith("_")} - {"jaxtyping", "line"}
            assert sorted(visible) == module.__all__, name


def test_renamed_names_are_where_the_page_says() -> None:
    moved = re.findall(r"^\| `ls\.([\w.]+)` \| `ls\.([\w.]+)` \|$", RENAMES, re.MULTILINE)
    assert len(moved) > 30
    assert not {old for old, _ in moved} & {*public(), *ls.__all__}
    assert {new for _, new in moved} <= set(public())


def test_options_are_keyword_only_and_come_in_one_order() -> None:
    order: dict[tuple[str, str], str] = {}
    for name, function in public().items():
        if isinstance(function, type):
            continue
        parameters = inspect.signature(function).parameters.values()
        positional = [each for each in parameters if each.kind != each.KEYWORD_ONLY]
        optional = [each.name for each in positional if each.default is not each.empty]
        assert len(optional) <= (2 if name == "parts.score_parts" else 1), f"{name}: {optional} are positional"
        options = [each.name for each in parameters if each.kind == each.KEYWORD_ONLY]
        for pair in combinations(options, 2):
            order[pair] = name
            assert pair[::-1] not in order, f"{name} has {pair}, {order[pair[::-1]]} has them the other way round"
