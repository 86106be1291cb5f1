"""``loadstore train``."""

from pathlib import Path
from typing import Annotated

import typer

from loadstore.visible import line


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe in TOML, such as recipes/builtin.toml.")],
    text: Annotated[Path, typer.Argument(help="A folder of .txt files, one document each.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for state, metrics and model.")] = Path("run"),
    threads: Annotated[
        int, typer.Option(help="CPU threads of a new run; 0 leaves it to torch. A resumed run keeps its own.", min=0)
    ] = 0,
    *,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Use a folder with other files; replace those named as a run's are."),
    ] = False,
) -> None:
    """Train an attention-only model on a folder of text; run again to resume, bit for bit.

    Ctrl-C finishes the step and saves; a second one stops at once.

    Example: loadstore train recipes/builtin.toml corpus/ -o run/
    """
    from loadstore.cli.interrupt import stoppable, stopped
    from loadstore.cli.progress import training_bar
    from loadstore.training.export import export
    from loadstore.training.loop import train as run_training
    from loadstore.training.prepare import prepare
    from loadstore.training.recipe import read_recipe

    def tell(sentence: str) -> None:
        typer.echo(line(sentence), err=True)

    plan = read_recipe(recipe)
    tell(f"reading {text}")
    with stoppable(out) as stop:
        corpus = prepare(text, out, plan.vocab, overwrite=overwrite)
        tell(
            f"{corpus.documents} documents, {len(corpus.train):,} tokens to train on, {len(corpus.held_out):,} held out"
        )
        with training_bar(plan.steps) as report:
            run = run_training(plan, corpus, out, report, stop=stop, threads=threads, tell=tell)
        if not run.finished:
            raise stopped(out, run.step)
        target, moved = export(run, corpus, out)
    for new, old in moved.items():
        tell(f"{new} was trained as {old}")
    tell(f"saved {target} after {run.step} steps, {run.tokens:,} tokens")
