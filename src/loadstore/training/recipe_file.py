"""Recipes in TOML: those that ship, by name, and those of a user, by path."""

import re
import tomllib
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from loadstore.errors import BadRequest, NoSuchSite, NotThisModel
from loadstore.heads.patterns import ROLES
from loadstore.model.architecture import MOST
from loadstore.model.mlp_facts import Mlp
from loadstore.quote import quote
from loadstore.reading import reads
from loadstore.sites import parse_head
from loadstore.training.recipe import Phase, Recipe, Start

PRESETS = ("induction-demo", "attention-only", "small-gpt", "small-llama")
AT_MOST = {**MOST, "per_octave": 1000}


def preset(name: str) -> Path:
    """Return the file of a recipe that ships. Raises BadRequest for any other name."""
    if name not in PRESETS:
        raise BadRequest(f"no recipe {quote(name)} ships; there are {', '.join(PRESETS)}")
    return Path(str(files("loadstore") / "training" / "presets" / f"{name}.toml"))


def named_recipe(name: str) -> Recipe:
    """Read a recipe by its path, or one that ships by its name. Raises BadRequest."""
    return read_recipe(preset(name) if name in PRESETS and not Path(name).exists() else Path(name))


def read_recipe(path: Path) -> Recipe:
    """Read a recipe. Raises BadRequest naming the file and the wrong key."""
    reads(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        phases = tuple(_take(Phase, phase, path) for phase in data.pop("phase", []))
        start = _take(Start, data.pop("start", {}), path)
        names = {role: tuple(heads) for role, heads in data.pop("names", {}).items()}
        mlp = {"mlp": _take(Mlp, data.pop("mlp"), path)} if "mlp" in data else {}
        if not phases:
            raise BadRequest(f"{path} has no [[phase]]; a recipe needs at least one")
        recipe: Recipe = _take(Recipe, {**data, **mlp, "start": start, "phases": phases, "names": names}, path)
        _check(recipe, path)
        return recipe
    except FileNotFoundError:
        raise BadRequest(
            f"the recipe {path} cannot be read: there is no such file; those that ship are {', '.join(PRESETS)}"
        ) from None
    except NotThisModel as error:
        raise BadRequest(f"{path}: {error}") from None
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, no TOML, a NUL in the name
        raise BadRequest(f"the recipe {path} cannot be read: {error}") from None
    except (TypeError, AttributeError, RecursionError) as error:
        raise BadRequest(
            f"{path} is not laid out as a recipe ({quote(error)}); compare it with {preset('attention-only')}"
        ) from None


def _take(kind: type, data: dict[str, Any], path: Path) -> Any:
    """Build one dataclass from a table; lists become tuples."""
    names = {field.name for field in fields(kind)}
    if unknown := set(data) - names:
        raise BadRequest(f"{path}: {kind.__name__.lower()} has no {sorted(unknown)}; it knows {sorted(names)}")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    if kind.__name__ == "Phase" and len(values.get("block", (1, 2))) != 2:
        raise BadRequest(f"{path}: block = {list(values['block'])}: expected two increasing lengths")
    if kind.__name__ == "Phase" and values.get("repeats") and "block" not in values:
        raise BadRequest(f"{path}: repeats = {values['repeats']}, but no block; give block = [shortest, longest]")
    for entry in fields(kind):
        if entry.name in values and entry.type in (bool, int, float, str):
            values[entry.name] = _scalar(values[entry.name], entry.type, f"{path}: {entry.name}")
        allowed = get_args(entry.type) if get_origin(entry.type) is Literal else ()
        if allowed and entry.name in values and values[entry.name] not in allowed:
            shown = quote(values[entry.name], 40)
            raise BadRequest(f"{path}: {entry.name} = {shown}: expected one of {', '.join(allowed)}")
    try:
        return kind(**values)
    except TypeError as error:
        raise BadRequest(f"{path}: {kind.__name__.lower()}: {error}") from None


def _scalar(value: object, wanted: object, what: str) -> bool | int | float | str:
    """Return a text, true or false, or a number that is not negative; whole numbers serve as floats.

    Raises BadRequest.
    """
    if wanted is str and isinstance(value, str):
        return value
    if wanted is bool and isinstance(value, bool):
        return value
    if wanted is int and type(value) is int and value >= 0:
        return value
    if wanted is float and type(value) in (int, float) and isinstance(value, int | float) and value >= 0:
        return float(value)
    expected: dict[object, str] = {
        bool: "true or false",
        int: "a whole number, 0 or more",
        float: "a number, 0 or more",
    }
    raise BadRequest(f"{what} = {quote(value, 40)}: expected {expected.get(wanted, 'a text')}")


def _is_head(name: str, recipe: Recipe) -> bool:
    """Whether the model of a recipe has a head of that name."""
    try:
        head = parse_head(name)
    except NoSuchSite:
        return False
    return str(head) == name and head.layer < recipe.n_layers and head.index < recipe.n_heads


def _check(recipe: Recipe, path: Path) -> None:
    """Raise BadRequest where values contradict each other, before any text is read."""
    heads = [name for names in recipe.names.values() for name in names]
    waves = 2 * len(recipe.start.pos_frequencies)
    problems = {
        f"name {recipe.name!r}: expected a plain file name": re.fullmatch(r"[\w.-]*\w", recipe.name) is not None,
        f"seed {recipe.seed}: expected less than 2^63": recipe.seed < 1 << 63,
        "n_layers, n_heads, d_model, d_head, context and per_octave: expected 1 or more": min(
            recipe.n_layers, recipe.n_heads, recipe.d_model, recipe.d_head, recipe.context, recipe.per_octave
        )
        > 0,
        f"vocab {recipe.vocab}: expected 257 or more, a byte alphabet and BOS": recipe.vocab > 256,
        f"pos_frequencies: {waves} waves do not fit d_model {recipe.d_model}": waves <= recipe.d_model
        or recipe.positions not in ("learned", "shortformer"),
        f"names {sorted(recipe.names)}: expected roles of {ROLES}": set(recipe.names) <= set(ROLES),
        **{f"{name}: expected at most {most}": getattr(recipe, name) <= most for name, most in AT_MOST.items()},
        f"names: {heads} must be different heads of this model": len(set(heads)) == len(heads)
        and all(_is_head(name, recipe) for name in heads),
    }
    for phase in recipe.phases:
        problems |= _of_phase(recipe, phase)
    for problem, fine in problems.items():
        if not fine:
            raise BadRequest(f"{path}: {problem}")
    shape = recipe.architecture
    if shape.kv_heads < shape.n_heads and (recipe.names or any(phase.open_heads for phase in recipe.phases)):
        raise BadRequest(f"{path}: names and open_heads need heads with keys and values of their own (n_kv_heads = 0)")


def _of_phase(recipe: Recipe, phase: Phase) -> dict[str, bool]:
    """What must hold of a phase, by what is said where it does not."""
    at, opened = f"phase {phase.name}", phase.open_heads
    low, high = phase.block
    return {
        f"{at}: length {phase.length}: expected 2 to the context": 2 <= phase.length <= recipe.context,
        f"{at}: block {list(phase.block)}: expected two increasing lengths, 1 or more, below {phase.length}": (
            1 <= low <= high < phase.length
        ),
        f"{at}: repeats {phase.repeats}: expected a share from 0 to 1": phase.repeats <= 1,
        f"{at}: batch {phase.batch}: expected 1 or more": phase.batch >= 1,
        f"{at}: accumulate {phase.accumulate}: expected a divisor of batch {phase.batch}": phase.accumulate > 0
        and phase.batch % phase.accumulate == 0,
        f"{at}: open_heads {list(opened)}: expected one count per layer, at most {recipe.n_heads}": not opened
        or (len(opened) == recipe.n_layers and max(opened) <= recipe.n_heads),
    }
