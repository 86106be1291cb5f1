"""A view is added with as many files as CONTRIBUTING.md says: one is added, in a copy of what takes part."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
WORDS = {"three": 3, "four": 4, "five": 5, "six": 6}

VIEW = '''"""A number by itself."""

from loadstore.views.base import Cell, View, cell


class Single(View, frozen=True, kw_only=True, tag="loadstore/single@1"):
    """One number.

    Args:
        value: The number.
    """

    value: Cell


def single(title: str, value: float) -> Single:
    """A number by itself."""
    return Single(title=title, value=cell(value))
'''
DRAWING = """/** A number by itself. */
import { say } from "../format";
import { ViewFrame } from "../frame";
import type { Single } from "../model";
import type { Place } from "../place";

/** The view of a `loadstore/single@1`. */
export function SingleView({ view, place }: { view: Single; place: Place }) {
  const text = say(view.value, 2);
  return (
    <ViewFrame view={view} place={place} records={() => [["value"], [text]]} table={null} cells={0}>
      <p data-export>{text}</p>
    </ViewFrame>
  );
}
"""
TEST = '''"""A number by itself."""

from loadstore.views.base import plain
from loadstore.views.figures import figure
from loadstore.views.page import render_page
from loadstore.views.single import single


def test_a_single_number_reaches_the_page() -> None:
    drawn = plain(figure("1", "A number", "It is one half.", [single("half", 0.5)]))
    assert drawn["views"] == [{"schema": "loadstore/single@1", "title": "half", "value": 0.5}]
    section = {"id": "one", "title": "One", "lead": "", "figures": [drawn]}
    page = {"schema": "loadstore/page@1", "title": "t", "lead": "", "prompt": "", "tokens": [], "facts": []}
    assert "loadstore/single@1" in render_page(page | {"sections": [section], "footer": []})
'''


def copied(folder: Path) -> Path:
    """The repository in links, with copies of the files that a view could change."""
    package = folder / "src" / "loadstore"
    package.mkdir(parents=True)
    for each in (ROOT / "src" / "loadstore").iterdir():
        if each.name == "views":
            shutil.copytree(each, package / "views", ignore=shutil.ignore_patterns("__pycache__"))
        elif each.name != "__pycache__":
            (package / each.name).symlink_to(each)
    shutil.copytree(ROOT / "web" / "src", folder / "web" / "src")
    for name in ("tsconfig.json", "package.json", "node_modules"):
        if (ROOT / "web" / name).exists():
            (folder / "web" / name).symlink_to(ROOT / "web" / name)
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests" / "views").mkdir(parents=True)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that is not a link, by its path."""
    found: dict[str, bytes] = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__" and not (Path(parent) / name).is_symlink()]
        for path in (Path(parent) / name for name in names):
            if not path.is_symlink():
                found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def ran(folder: Path, *command: str | Path) -> str:
    """What a command printed in the copy; it must succeed."""
    environment = os.environ | {"PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_view_is_added_with_as_many_files_as_the_guide_says(tmp_path: Path) -> None:
    guide = GUIDE[GUIDE.index("### A view") : GUIDE.index("### A question")]
    promised = WORDS[re.findall(r"that is (\w+)\s+files", guide)[0]]
    folder = copied(tmp_path / "copy")
    before = contents(folder)
    (folder / "src/loadstore/views/single.py").write_text(VIEW, encoding="utf-8")
    (folder / "web/src/single").mkdir()
    (folder / "web/src/single/view.tsx").write_text(DRAWING, encoding="utf-8")
    (folder / "tests/views/test_single.py").write_text(TEST, encoding="utf-8")
    figure = folder / "web/src/figure.tsx"
    text = figure.read_text(encoding="utf-8")
    last = '    case "loadstore/switch@1":'
    line = '    case "loadstore/single@1":\n      return <SingleView view={view} place={place} />;\n'
    assert text.count(last) == 1
    text = text.replace(last, line + last).replace(
        "import { SwitchView }", 'import { SingleView } from "./single/view";\nimport { SwitchView }'
    )
    figure.write_text(text, encoding="utf-8")
    ran(folder, sys.executable, "scripts/model_types.py")
    after = contents(folder)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert changed == {
        "src/loadstore/views/single.py",
        "web/src/single/view.tsx",
        "web/src/figure.tsx",
        "web/src/model.ts",
        "tests/views/test_single.py",
    }
    assert len(changed) == promised <= 5
    assert "web/src/figure.tsx" in guide
    assert "web/src/model.ts" in guide
    types = after["web/src/model.ts"].decode()
    assert 'schema: "loadstore/single@1"' in types
    assert re.search(r"export type View = .*\bSingle\b", types)
    ran(folder, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/views/test_single.py")
    tsc = ROOT / "web" / "node_modules" / ".bin" / "tsc"
    if tsc.exists():  # the drawing and its line fit the type that Python wrote
        ran(folder / "web", tsc, "--strict", "--noEmit")
