"""The structure of the project is printed from its imports, and its rules are seen to be broken."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def house() -> ModuleType:
    path = Path(__file__).parent.parent / "scripts" / "house.py"
    spec = importlib.util.spec_from_file_location("house", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_circle_is_found_among_modules_and_among_packages(house: ModuleType) -> None:
    straight = {"a": [], "a.x": ["a.y"], "a.y": ["a.z.one"], "a.z.one": [], "a.z.two": []}
    assert house.circles(straight) == []
    assert house.circles(straight | {"a.z.one": ["a.x"]})[0].startswith("modules: ")
    packages = house.circles(straight | {"a.z.two": ["a.y"]})  # no module imports itself by way of others, z and y do
    assert [text.split(":")[0] for text in packages] == ["a"]


def test_imports_of_the_web_bundle_are_read(house: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "one.ts").write_text('import { a } from "./deep/two";\nimport type { B } from "preact";\n')
    (tmp_path / "deep" / "two.tsx").write_text('import {\n  c,\n} from "../one";\nexport * from "./none";\n')
    found = house.web_imports(tmp_path)
    assert found == {"one": {"deep/two"}, "deep/two": {"one"}}
    assert house.circle(found)


def test_a_local_is_named_by_its_role(house: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = """
class Step:
    place: str
def scores(some, *, layer):
    found: int = 3
    for one in [known for known in layer]:
        with open(one) as place: pass
    return found.place + someone + layer(one=1)
"""
    monkeypatch.setattr(house, "ROOT", tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "planted.py").write_text(planted)
    assert [text.partition(":")[2] for text in house.roleless_locals()] == [
        "4: some", "5: found", "6: known", "6: one", "7: place",
    ]  # fmt: skip
    (tmp_path / "src" / "planted.py").write_text("def scores(layers):\n    return [layer.place for layer in layers]\n")
    assert not house.roleless_locals()


def test_a_file_is_long_from_one_line_more_than_allowed(
    house: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house, "ROOT", tmp_path)
    for name, lines in (
        ("src/at.py", 250),
        ("src/above.py", 251),
        ("web/above.ts", 252),
        ("web/node_modules/x.ts", 999),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n" * lines)
    assert house.long_files() == ["web/above.ts: 252 lines", "src/above.py: 251 lines"]
