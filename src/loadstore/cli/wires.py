"""``loadstore wires``: alignment, traffic and effect of wires side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstore.cli.options import (
    Begin,
    Corpus,
    Experts,
    Json,
    Model,
    Positions,
    Tokens,
    open_model,
    p_text,
    print_json,
    print_table,
)
from loadstore.cli.say import tell

if TYPE_CHECKING:
    import xarray as xr


def wires(
    model: Model = "builtin",
    corpus: Corpus = "default",
    writer: Annotated[str, typer.Option(help="Writers, a glob such as 'L0.*'.")] = "*",
    reader: Annotated[str, typer.Option(help="Readers, a glob such as 'L1.H4.*' or '*.K'.")] = "*",
    where: Annotated[
        list[str] | None, typer.Option(help="Only these wires, such as 'L0.H* -> L1.*.K'; may be repeated.")
    ] = None,
    tokens: Tokens = None,
    top: Annotated[
        int, typer.Option(help="The number for each kind of reader, most traffic first; 0: all.", min=0)
    ] = 10,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write these wires to FILE.csv or FILE.nc.")] = None,
    experts: Experts = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    exact: Annotated[bool, typer.Option("--exact", help="Compute traffic on Q and K token by token; slower.")] = False,
    effect: Annotated[bool, typer.Option("--effect", help="Cut every listed wire and measure the change.")] = False,
    json: Json = False,
) -> None:
    """Show the alignment of every wire (from the weights), its traffic (on text), and its effect when it is cut.

    Wires are sorted by traffic within each kind of reader, since units differ. --effect cuts each listed wire: it shows
    the change of the reader's pattern, output or prediction, and of the log-probability of the next token.

    Example: loadstore wires builtin --reader 'L1.H4.*' --effect

    Example: loadstore wires builtin --where 'L0.H* -> L1.H4.K' --where 'pos -> L0.H7.*'

    Example: loadstore wires smollm2 --reader L18.H6.K --tokens 600
    """
    from loadstore.cli.progress import counting
    from loadstore.cli.saving import check_name, saving, write_dataset
    from loadstore.evidence.wires import wires as measure

    weights = open_model(model, positions, bos, experts=experts)
    if out is not None:
        check_name(out)
    most = top or None
    with counting(f"{weights.name}: what wires carry") as progress:
        table = measure(
            weights,
            corpus,
            writers=writer,
            readers=reader,
            where=where,
            exact=exact,
            top=most,
            effect=(top or 10**9) if effect else 0,
            tokens=tokens,
            progress=progress,
        )
    with saving(out, lambda path: write_dataset(table, path)):
        if json:
            print_json("wires", {**table.attrs, "wires": _objects(table)})
        elif not table.sizes["wire"]:
            nowhere = "no wire of --where exists: its writers store after its readers have loaded"
            reach = f"no writer that matches {writer!r} can reach a reader that matches {reader!r}"
            typer.echo(nowhere if where else reach)
        else:
            _print(table, effect=effect)


def _objects(table: "xr.Dataset") -> list[dict[str, Any]]:
    names = ("writer", "reader", "kind", *(str(name) for name in table.data_vars))
    columns = {name: table[name].values.tolist() for name in names}
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _print(table: "xr.Dataset", *, effect: bool) -> None:
    attrs = table.attrs
    tell(
        f"{attrs['model']}: {table.sizes['wire']:,} of {attrs['wires']:,} wires, on {attrs['documents']} documents "
        f"({attrs['tokens']:,} tokens) of {attrs['corpus']}; BOS: {attrs['bos']}\n{attrs['definition']}\n"
    )
    from loadstore.scores.measures import PRINTED, UNITS

    shown = [measure for measure in PRINTED if effect or measure.analysis != "effect"]
    objects = _objects(table)
    for kind, unit in UNITS.items():
        chosen = [wire for wire in objects if wire["kind"] == kind]
        if chosen:
            rows = [[w["writer"], w["reader"], *(_text(m.name, w[m.name]) for m in shown)] for w in chosen]
            heads = [measure.heading or measure.name for measure in shown]
            print_table(f"into {kind} (traffic in {unit})", ("writer", "reader", *heads), rows)
            typer.echo("")
    if effect:
        for measure in (measure for measure in shown if measure.analysis == "effect"):
            unit = f", {measure.unit}" if measure.unit else ""
            typer.echo(f"{measure.heading or measure.name}: {measure.meaning}{unit}")


def _text(name: str, value: float) -> float | str:
    """Format a measure; small changes keep their digits."""
    from loadstore.scores.measures import DECIMALS

    if DECIMALS[name] is None:
        return p_text(value)
    return f"{value:+.4f}" if name == "target" and value == value else value
