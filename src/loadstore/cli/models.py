"""``loadstore models``."""

from dataclasses import asdict
from typing import Annotated

import typer

from loadstore.cli.options import Json, Positions, open_model, print_json, print_table


def models(
    model: Annotated[str | None, typer.Argument(help="Describe this model.", show_default=False)] = None,
    positions: Positions = None,
    *,
    card: Annotated[bool, typer.Option("--card", help="Print the model card of the built-in model.")] = False,
    json: Json = False,
) -> None:
    """Say what can be loaded, or describe one model.

    Example: loadstore models NeelNanda/Attn_Only_2L512W_C4_Code
    """
    from loadstore.errors import BadRequest
    from loadstore.models.library import builtin_path

    if card:
        text = builtin_path().with_name("builtin.md")
        if not text.exists():
            raise BadRequest(f"{text} is missing from this installation; install loadstore again")
        typer.echo(text.read_text(encoding="utf-8"))
    elif model is not None:
        _describe(model, positions, json=json)
    else:
        _list(json=json)


def _describe(model: str, positions: str | None, *, json: bool) -> None:
    weights = open_model(model, positions)
    from loadstore.report.page import facts

    rows = facts(weights)
    shape = weights.architecture
    if shape.rotary is not None:
        turned = f"{shape.rotary.dimensions} of {shape.d_head} dimensions, {shape.rotary.pairs} paired"
        rows.append(["rotary", f"{turned}, {min(shape.rotary.frequencies):.2g} to {max(shape.rotary.frequencies):.2g}"])
    if shape.last_norm != shape.norm:
        rows.append(["last norm", {"none": "none", "layer": "LayerNorm", "rms": "RMSNorm"}[shape.last_norm]])
    if json:
        print_json("model", dict(rows))
    else:
        print_table(weights.name, ("fact", "value"), rows)


WAYS = (
    ("builtin", "the model that comes with loadstore"),
    ("FOLDER", "a folder with one model file, its config.json and tokenizer.json"),
    ("FILE.safetensors", "loadstore's own layout, or HookedTransformer naming"),
    ("FILE.pth, .pt, .bin", "a state dict in HookedTransformer naming; nothing in it is executed"),
    ("OWNER/NAME", "a model on the hub; OWNER/NAME@REVISION, and OWNER/NAME:FILE where it has several"),
)
COLUMNS = ("NAME", "layers", "heads", "d_model", "vocabulary", "context", "positions", "norm", "text", "in the cache")


def _list(*, json: bool) -> None:
    from loadstore.models.hub import cached
    from loadstore.models.names import PUBLISHED
    from loadstore.models.repository import Address

    here = [cached(Address(known.repository)) is not None for known in PUBLISHED]
    if json:
        ways = [{"name": name, "what": what} for name, what in WAYS]
        names = [
            {"name": known.name, "what": f"published as {known.repository}", "cached": found, **asdict(known)}
            for known, found in zip(PUBLISHED, here, strict=True)
        ]
        print_json("models", {"models": [*ways, *names]})
        return
    print_table("What loadstore can load", ("MODEL", "what it is"), WAYS)
    rows = [
        [
            *(known.name, known.n_layers, known.n_heads, known.d_model, known.vocab, known.context, known.positions),
            *(known.norm, "ids only" if known.tokenizer is None else "yes", "yes" if found else "no"),
        ]
        for known, found in zip(PUBLISHED, here, strict=True)
    ]
    print_table("\nPublished, by name", COLUMNS, rows)
    typer.echo(
        "\nAttention-only transformers; positions learned, shortformer, rotary or none; no norm, LayerNorm or RMSNorm."
    )
