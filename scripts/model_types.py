"""Write the TypeScript types of views and of the explorer's questions from their Python types.

    python scripts/model_types.py

web/src/model.ts has the views, web/src/explorer/requests.ts the questions. An interface is a Struct. Its comment is
the class's docstring, and the comments of its fields are the Args. A named type is a ``TypeAlias``, and its comment is
the text below it. Fields that JSON may omit are optional.
"""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

import loadstore.sites
import loadstore.views
from loadstore.explorer import requests
from loadstore.explorer.table import QUICK, SLOW
from loadstore.views.base import Value, View

SOURCE = Path(__file__).resolve().parent.parent / "web" / "src"
MADE = "Written by scripts/model_types.py: do not edit."
PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", NoneType: "null"}


def model_types() -> str:
    """The text of web/src/model.ts."""
    names = sorted(found.name for found in pkgutil.iter_modules(loadstore.views.__path__))
    modules = [importlib.import_module(f"loadstore.views.{name}") for name in names]
    views = [struct.__name__ for module in modules for struct in _structs(module) if issubclass(struct, View)]
    union = f"{_comment('Every view that a figure may hold.')}export type View = {' | '.join(views)};"
    return _text(f"The views that Python writes and this bundle draws. {MADE}", modules, [union])


def request_types() -> str:
    """The text of web/src/explorer/requests.ts."""
    lines = [f"  {_key(name)}: {wanted.__name__};" for name, (wanted, _) in {**QUICK, **SLOW}.items()]
    names = "\n".join([f"{_comment('Every question by its name.')}export interface Questions {{", *lines, "}"])
    version = f'{_comment("The version of all questions.")}export const SCHEMA = "{requests.SCHEMA}";'
    return _text(f"What a page may ask of the explorer's server. {MADE}", [requests], [names, version])


WRITTEN = {"model.ts": model_types, "explorer/requests.ts": request_types}


def _text(head: str, modules: Sequence[ModuleType], more: Sequence[str]) -> str:
    """A file of the used aliases, the interfaces, and any further text."""
    known = [loadstore.sites, *modules]
    types = _Types({name: alias for module in known for name, alias in _aliases(module)})
    interfaces = [_interface(struct, types) for module in modules for struct in _structs(module)]
    said = {name: text for module in known for name, text in _said(module).items()}
    named: dict[str, str] = {}
    while new := types.used - named.keys():  # the definition of an alias may use another alias
        named |= {name: f"{_comment(said.get(name, ''))}export type {name} = {types.defined(name)};" for name in new}
    aliases = (named[name] for name in sorted(named))
    return "\n\n".join([f"/** {head} */", *aliases, *interfaces, *more]) + "\n"


def _key(name: str) -> str:
    """A name as the key of an interface."""
    return name if name.isidentifier() else f'"{name}"'


def _structs(module: ModuleType) -> Iterator[type[Struct]]:
    """The Structs that a module defines, in order, without the base classes."""
    for found in vars(module).values():
        own = inspect.isclass(found) and issubclass(found, Struct) and found.__module__ == module.__name__
        if own and found not in (Value, View, requests.Part, requests.Request):
            yield found


def _aliases(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for name, annotation in vars(module).get("__annotations__", {}).items():
        if annotation is TypeAlias:
            yield name, vars(module)[name]


def _said(module: ModuleType) -> dict[str, str]:
    """The texts below the type aliases of a module."""
    body = ast.parse(inspect.getsource(module)).body
    return {
        node.target.id: inspect.cleandoc(after.value.value)
        for node, after in pairwise(body)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
    }


class _Types:
    """Translates Python types to TypeScript and records the used aliases."""

    def __init__(self, aliases: Mapping[str, Any]) -> None:
        self._aliases = aliases
        self.used: set[str] = set()

    def defined(self, name: str) -> str:
        """The definition of an alias."""
        return self.text(self._aliases[name], but=name)

    def text(self, wanted: Any, but: str = "") -> str:
        """A type in TypeScript; ``but`` is an alias that it must not use."""
        for name, alias in self._aliases.items():
            if alias == wanted and name != but:
                self.used.add(name)
                return name
        if wanted in PLAIN:
            return PLAIN[wanted]
        if wanted is View or (inspect.isclass(wanted) and issubclass(wanted, Struct)):
            return wanted.__name__
        origin, parts = get_origin(wanted), get_args(wanted)
        if origin is Annotated:
            return self.text(parts[0])
        if origin is Literal:
            return " | ".join(f'"{part}"' for part in parts)
        if origin in (Union, UnionType):
            return self._union(parts, but)
        if origin is tuple and parts[1:] == (...,):
            item = self.text(parts[0])
            several = get_origin(parts[0]) in (Union, UnionType, Literal) and item not in self._aliases
            return f"({item})[]" if several else f"{item}[]"
        if origin is tuple:
            return f"[{', '.join(map(self.text, parts))}]"
        if origin is not None and issubclass(origin, Mapping):
            record = f"Record<{self.text(parts[0])}, {self.text(parts[1])}>"
            return record if parts[0] is str else f"Partial<{record}>"
        raise TypeError(f"{wanted} has no type in TypeScript")

    def _union(self, parts: Sequence[Any], but: str) -> str:
        """The members of a union; those that form an alias appear under its name."""
        for name, alias in self._aliases.items():
            members = get_args(alias) if get_origin(alias) in (Union, UnionType) else ()
            if members and set(members) < set(parts) and name != but:
                self.used.add(name)
                return " | ".join([name, *(self.text(part) for part in parts if part not in members)])
        return " | ".join(dict.fromkeys(self.text(part) for part in parts if part is not msgspec.UnsetType))


def _interface(struct: type[Struct], types: _Types) -> str:
    about, fields = _documented(struct)
    config, hints = struct.__struct_config__, get_type_hints(struct, include_extras=True)
    lines = [f"{_comment(about)}export interface {struct.__name__} {{"]
    if config.tag_field and not issubclass(struct, requests.Request):
        lines.append(f'  {config.tag_field}: "{config.tag}";')
    for field in msgspec.structs.fields(struct):
        mark = "" if field.required else "?"
        said = _comment(fields.get(field.name, ""), "  ")
        lines.append(f"{said}  {field.encode_name}{mark}: {types.text(hints[field.name])};")
    return "\n".join([*lines, "}"])


def _documented(struct: type[Struct]) -> tuple[str, dict[str, str]]:
    """The docstring's texts on a struct and on its fields."""
    about, _, said = inspect.cleandoc(struct.__doc__ or "").partition("\n\nArgs:\n")
    entries = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", said, re.MULTILINE)
    return about, {name: re.sub(r"\s+", " ", text) for name, text in entries}


def _comment(text: str, indent: str = "") -> str:
    said = " ".join(text.split()).replace("``", "`")
    return f"{indent}/** {said} */\n" if said else ""


if __name__ == "__main__":
    for name, text in WRITTEN.items():
        (SOURCE / name).write_text(text(), encoding="utf-8")
