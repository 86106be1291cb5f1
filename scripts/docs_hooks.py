"""Hooks of mkdocs (mkdocs.yml): a page for every public name, and files of the repository that pages link to."""

import inspect
import posixpath
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from public import CLASSES, public  # noqa: E402 the tests' definition of public

import loadstore as ls  # noqa: E402

GROUPS = {
    "Load and run": ("load", "run", "Weights", "Trace", "Head", "show"),
    "Weights alone": ("subspace_scores", "spectrum", "head_roles"),
    "One prediction": ("address", "listing", "verify"),
    "Edits and effects": ("ablate", "cut", "patch", "freeze", "effect", "logit_difference"),
    "Circuits": ("task", "Task", "attribute", "circuit", "Circuit", "faithfulness", "curve", "prove", "picture"),
    "Text and depth": ("traffic", "wires", "memory_map", "lifetimes", "reach"),
    "Permissions": ("audit", "enforce", "leak_test"),
}
OUTSIDE = re.compile(r"\]\((?:\.\./)+((?!docs/)[\w./-]+)(#[\w-]+)?\)")
FOLDER = "repository"
SHIM = "https://unpkg.com/iframe-worker/shim"


def grouped() -> dict[str, list[str]]:
    """The public names of each group of the reference; ungrouped names are in ``More``."""
    names = list(public())
    groups = {group: [name for name in members if name in names] for group, members in GROUPS.items()}
    placed = {name for members in groups.values() for name in members}
    groups["More"] = [name for name in names if "." not in name and name not in placed]
    for name in names:
        if "." in name:
            groups.setdefault(f"ls.{name.partition('.')[0]}", []).append(name)
    return {group: members for group, members in groups.items() if members}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Insert the reference into the navigation, before the glossary."""
    pages: list[Any] = ["reference/index.md"]
    pages += [{group: [{f"ls.{n}": f"reference/{n}.md"} for n in names]} for group, names in grouped().items()]
    pages += [{f"ls.{name}": f"reference/{name}.md"} for name in CLASSES]
    assert config.nav is not None
    place = next(index for index, entry in enumerate(config.nav) if isinstance(entry, dict) and "Glossary" in entry)
    config.nav.insert(place, {"Reference": pages})
    config.nav.append({"Files": [{name: f"{FOLDER}/{_page(name)}"} for name in _linked()]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the reference, and the files outside of docs."""
    made = {f"reference/{name}.md": _reference(name, thing) for name, thing in public().items()}
    made |= {f"reference/{name}.md": _classes(name, getattr(ls, name)) for name in CLASSES}
    made["reference/index.md"] = _index()
    made |= {f"{FOLDER}/{_page(name)}": _outside(name) for name in _linked()}
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Point links out of docs to the copies of those files."""
    if page.file.src_uri.startswith(FOLDER):
        return markdown
    up = posixpath.relpath(FOLDER, posixpath.dirname(page.file.src_uri) or ".")
    return OUTSIDE.sub(lambda found: f"]({up}/{_page(found[1])}{found[2] or ''})", markdown)


def on_post_page(output: str, page: Page, **_: object) -> str:
    """Load the search script for sites opened from a disk from the site itself."""
    up = posixpath.relpath("assets", posixpath.dirname(page.file.src_uri) or ".")
    return output.replace(SHIM, f"{up}/worker-on-disk.js")


def on_post_template(output: str, **_: object) -> str:
    """Do the same for the 404 page."""
    return output.replace(SHIM, "assets/worker-on-disk.js")


def _linked() -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")]
    return sorted({found[1] for text in texts for found in OUTSIDE.finditer(text)})


def _page(name: str) -> str:
    return name if name.endswith(".md") else f"{name}.md"


def _outside(name: str) -> str:
    """A file of the repository; its links to targets outside the site become plain text."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if not name.endswith(".md"):
        return f"# {name}\n\n```\n{text}\n```\n"
    up = posixpath.relpath(".", posixpath.dirname(f"{FOLDER}/{name}"))
    text = re.sub(r"\]\((?:\.\./)*docs/([\w-]+\.md)", lambda found: f"]({up}/{found[1]}", text)
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#|\.\./)[^)]*\)", r"\1", text)


def _reference(name: str, thing: Any) -> str:
    place = f"{inspect.unwrap(thing).__module__}.{thing.__qualname__}"
    return f"# ls.{name}\n\n::: {place}\n"


def _classes(name: str, module: ModuleType) -> str:
    things = [(inner, getattr(module, inner)) for inner in module.__all__]
    about = (inspect.getdoc(module) or "").split("\n\n")[0]
    parts = [f"## ls.{name}.{inner}\n\n{_about(thing)}\n" for inner, thing in things]
    return "\n".join([f"# ls.{name}\n\n{about}\n", *parts])


def _about(thing: Any) -> str:
    return f"::: {thing.__module__}.{thing.__qualname__}" if inspect.isclass(thing) else f"`{thing}`"


def _index() -> str:
    lines = ["# Reference", "", "Every public name, from its docstring. `import loadstore as ls`.", ""]
    for group, names in grouped().items():
        lines += [f"## {group}", "", "| name | what it does |", "|---|---|"]
        for name in names:
            first = (inspect.getdoc(public()[name]) or "").split("\n")[0].replace("|", "\\|")
            lines.append(f"| [`ls.{name}`]({name}.md) | {first} |")
        lines.append("")
    lines += ["## Classes", "", *(f"- [`ls.{name}`]({name}.md)" for name in CLASSES), ""]
    return "\n".join(lines)
