"""The analyses of a sweep: each makes a table of a model, and the few numbers that compare models."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from loadstore.circuits.named import task as task_named
from loadstore.circuits.solved import solved
from loadstore.errors import BadRequest, Undefined
from loadstore.heads.roles import as_on, head_roles, named
from loadstore.model.weights import Weights
from loadstore.scores.options import as_norms
from loadstore.scores.scores import subspace_scores
from loadstore.scores.spectra import spectrum
from loadstore.sweep.of_wires import aligned, between_heads, heaviest, long_form
from loadstore.sweep.options import Value
from loadstore.sweep.result import Result
from loadstore.sweep.tiles import readers_of
from loadstore.wire_traffic.traffic import traffic

if TYPE_CHECKING:
    import xarray as xr

FACTS = ("definition", "bos", "norms", "null", "precision", "on", "sequences", "tokens", "corpus", "documents", "seed")


def analyse(
    weights: Weights, analysis: str, options: Mapping[str, Value], layers: tuple[int, int] | None = None
) -> Result:
    """Run an analysis of a model.

    Args:
        weights: The model.
        analysis: Its name in ``OPTIONS``.
        options: All of its options.
        layers: The first layer of a tile and the one after its last; None for all of the model.

    Returns:
        The result.

    Raises:
        LoadstoreError: The model does not define it.
    """
    if analysis == "scores":
        return _scores(weights, options, layers)
    table: dict[str, Callable[[Weights, Mapping[str, Value]], Result]] = {
        "heads": _heads,
        "spectrum": _spectrum,
        "traffic": _traffic,
        "tasks": _tasks,
    }
    return table[analysis](weights, options)


def _facts(table: "xr.Dataset") -> dict[str, str | int | float]:
    return {name: table.attrs[name] for name in FACTS if name in table.attrs}


def _scores(weights: Weights, options: Mapping[str, Value], layers: tuple[int, int] | None) -> Result:
    table = subspace_scores(weights, readers=readers_of(weights, layers), norms=as_norms(str(options["norms"])))
    # q and relative compare a wire with all others, so that a tile does not have them
    columns = long_form(table.drop_vars(["relative"] if layers is None else ["q", "relative"]))
    return Result(columns, aligned(columns), _facts(table))


def _heads(weights: Weights, options: Mapping[str, Value]) -> Result:
    table = head_roles(
        weights, as_on(str(options["on"])), sequences=_whole(options["sequences"]), seed=_whole(options["seed"])
    )
    columns = {"head": table["head"].values.astype(str)}
    columns |= {str(name): table[name].values.astype(float) for name in table.data_vars}
    return Result(columns, {f"{role} heads": float(len(of)) for role, of in named(table).items()}, _facts(table))


def _spectrum(weights: Weights, options: Mapping[str, Value]) -> Result:
    writers = options["writers"]
    tables = [spectrum(weights, writer) for writer in (writers if isinstance(writers, tuple) else ())]
    columns: dict[str, Any] = {
        "writer": np.concatenate([np.full(table.sizes["rank"], table.attrs["site"]) for table in tables]),
        "rank": np.concatenate([table["rank"].values.astype(np.int64) for table in tables]),
    }
    for name in ("eigenvalue", "cumulative", "structureless"):
        columns[name] = np.concatenate([table[name].values.astype(float) for table in tables])
    headline = {f"participation of {t.attrs['site']}": float(t.attrs["participation_ratio"]) for t in tables}
    return Result(columns, headline, _facts(tables[0]))


def _traffic(weights: Weights, options: Mapping[str, Value]) -> Result:
    table = traffic(weights, str(options["corpus"]), tokens=_whole(options["tokens"]) or None)
    columns = long_form(table)
    return Result(columns, heaviest(between_heads(columns)), _facts(table))


def _tasks(weights: Weights, options: Mapping[str, Value]) -> Result:
    names = options["tasks"]
    rows: list[tuple[str, int, float, float, float, str]] = []
    for name in names if isinstance(names, tuple) else ():
        try:
            task = task_named(weights, name, pairs=_whole(options["pairs"]), seed=_whole(options["seed"]))
            result = solved(task)
            rows.append((name, len(task.judge), result.clean, result.counterfactual, result.share, ""))
        except (BadRequest, Undefined) as reason:  # such as a vocabulary without the words of a task
            rows.append((name, 0, np.nan, np.nan, np.nan, str(reason)))
    kinds = {"task": str, "pairs": np.int64, "clean": float, "counterfactual": float, "share": float, "reason": str}
    columns = {name: np.array(of, dtype=kinds[name]) for name, of in zip(kinds, zip(*rows, strict=True), strict=True)}
    facts = {"definition": "share: pairs with m(clean) > 0 > m(counterfactual)", "bos": weights.begins}
    return Result(columns, {f"solves {row[0]}": row[4] for row in rows}, facts)


def _whole(value: Value) -> int:
    return value if isinstance(value, int) else 0
