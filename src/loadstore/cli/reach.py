"""``loadstore reach``: how many layers back readers load from."""

from typing import Annotated

import typer

from loadstore.cli.options import Begin, Corpus, Json, Model, Positions, Tokens, open_model, print_json


def reach(
    model: Model = "builtin",
    corpus: Corpus = "default",
    tokens: Tokens = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    effect: Annotated[
        int, typer.Option(help="Also cut this number of wires, equally many at each distance.", min=0)
    ] = 0,
    json: Json = False,
) -> None:
    """Show how far back readers reach: traffic by the writer's distance in layers, compared with equal reading of all.

    The number for a model is the mean distance divided by that of equal reading: 1 if near and far writers are read
    equally.

    Example: loadstore reach builtin --effect 200

    Example: loadstore reach smollm2 --tokens 600
    """
    from loadstore.cli.progress import counting
    from loadstore.memory.reach import reach as measure

    weights = open_model(model, positions, bos)
    with counting(f"{weights.name}: how far back its readers reach") as progress:
        distances = measure(weights, corpus, effect=effect, tokens=tokens, progress=progress)
    if json:
        print_json("reach", distances.to_dict())
    else:
        typer.echo(str(distances))
