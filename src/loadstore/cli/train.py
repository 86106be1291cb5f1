"""``loadstore train``."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe in TOML, such as recipes/builtin.toml.")],
    text: Annotated[Path, typer.Argument(help="A folder of .txt files, one document each.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for state, metrics and model.")] = Path("run"),
    threads: Annotated[int, typer.Option(help="CPU threads; 0 leaves it to torch.", min=0)] = 0,
) -> None:
    """Train an attention-only model on a folder of text; run again to resume.

    Example: loadstore train recipes/builtin.toml corpus/ -o run/
    """
    import json

    import torch

    from loadstore.cli.progress import training_bar
    from loadstore.models.families.own import save_weights
    from loadstore.training.loop import train as run_training
    from loadstore.training.numbering import numbered
    from loadstore.training.parameters import as_weights
    from loadstore.training.prepare import prepare
    from loadstore.training.recipe import read_recipe

    if threads:
        torch.set_num_threads(threads)
    plan = read_recipe(recipe)
    typer.echo(f"reading {text}", err=True)
    corpus = prepare(text, out, plan.vocab)
    typer.echo(
        f"{corpus.documents} documents, {len(corpus.train):,} tokens to train on, {len(corpus.held_out):,} held out",
        err=True,
    )
    with training_bar(plan.steps) as report:
        run = run_training(plan, corpus, out, report)
    trained = as_weights(plan, run.parameters, corpus.tokens).map(lambda tensor: tensor.detach())
    model, moved = numbered(plan, trained)
    target = out / f"{plan.name}.safetensors"
    save_weights(model, target, half=True)
    (out / "numbering.json").write_text(json.dumps(moved), encoding="utf-8")
    for new, old in moved.items():
        typer.echo(f"{new} was trained as {old}", err=True)
    typer.echo(f"saved {target} after {run.step} steps, {run.tokens:,} tokens", err=True)
