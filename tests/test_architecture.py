"""The drawing of the architecture shows imports that exist, downwards, and every package."""

import importlib.util
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import grimp
import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def drawn() -> ModuleType:
    path = ROOT / "scripts" / "architecture.py"
    spec = importlib.util.spec_from_file_location("architecture", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def imports() -> set[tuple[str, str]]:
    """Pairs of packages, or modules beside them, of which one imports the other."""
    graph = grimp.build_graph("loadstore", cache_dir=None, exclude_type_checking_imports=False)
    return {
        (module.split(".")[1], target.split(".")[1])
        for module in graph.modules - {"loadstore"}
        for target in graph.find_modules_directly_imported_by(module) - {"loadstore"}
    }


def test_every_arrow_is_an_import_and_goes_down(drawn: ModuleType, imports: set[tuple[str, str]]) -> None:
    assert set(drawn.ARROWS) <= imports
    assert len(set(drawn.ARROWS)) == len(drawn.ARROWS)
    assert all(drawn.PLACES[upper][1] < drawn.PLACES[lower][1] for upper, lower in drawn.ARROWS)


def test_no_import_goes_up(drawn: ModuleType, imports: set[tuple[str, str]]) -> None:
    inside = {(a, b) for a, b in imports if a != b and {a, b} <= set(drawn.PLACES)}
    assert inside
    assert not [pair for pair in inside if drawn.PLACES[pair[0]][1] >= drawn.PLACES[pair[1]][1]]


def test_every_package_is_drawn_and_described(drawn: ModuleType) -> None:
    source = ROOT / "src" / "loadstore"
    packages = {path.parent.name for path in source.glob("*/__init__.py")}
    assert set(drawn.PLACES) == packages == set(drawn.DOES)
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    assert not [name for name in packages if f"`{name}" not in page]


def test_the_way_is_one_way_from_a_checkpoint_to_the_command_line(drawn: ModuleType) -> None:
    reached = {"cli"}
    for _ in drawn.WAY:
        reached |= {lower for upper, lower in drawn.WAY if upper in reached}
    assert reached | {"checkpoints"} == {name for arrow in drawn.WAY for name in arrow}


def test_the_committed_drawing_is_what_the_script_draws(drawn: ModuleType) -> None:
    text = (DOCS / "architecture.svg").read_text(encoding="utf-8")
    assert text == drawn.drawing()
    paths = [element for element in ET.fromstring(text).iter() if re.search(r"}path$", element.tag)]
    assert len(paths) == len(drawn.ARROWS) + 2  # two heads of arrows


def test_files_that_the_page_names_exist() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z_]+/[a-z_/]+(?:\.py)?)`", page)
    assert len(named) > 10
    missing = [name for name in named if not any((ROOT / base / name).exists() for base in ("src/loadstore", "."))]
    assert missing == []
