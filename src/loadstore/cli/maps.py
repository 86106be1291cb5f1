"""``loadstore maps``: where every writer stores, and which writers and readers use the same region."""

from typing import Annotated

import typer

from loadstore.cli.options import Begin, Corpus, Json, Model, Positions, Tokens, open_model, print_json


def maps(
    model: Model = "builtin",
    corpus: Corpus = "default",
    writer: Annotated[str, typer.Option(help="Writers, a glob such as 'L0.*'.")] = "*",
    tokens: Tokens = None,
    share: Annotated[float, typer.Option(help="The fraction of a writer's variance that its region holds.")] = 0.9,
    top: Annotated[int, typer.Option(help="The number of readers to list for each region.", min=1)] = 3,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Map the stream as memory: the region of every writer, its overwriters, and its main readers.

    One line per region, as in /proc/PID/maps. rank: directions that hold 90 % of the variance of the stores. power,
    share: relative to the variance of the last stream, by size and as a signed share. overwritten by: later writers
    whose region overlaps above chance. loaded by: the fraction of a reader's loads.

    Example: loadstore maps builtin --writer 'L0.*'

    Example: loadstore maps smollm2 --writer 'L1?.H*' --tokens 600
    """
    from loadstore.cli.progress import counting
    from loadstore.memory.memory_map import memory_map

    weights = open_model(model, positions, bos)
    with counting(f"{weights.name}: its memory map") as progress:
        regions = memory_map(weights, corpus, writers=writer, share=share, top=top, tokens=tokens, progress=progress)
    if json:
        print_json("maps", regions.to_dict())
    else:
        typer.echo(str(regions))
