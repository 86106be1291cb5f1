"""A plan: which models, and which analyses with which options. It is checked as a whole before anything runs.

::

    models = ["builtin", "run/checkpoints/*.safetensors"]
    analyses = ["scores", "heads"]

    [heads]
    sequences = 40
"""

import glob
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadstore.checkpoints.remote import PACKAGES, expanded, is_url, parted
from loadstore.errors import BadRequest
from loadstore.model.globs import is_glob
from loadstore.quote import quote
from loadstore.reading import reads
from loadstore.sweep.options import OPTIONS, Value, checked, unknown

MOST = 1 << 20  # bytes of a plan
MODELS = 100_000  # models of a sweep
KEYS = ("models", "analyses")


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan.

    Args:
        models: Names or paths of models, each once.
        analyses: All options of each analysis, by its name.
    """

    models: tuple[str, ...]
    analyses: Mapping[str, Mapping[str, Value]]


def read_plan(path: Path) -> Plan:
    """Read a plan in TOML. Raises BadRequest that names the file and the wrong key."""
    reads(path)
    try:
        if path.stat().st_size > MOST:
            raise BadRequest(f"{quote(path)} is larger than 1 MB, which no plan needs")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, no TOML, a NUL in the name
        raise BadRequest(f"{quote(path)} cannot be read as a plan: {quote(error, 120)}; name a TOML file") from None
    try:
        keys = dict.fromkeys((*KEYS, *OPTIONS))
        for key in table:
            if key not in keys:
                raise BadRequest(f"a plan has no key {unknown(key, keys)}")
        options = {name: table[name] for name in OPTIONS if name in table}
        return plan_of(_listed(table, "models"), _listed(table, "analyses"), options)
    except BadRequest as error:
        raise BadRequest(f"{quote(path)}: {error}") from None


def plan_of(models: Sequence[str], analyses: Sequence[str], options: Mapping[str, Any] | None = None) -> Plan:
    """Make a plan.

    Args:
        models: Names or paths, with wildcards for files.
        analyses: Names of analyses.
        options: Options by the name of an analysis; those that are not given have defaults.

    Raises:
        BadRequest: A name, an option or a path that does not exist, or nothing to do.
    """
    given = {} if options is None else options
    for name in analyses:
        if name not in OPTIONS:
            raise BadRequest(f"there is no analysis {unknown(name, OPTIONS)}")
    for name, table in given.items():
        if name not in analyses:
            raise BadRequest(f"[{name}] has options, but analyses does not list {name}")
        if not isinstance(table, dict):
            raise BadRequest(f"{name} is {quote(repr(table), 40)}; expected a table of options, [{name}]")
    paths = tuple(dict.fromkeys(path for model in models for path in _expanded(model)))
    if not paths or not analyses:
        raise BadRequest(f"a plan needs models and analyses; analyses are {', '.join(OPTIONS)}")
    if len(paths) > MODELS:
        raise BadRequest(f"a plan has {len(paths):,} models, expected at most {MODELS:,}")
    return Plan(paths, {name: checked(name, given.get(name, {})) for name in dict.fromkeys(analyses)})


def _listed(table: Mapping[str, Any], key: str) -> list[str]:
    names = table.get(key)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):  # pyright: ignore[reportUnknownVariableType]
        shown = "missing" if names is None else quote(repr(names), 40)
        raise BadRequest(f"{key} is {shown}; expected a list of texts that is not empty")
    return [str(name) for name in names]  # pyright: ignore[reportUnknownVariableType]


def _expanded(model: str) -> list[str]:
    """The files that a path with wildcards names, sorted; any other name itself."""
    if not model:
        raise BadRequest("an empty text is not the name of a model")
    if is_url(model) and parted(model)[0] == "file":
        return _expanded(parted(model)[1])
    try:
        if Path(model).exists() or not is_glob(model):
            return [model]
        in_store = is_url(model) and parted(model)[0] in PACKAGES
        paths = expanded(model) if in_store else sorted(glob.glob(model, recursive=True))
    except (OSError, ValueError):  # a name that is too long or contains NUL; loading refuses it with a sentence
        return [model]
    if not paths:
        raise BadRequest(f"no file matches {quote(repr(model), 60)}")
    return paths
