"""A training recipe: the machine's shape, how it starts, and the phases it goes through. Read from TOML."""

import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from loadstore.errors import BadRequest
from loadstore.heads.patterns import ROLES
from loadstore.quote import quote
from loadstore.reading import reads


@dataclass(frozen=True, slots=True)
class Start:
    """Initial scales.

    ``W_E`` has rows of standard deviation ``embed`` with a power-law spectrum λ_k ∝ k^−``embed_decay``;
    ``W_pos`` is one sine and one cosine per angular frequency (radians a token), of amplitude
    ``pos_amplitude``, in random orthogonal directions. W_Q, W_K, W_V ~ N(0, 1/d); W_O half of that.
    """

    embed: float = 0.3
    embed_decay: float = 0.0
    pos_frequencies: tuple[float, ...] = (2.4, 1.2, 0.5, 0.15, 0.04, 0.012)
    pos_amplitude: float = 4.0
    unembed: float = 0.02


@dataclass(frozen=True, slots=True)
class Phase:
    """One stretch of training.

    ``repeats`` is the share of sequences that are random blocks repeated (the rest is text), their loss
    weighted by ``repeat_weight``. ``until`` ends the phase early once the running second-copy loss (nats)
    is below it. ``open_heads`` limits how many heads of each layer learn (all by default). ``decay``
    shrinks W_E and W_pos by that much a step, ``head_decay`` W_V and W_O; both follow the schedule.
    """

    name: str
    steps: int
    batch: int
    length: int
    repeats: float
    block: tuple[int, int]
    lr: float = 3e-3
    muon_lr: float = 0.02
    warmup: int = 0
    end: float = 1.0
    repeat_weight: float = 1.0
    until: float = 0.0
    open_heads: tuple[int, ...] = ()
    decay: float = 0.0
    head_decay: float = 0.0
    qk_decay: float = 0.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a run, besides the text.

    ``names`` gives the strongest heads of a role the numbers they shall carry: an exact renumbering at the end.
    ``per_octave`` is how often a run is measured while its steps double.
    """

    name: str
    seed: int
    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    vocab: int
    context: int
    start: Start
    phases: tuple[Phase, ...]
    names: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    per_octave: int = 3

    @property
    def steps(self) -> int:
        """The most steps that all phases can take."""
        return sum(phase.steps for phase in self.phases)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe. Raises BadRequest naming the file and the wrong key."""
    reads(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        phases = tuple(_take(Phase, phase, path) for phase in data.pop("phase", []))
        start = _take(Start, data.pop("start", {}), path)
        names = {role: tuple(heads) for role, heads in data.pop("names", {}).items()}
        if not phases:
            raise BadRequest(f"{path} has no [[phase]]; a recipe needs at least one")
        recipe: Recipe = _take(Recipe, {**data, "start": start, "phases": phases, "names": names}, path)
        _check(recipe, path)
        return recipe
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, no TOML, a NUL in the name
        raise BadRequest(f"the recipe {path} cannot be read: {error}") from None
    except (TypeError, AttributeError, RecursionError) as error:
        raise BadRequest(
            f"{path} is not laid out as a recipe ({quote(error)}); compare it with recipes/builtin.toml"
        ) from None


def _take(kind: type, data: dict[str, Any], path: Path) -> Any:
    """Build one dataclass from a table; lists become tuples."""
    names = {field.name for field in fields(kind)}
    if unknown := set(data) - names:
        raise BadRequest(f"{path}: {kind.__name__.lower()} has no {sorted(unknown)}; it knows {sorted(names)}")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    if kind.__name__ == "Phase" and len(values.get("block", (1, 2))) != 2:
        raise BadRequest(f"{path}: block = {list(values['block'])}: expected two rising lengths")
    for entry in fields(kind):
        if entry.name in values and entry.type in (int, float, str):
            values[entry.name] = _scalar(values[entry.name], entry.type, f"{path}: {entry.name}")
    try:
        return kind(**values)
    except TypeError as error:
        raise BadRequest(f"{path}: {kind.__name__.lower()}: {error}") from None


def _scalar(value: object, wanted: object, what: str) -> int | float | str:
    """Return a text, or a number that is not negative; whole numbers serve as floats. Raises BadRequest."""
    if wanted is str and isinstance(value, str):
        return value
    if wanted is int and type(value) is int and value >= 0:
        return value
    if wanted is float and type(value) in (int, float) and isinstance(value, int | float) and value >= 0:
        return float(value)
    expected = {str: "a text", int: "a whole number, 0 or more", float: "a number, 0 or more"}
    raise BadRequest(f"{what} = {quote(value, 40)}: expected {expected[wanted if isinstance(wanted, type) else str]}")


def _check(recipe: Recipe, path: Path) -> None:
    """Raise BadRequest where values contradict each other, before any text is read."""
    heads = [name for names in recipe.names.values() for name in names]
    heads_of_model = [f"L{layer}.H{i}" for layer in range(recipe.n_layers) for i in range(recipe.n_heads)]
    waves = 2 * len(recipe.start.pos_frequencies)
    problems = {
        f"name {recipe.name!r}: expected a plain file name": re.fullmatch(r"[\w.-]*\w", recipe.name) is not None,
        f"seed {recipe.seed}: expected less than 2^63": recipe.seed < 1 << 63,
        "n_layers, n_heads, d_model, d_head, context and per_octave: expected 1 or more": min(
            recipe.n_layers, recipe.n_heads, recipe.d_model, recipe.d_head, recipe.context, recipe.per_octave
        )
        > 0,
        f"vocab {recipe.vocab}: expected 257 or more, a byte alphabet and BOS": recipe.vocab > 256,
        f"pos_frequencies: {waves} waves do not fit d_model {recipe.d_model}": waves <= recipe.d_model,
        f"names {sorted(recipe.names)}: expected roles of {ROLES}": set(recipe.names) <= set(ROLES),
        f"names: {heads} must be different heads of this model": len(set(heads)) == len(heads) <= len(heads_of_model)
        and set(heads) <= set(heads_of_model),
    }
    for phase in recipe.phases:
        at, opened = f"phase {phase.name}", phase.open_heads
        low, high = phase.block
        problems |= {
            f"{at}: length {phase.length}: expected 2 to the context": 2 <= phase.length <= recipe.context,
            f"{at}: block {list(phase.block)}: expected two rising lengths, 1 or more, below {phase.length}": (
                1 <= low <= high < phase.length
            ),
            f"{at}: repeats {phase.repeats}: expected a share from 0 to 1": phase.repeats <= 1,
            f"{at}: batch {phase.batch}: expected 1 or more": phase.batch >= 1,
            f"{at}: open_heads {list(opened)}: expected one count a layer, at most {recipe.n_heads}": not opened
            or (len(opened) == recipe.n_layers and max(opened) <= recipe.n_heads),
        }
    for problem, fine in problems.items():
        if not fine:
            raise BadRequest(f"{path}: {problem}")
