"""``loadstore train``."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from loadstore.visible import line


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe in TOML, or one that ships: induction-demo, attention-only, small-gpt or small-llama."
        ),
    ],
    text: Annotated[
        Path | None,
        typer.Argument(
            help="A folder of .txt files, one document each, or of .jsonl or .parquet files, or one of those files. "
            "A recipe of repeats alone does not need it.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for state, metrics and model.")] = Path("run"),
    threads: Annotated[
        int, typer.Option(help="CPU threads of a new run; 0 uses torch's default. A resumed run keeps its own.", min=0)
    ] = 0,
    *,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Use a folder with other files; those named like a run's are replaced."),
    ] = False,
) -> None:
    """Train a small transformer on text; run again to resume, bit for bit.

    Ctrl-C finishes the step and saves; a second one stops at once. Several processes train together under torchrun.

    Example: loadstore train small-gpt corpus/ -o run/
    """
    from loadstore.cli.interrupt import INTERRUPTED, stoppable, stopped
    from loadstore.cli.progress import training_bar
    from loadstore.training.export import export
    from loadstore.training.group import joined
    from loadstore.training.loop import train as run_training
    from loadstore.training.prepare import prepare_for
    from loadstore.training.recipe_file import named_recipe

    plan = named_recipe(recipe)
    with joined() as group, stoppable(out) as stop:

        def tell(sentence: str) -> None:
            if group.first:
                typer.echo(line(sentence), err=True)

        tell("making up words" if text is None else f"reading {text}")
        corpus = prepare_for(plan, text, out, group, overwrite=overwrite)
        documents = f"{corpus.documents} documents, " if corpus.documents else ""
        tell(f"{documents}{len(corpus.train):,} tokens to train on, {len(corpus.held_out):,} held out")
        with training_bar(plan.steps) if group.first else nullcontext(lambda _: None) as report:
            run = run_training(plan, corpus, out, report, stop=stop, threads=threads, tell=tell, group=group)
        if not run.finished:
            raise stopped(out, run.step) if group.first else typer.Exit(INTERRUPTED)
        if group.first:
            target, moved = export(run, corpus, out)
            for new, old in moved.items():
                tell(f"{new} was trained as {old}")
            tell(f"saved {target} after {run.step} steps, {run.tokens:,} tokens")
