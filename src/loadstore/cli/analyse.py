"""``loadstore scores``, ``heads`` and ``spectrum``: results from the weights and a few random prompts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstore.cli.options import (
    Begin,
    Experts,
    Json,
    Model,
    Positions,
    Writer,
    open_model,
    p_text,
    print_json,
    print_table,
    subject,
)

if TYPE_CHECKING:
    import xarray as xr

CLEAR = 0.01  # q below which a wire is bold in a terminal
FEW = 64  # maximum heads of a model for which all are shown, not only those with a role
MOST = 12  # maximum names listed for one role


def scores(
    model: Model = "builtin",
    writer: Annotated[str, typer.Option(help="Writers to score, a glob such as 'L0.*'.")] = "*",
    reader: Annotated[str, typer.Option(help="Readers to score, a glob such as '*.K'.")] = "*",
    norms: Annotated[str, typer.Option(help="'fold' norms into the matrices, or 'ignore' them.")] = "fold",
    control: Annotated[str, typer.Option(help="'none', or transform writers' outputs: 'reversed' or 'haar'.")] = "none",
    seed: Annotated[int, typer.Option(help="Seed of the random rotation.", min=0, max=(1 << 63) - 1)] = 0,
    null: Annotated[
        str,
        typer.Option(help="'rotation', 'heads' (also rank among heads) or 'stream' (keep its covariance)."),
    ] = "rotation",
    corpus: Annotated[str, typer.Option(help="The corpus for --null stream: a file or a folder.")] = "default",
    frequencies: Annotated[
        str | None,
        typer.Option(help="Weight embed's rows by token frequency in 'default', a file or a folder; else equally."),
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option(help="Only these wires, such as 'L0.H* -> L1.*.K'; may be repeated.")
    ] = None,
    offset: Annotated[
        str | None, typer.Option(help="Query − key under rotary positions: 3, or 0-15 for a mean over them.")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Save partial scores in FILE; after an interruption, resume from it."),
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write all wires to FILE.csv or FILE.nc.")] = None,
    top: Annotated[int, typer.Option(help="The number of wires to print, best aligned first; 0 for all.", min=0)] = 20,
    experts: Experts = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Show subspace scores of wires, each with chance, z, p, q (p adjusted for all of them), ceiling and alignment.

    Example: loadstore scores builtin --reader 'L1.H4.*' --json

    Example: loadstore scores smollm2 --where 'L1?.H* -> L18.H6.K' -o wires.csv
    """
    from loadstore.cli.progress import counting
    from loadstore.cli.saving import check_name, saving, write_dataset
    from loadstore.corpora.corpus import counts
    from loadstore.model.where import asked_for
    from loadstore.model.wiring import wiring
    from loadstore.scores.options import as_control, as_norms, as_null, as_range, ask
    from loadstore.scores.scores import subspace_scores
    from loadstore.wire_traffic.stream import stream_moments

    weights, stream = open_model(model, positions, bos, experts=experts), None
    if out is not None:
        check_name(out)
    chosen, turned, kind = as_norms(norms), as_control(control), as_null(null)
    offsets = None if offset is None else as_range(offset)
    weighted = None if frequencies is None else counts(weights, frequencies)
    # An invalid request is refused before the corpus is measured.
    asked_for(wiring(weights), writer, reader, where)
    ask(weights, chosen, turned, seed, offsets, kind, {} if kind == "stream" else None, weighted)
    if kind == "stream":
        with counting(f"{weights.name}: how the stream varies") as progress:
            stream = stream_moments(weights, corpus, progress=progress)
    with counting(f"{weights.name}: wires") as progress:
        table = subspace_scores(
            weights,
            norms=chosen,
            writers=writer,
            readers=reader,
            control=turned,
            seed=seed,
            offset=offsets,
            null=kind,
            stream=stream,
            frequencies=weighted,
            where=where,
            resume=resume,
            progress=progress,
        )
    wires = _wires(table)
    with saving(out, lambda path: write_dataset(table, path)) as saved:
        if json:
            print_json("scores", {**table.attrs, "wires": wires})
        elif not wires:
            typer.echo(f"no writer that matches {writer!r} can reach a reader that matches {reader!r}")
        else:
            how = f"norms: {norms}, control: {control}, null: {null}"
            _print_wires(weights.name, wires, top if saved else 0, how)


def _print_wires(model: str, wires: list[dict[str, Any]], top: int, how: str) -> None:
    """Print a table of the best aligned wires, or of all wires for a top of 0."""
    from loadstore.scores.measures import DECIMALS

    ranked = sorted(wires, key=lambda wire: -wire["alignment"] if wire["alignment"] == wire["alignment"] else 9.0)
    shown = ranked if top == 0 else ranked[:top]
    print_table(
        f"{model}: {len(shown)} of {len(wires)} wires, best aligned first ({how})",
        tuple(shown[0]),
        [[p_text(value) if DECIMALS.get(name, 0) is None else value for name, value in wire.items()] for wire in shown],
        [row for row, wire in enumerate(shown) if wire.get("q", wire["p"]) < CLEAR],
    )


def _wires(table: "xr.Dataset") -> list[dict[str, Any]]:
    """One object per existing wire."""
    from loadstore.scores.measures import present

    objects: list[dict[str, Any]] = []
    measures = present([str(name) for name in table.data_vars])
    for i, source in enumerate(table["writer"].values):
        for j, target in enumerate(table["reader"].values):
            numbers = {name: float(table[name].values[i, j]) for name in measures}
            if numbers["chance"] == numbers["chance"] or numbers["score"] == numbers["score"]:
                objects.append({"writer": str(source), "reader": str(target), **numbers})
    return objects


def heads(
    model: Model = "builtin",
    on: Annotated[str, typer.Option(help="'repeats' (random, twice) or 'random' tokens.")] = "repeats",
    sequences: Annotated[int, typer.Option(help="The number of sequences.", min=1, max=10_000)] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the random tokens.", min=0, max=(1 << 63) - 1)] = 0,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    every: Annotated[bool, typer.Option("--all", help="Show every head of a large model.")] = False,
    json: Json = False,
) -> None:
    """Show the role scores of the heads, with standard errors over sequences, and list the heads with a role.

    Example: loadstore heads builtin --json

    Example: loadstore heads smollm2
    """
    from loadstore.cli.progress import waiting
    from loadstore.cost.table import REPEATS, expected
    from loadstore.heads.patterns import ROLES
    from loadstore.heads.roles import as_on, head_roles, named

    weights = open_model(model, positions, bos)
    with waiting("running random sequences", expected(weights, "heads") * sequences / REPEATS):
        table = head_roles(weights, as_on(on), sequences=sequences, seed=seed)
    names = [str(name) for name in table["head"].values]
    called = named(table)
    if json:
        rows = [
            {"head": name, **{str(v): float(table[v].values[i]) for v in table.data_vars}}
            for i, name in enumerate(names)
        ]
        print_json(
            "heads", {**table.attrs, "named": {r: [h for h, _ in of] for r, of in called.items()}, "heads": rows}
        )
        return
    telling = {head for role, of in called.items() if role != "first" for head, _ in of}
    shown = [i for i, name in enumerate(names) if every or len(names) <= FEW or name in telling]
    print_table(
        f"{weights.name}: share of attention on each role's keys, {table.attrs['sequences']} sequences ({on}); "
        f"BOS: {weights.begins}",
        ("head", *(column for role in ROLES for column in (role, "±"))),
        [[names[i], *(float(table[c].values[i]) for role in ROLES for c in (role, f"{role}_se"))] for i in shown],
        [row for row, i in enumerate(shown) if names[i] in telling],
    )
    if len(shown) < len(names):
        typer.echo(f"{len(names) - len(shown)} of {len(names)} heads are not shown; --all shows them")
    typer.echo("\nHeads with more than half of their attention on a role:")
    for role, of in called.items():
        best = ", ".join(f"{head} {score:.2f}" for head, score in of[:MOST])
        typer.echo(f"  {role}: {best or 'none'}{f' and {len(of) - MOST} more' if len(of) > MOST else ''}")


def spectrum(
    model: Model = "builtin",
    site: Annotated[
        str | None,
        typer.Argument(metavar="[WRITER]", help="embed, pos or a head such as L0.H7.", show_default="embed"),
    ] = None,
    writer: Writer = None,
    top: Annotated[int, typer.Option(help="The number of directions to print.", min=1)] = 20,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Show the eigenspectrum of a writer's output, compared with that of random rows.

    Example: loadstore spectrum builtin pos

    Example: loadstore spectrum smollm2 L18.H6
    """
    site = subject(site, writer, "--writer", "") if site or writer else "embed"
    from loadstore.scores.spectra import spectrum as eigenspectrum

    weights = open_model(model, positions, bos)
    table = eigenspectrum(weights, site)
    columns = ("eigenvalue", "cumulative", "structureless")
    if json:
        everything = {name: table[name].values.tolist() for name in (*columns, "fraction", "directions")}
        print_json("spectrum", {**table.attrs, **everything})
        return
    counts = dict(zip(table["fraction"].values.tolist(), table.directions.values.tolist(), strict=True))
    held = ", ".join(f"{share:.0%} in {count}" for share, count in counts.items())
    print_table(
        f"{weights.name} {site}: {held} directions; participation ratio {table.attrs['participation_ratio']:.1f}",
        ("direction", *columns),
        [
            [int(rank), *(float(table[name].values[i]) for name in columns)]
            for i, rank in enumerate(table["rank"].values[:top])
        ],
    )
