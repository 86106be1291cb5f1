"""``loadstore channels``: the directions of a writer's stores, and the readers of each."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstore.cli.options import (
    Begin,
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

    from loadstore.scores.decoding import ChannelTokens

OF_CHANNEL = ("strength", "share", "dimension")
BEST = 3  # readers shown for one channel


def channels(
    model: Model = "builtin",
    site: Annotated[
        str | None,
        typer.Argument(metavar="WRITER", help="A head such as L0.H7, embed, pos or L0.mlp.", show_default=False),
    ] = None,
    writer: Writer = None,
    reader: Annotated[
        str, typer.Option(help="Readers, a glob such as 'L1.*.K'; a single one also shows tokens.")
    ] = "*",
    norms: Annotated[str, typer.Option(help="'fold' norms into the matrices, or 'ignore' them.")] = "fold",
    offset: Annotated[
        str | None, typer.Option(help="Query − key under rotary positions: 3, or 0-15 for a mean over them.")
    ] = None,
    top: Annotated[
        int, typer.Option(help="The number of channels to print, strongest (or most carried) first.", min=1)
    ] = 5,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write all channels to FILE.csv or FILE.nc.")] = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Show the channels of a writer, its singular directions, each scored alone against readers.

    With several readers: the strongest channels and the best aligned readers of each. With one reader: the channels
    with the largest parts of the wire, and the tokens at both ends.

    Example: loadstore channels builtin L0.H7 --reader L1.H4.K

    Example: loadstore channels smollm2 L16.H0 --reader L18.H6.K
    """
    from loadstore.cli.saving import check_name, saving, write_dataset

    source = subject(site, writer, "--writer", "which writer? name one, such as loadstore channels builtin L0.H7")
    weights = open_model(model, positions, bos)
    if out is not None:
        check_name(out)
    from loadstore.scores.channels import channels as find
    from loadstore.scores.options import as_norms, as_range

    folded, offsets = as_norms(norms), None if offset is None else as_range(offset)
    table = find(weights, source, reader, norms=folded, offset=offsets)
    alone = str(table["reader"].values[0]) if table.sizes["reader"] == 1 else None
    chosen = table if alone is None else table.sortby(-table.carried.isel(reader=0))
    chosen = chosen.isel(channel=slice(top))
    decoded: list[ChannelTokens] | str = []
    if alone is not None:
        from loadstore.errors import Undefined
        from loadstore.scores.decoding import channel_tokens

        few = min(5, weights.architecture.vocab)
        try:
            numbers = [int(number) for number in chosen["channel"].values]
            single = offsets.start if offsets is not None and len(offsets) == 1 else None  # one offset only
            decoded = [
                channel_tokens(weights, source, alone, number, top=few, norms=folded, offset=single)
                for number in numbers
            ]
        except Undefined as reason:
            decoded = str(reason)
    reached = table.dropna("reader", how="all", subset=["score"])
    with saving(out, lambda path: write_dataset(reached, path)):
        if json:
            print_json("channels", {**table.attrs, **_document(chosen, decoded)})
            return
        typer.echo(f"{weights.name}: {chosen.sizes['channel']} of {table.attrs['total']} channels of {source}")
        typer.echo(f"{table.attrs['definition']}\n")
        if alone is None:
            _print_readers(chosen)
        else:
            _print_wire(chosen, f"{source} → {alone}, most carried first", decoded)


def _document(table: "xr.Dataset", decoded: "list[ChannelTokens] | str") -> dict[str, Any]:
    """Channels as objects, with every connected reader, and tokens or the reason for their absence."""
    from dataclasses import asdict

    from loadstore.scores.channels import MEASURES

    objects: list[dict[str, Any]] = []
    for i, number in enumerate(table["channel"].values):
        readers = [
            {"reader": str(name), **{measure: float(table[measure].values[i, j]) for measure in MEASURES}}
            for j, name in enumerate(table["reader"].values)
            if float(table.chance.values[i, j]) > 0
        ]
        own = {name: table[name].values[i] for name in OF_CHANNEL}
        tokens = asdict(decoded[i]) if decoded and not isinstance(decoded, str) else None
        objects.append({"channel": int(number), **own, "readers": readers, "tokens": tokens})
    return {"channels": objects, "undecoded": decoded if isinstance(decoded, str) else None}


def _print_readers(table: "xr.Dataset") -> None:
    """Print each channel with its best aligned readers."""
    names = [str(name) for name in table["reader"].values]
    rows: list[list[object]] = []
    for i, number in enumerate(table["channel"].values):
        alignment, p = table.alignment.values[i], table.p.values[i]
        reached = [j for j in range(len(names)) if alignment[j] == alignment[j]]
        best = sorted(reached, key=lambda j, by=alignment: -float(by[j]))[:BEST]
        named = [f"{names[j]} {alignment[j]:.2f} (p {p_text(float(p[j]))})" for j in best]
        rows.append([int(number), *_own(table, i), *named, *[""] * (BEST - len(named))])
    heads = ("channel", *OF_CHANNEL, "best aligned", *[""] * (BEST - 1))
    print_table("strongest first", heads, rows)


def _print_wire(table: "xr.Dataset", title: str, decoded: "list[ChannelTokens] | str") -> None:
    """Print each channel of one wire with its measures, then the tokens at both ends."""
    from loadstore.scores.channels import MEASURES
    from loadstore.scores.measures import DECIMALS

    shown = [name for name in MEASURES if name != "chance"]  # chance is the same for all channels of a wire
    rows: list[list[object]] = []
    for i, number in enumerate(table["channel"].values):
        values = {name: float(table[name].values[i, 0]) for name in shown}
        measures = [p_text(value) if DECIMALS.get(name, 0) is None else value for name, value in values.items()]
        rows.append([int(number), *_own(table, i), *measures])
    print_table(title, ("channel", *OF_CHANNEL, *shown), rows)
    if isinstance(decoded, str):
        typer.echo(f"\nno tokens: {decoded}")
        return
    typer.echo("\nwhat is stored → what is loaded with it (signs match across the arrow; alone they have no meaning)")
    for ends in decoded:
        agree = "" if ends.agreement != ends.agreement else f", agreement {ends.agreement:.2f}"
        typer.echo(f"channel {ends.channel}: {ends.stored_as or 'a constant'} → {ends.loaded_as}{agree}\n{ends.text}")


def _own(table: "xr.Dataset", i: int) -> list[float | int]:
    return [float(table.strength.values[i]), float(table.share.values[i]), int(table.dimension.values[i])]
