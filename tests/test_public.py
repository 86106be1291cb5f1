"""The public names: a clean namespace, a stub that is true, and a page that says where renamed names went."""

import ast
import re
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
