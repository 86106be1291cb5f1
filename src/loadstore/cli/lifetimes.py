"""``loadstore lifetimes``: what becomes of every store over depth, and who erases or repeats it."""

from typing import Annotated

import typer

from loadstore.cli.options import Begin, Corpus, Json, Model, Positions, Tokens, open_model, print_json


def lifetimes(
    model: Model = "builtin",
    corpus: Corpus = "default",
    writer: Annotated[str, typer.Option(help="Writers, a glob such as 'L0.*'.")] = "*",
    tokens: Tokens = None,
    checks: Annotated[int, typer.Option(help="Pairs that are checked by a removal.", min=1)] = 200,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    whiten: Annotated[
        bool, typer.Option("--whiten", help="In coordinates in which the stream varies alike in all directions; slow.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what later writers do to what a writer stored: erase it, leave it, or repeat it.

    A clean-up or repeater pair is listed if its term is at least 5 %, beyond the null of shuffled tokens and that of
    turned stores, and if removing the writer takes the term away. Then: how much of what readers load from a region is
    fresh, and how much of an ablated store is put back, by writing and by the last norm's scale.

    Example: loadstore lifetimes builtin --writer 'L0.*'

    Example: loadstore lifetimes smollm2 --writer 'L0.*' --tokens 600 --checks 20
    """
    from loadstore.cli.progress import counting
    from loadstore.memory.lifetime import lifetimes as measure

    weights = open_model(model, positions, bos)
    with counting(f"{weights.name}: lifetimes of what is stored") as progress:
        lives = measure(
            weights,
            corpus,
            writers=None if writer == "*" else writer,
            whiten=whiten,
            checks=checks,
            tokens=tokens,
            progress=progress,
        )
    if json:
        print_json("lifetimes", lives.to_dict())
    else:
        typer.echo(str(lives))
