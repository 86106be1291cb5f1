"""``loadstore lifetimes``: the changes of every store over depth, and the writers that erase or repeat it."""

from typing import Annotated

import typer

from loadstore.cli.options import Begin, Corpus, Json, Model, Positions, Tokens, open_model, print_json


def lifetimes(
    model: Model = "builtin",
    corpus: Corpus = "default",
    writer: Annotated[str, typer.Option(help="Writers, a glob such as 'L0.*'.")] = "*",
    tokens: Tokens = None,
    checks: Annotated[int, typer.Option(help="The number of pairs to check by removals.", min=1)] = 200,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    whiten: Annotated[
        bool,
        typer.Option("--whiten", help="Use coordinates with equal variance of the stream in all directions; slow."),
    ] = False,
    json: Json = False,
) -> None:
    """Show how later writers change a writer's stores: erase them, leave them, or repeat them.

    A clean-up or repeater pair is listed if its term is at least 5 %, exceeds both nulls (shuffled tokens, rotated
    stores), and disappears when the writer is removed. The output also has the fresh share of loads from a region. For
    ablated stores, it has the fractions restored by later writers and by the last norm's scale.

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
