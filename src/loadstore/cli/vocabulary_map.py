"""``loadstore vocabulary-map``: a head's map between tokens or between positions, from the weights alone."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstore.cli.options import Begin, Json, Model, Positions, open_model, print_json, print_table

if TYPE_CHECKING:
    import xarray as xr

    from loadstore.model.weights import Weights

KINDS = ("sum", "path", "match", "key", "position")
SHOWN = 12  # maximum offsets shown


def vocabulary_map(
    model: Model = "builtin",
    heads: Annotated[list[str] | None, typer.Argument(help="Heads such as L0.H7 L1.H4, in order.")] = None,
    named: Annotated[
        list[str] | None,
        typer.Option("--head", help="The same as HEADS; may be repeated.", show_default=False),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="'sum': OV of the heads together; 'path': OV of one after another; 'match': QK of one head; 'key': QK "
            "of the second head with what the first moved into its key; 'position': QK of positions."
        ),
    ] = "sum",
    offset: Annotated[int | None, typer.Option(help="Query − key, under rotary positions.", min=0)] = None,
    top: Annotated[int, typer.Option(help="The number of strongest pairs of tokens to print.", min=1)] = 10,
    norms: Annotated[str, typer.Option(help="'fold' norms into the matrices, or 'ignore' them.")] = "fold",
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Show a head's map from every token to every token: how well it copies or matches, and its strongest pairs.

    Example: loadstore vocabulary-map builtin L0.H7 L1.H4 --kind key

    Example: loadstore vocabulary-map smollm2 L18.H6
    """
    from loadstore.cli.progress import waiting
    from loadstore.cost.table import expected
    from loadstore.errors import BadRequest
    from loadstore.quote import one_of
    from loadstore.scores.options import as_norms

    if kind not in KINDS:
        raise BadRequest(f"--kind {kind!r}: expected {one_of(KINDS)}")
    norm_mode, chosen = as_norms(norms), [*(heads or []), *(named or [])]
    wanted = {"match": 1, "position": 1, "key": 2}.get(kind)
    if not chosen or (wanted is not None and len(chosen) != wanted):
        count = "one head or more" if wanted is None else "one head" if wanted == 1 else "two heads"
        raise BadRequest(f"--kind {kind} takes {count}, such as L0.H7; got {' '.join(chosen) or 'none'}")
    weights = open_model(model, positions, bos)
    with waiting("from every token to every token", expected(weights, "vocabulary-map")):
        scores = _position(weights, chosen[0], norm_mode) if kind == "position" else None
        measured, pairs = (None, None) if scores is not None else _tokens(weights, kind, chosen, norm_mode, offset, top)
    about: dict[str, Any] = {"model": weights.name, "kind": kind, "heads": chosen, "norms": norms, "offset": offset}
    if scores is not None:
        _tell_positions(about, scores, json=json)
    else:
        assert measured is not None
        assert pairs is not None
        _tell_tokens(about, measured, pairs, json=json)


def _tokens(
    weights: "Weights", kind: str, heads: list[str], norms: Any, offset: int | None, top: int
) -> "tuple[xr.Dataset, xr.Dataset]":
    """How well the map copies, and its strongest entries."""
    from loadstore.scores import paths, vocabulary

    if kind == "path":
        return paths.path(weights, heads, norms=norms), paths.entries(
            weights, paths.full_path(weights, heads, norms), top
        )
    if kind == "match":
        made = vocabulary.full_qk(weights, heads[0], norms, offset=offset)
        both = {"key of query": made, "query of key": made.T}
        definition = "share of tokens whose own score is among the k largest of its row (key of query) or column"
        return vocabulary.accuracy(weights, both, (1, 5), made, definition), paths.entries(weights, made, top)
    if kind == "key":
        made = vocabulary.k_composition(weights, heads[1], heads[0], norms, offset=offset)
        accuracy = vocabulary.key_composition(weights, heads[1], heads[0], k=(1, 5), norms=norms, offset=offset)
        return accuracy, paths.entries(weights, made, top)
    made = vocabulary.full_ov(weights, heads, norms)
    return vocabulary.copying(weights, heads, norms=norms), paths.entries(weights, made, top)


def _tell_tokens(about: dict[str, Any], measured: "xr.Dataset", pairs: "xr.Dataset", *, json: bool) -> None:
    from itertools import product

    ways = [str(way) for way in measured["direction"].values] if "direction" in measured.dims else [""]
    values = measured.accuracy.values.reshape(len(ways), -1)
    counts, chance = measured["k"].values.tolist(), measured.chance.values.tolist()
    rows = [
        {"direction": way or None, "k": int(k), "accuracy": float(values[i, j]), "chance": float(chance[j])}
        for (i, way), (j, k) in product(enumerate(ways), enumerate(counts))
    ]
    scalars = {str(name): float(value) for name, value in measured.data_vars.items() if not value.dims}
    strongest = [
        {name: pairs[name].values[i].item() for name in ("row", "column", "row_text", "column_text", "value")}
        for i in range(pairs.sizes["place"])
    ]
    if json:
        more = {"definition": measured.attrs["definition"], "precision": measured.attrs["precision"]}
        print_json("vocabulary-map", {**about, **more, "accuracy": rows, **scalars, "entries": strongest})
        return
    typer.echo(f"{about['model']}, {about['kind']} of {' '.join(about['heads'])} ({measured.attrs['precision']})")
    for row in rows:
        way = f", {row['direction']}" if row["direction"] else ""
        typer.echo(f"  itself among the {row['k']} strongest{way}: {row['accuracy']:.1%} (chance {row['chance']:.2%})")
    for name, value in scalars.items():
        typer.echo(f"  {name.replace('_', ' ')}: {value:.3f}")
    print_table(
        "\nstrongest pairs",
        ("from", "to", "value"),
        [[pair["row_text"], pair["column_text"], float(pair["value"])] for pair in strongest],
    )


def _position(weights: "Weights", head: str, norms: Any) -> "xr.DataArray":
    from loadstore.scores.paths import positional_qk

    return positional_qk(weights, head, norms=norms)


def _tell_positions(about: dict[str, Any], table: "xr.DataArray", *, json: bool) -> None:
    """Print the offset of each query's best key, independent of content."""
    import numpy as np

    values = table.values
    best = np.arange(len(values)) - np.nanargmax(values, 1)
    offsets, counts = np.unique(best[1:], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rows = [
        {
            "offset": int(offsets[i]),
            "share": float(counts[i] / counts.sum()),
            "mean_score": float(np.nanmean(np.diagonal(values, -int(offsets[i])))),
        }
        for i in order
    ]
    if json:
        print_json("vocabulary-map", {**about, "offsets": rows})
        return
    print_table(
        f"{about['model']}, {about['heads'][0]}: the best key of a query by positions alone, from the second on",
        ("query minus key", "share of queries", "mean score, nats"),
        [[row["offset"], row["share"], row["mean_score"]] for row in rows[:SHOWN]],
    )
