"""``loadstore models``."""

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

    Example: loadstore models builtin
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
    if json:
        print_json("model", dict(rows))
    else:
        print_table(weights.name, ("fact", "value"), rows)


def _list(*, json: bool) -> None:
    from loadstore.models.names import PUBLISHED

    ways = [
        ["builtin", "the model that comes with loadstore"],
        ["FOLDER", "a folder with one model file, its config.json and tokenizer.json"],
        ["FILE.safetensors", "loadstore's own layout, or HookedTransformer naming"],
        ["FILE.pth, .pt, .bin", "a state dict in HookedTransformer naming; nothing in it is executed"],
        *([known.name, f"published file name: {known.positions} positions are known"] for known in PUBLISHED),
    ]
    if json:
        print_json("models", {"models": [{"name": name, "what": what} for name, what in ways]})
    else:
        print_table("What loadstore can load", ("MODEL", "what it is"), ways)
        typer.echo("\nAttention-only transformers; positions learned or shortformer; no norm or LayerNorm.")
