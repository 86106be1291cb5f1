"""``loadstore demo-induction``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loadstore.visible import line

if TYPE_CHECKING:
    from loadstore.training.formation import Formation

NOT_FORMED = 1


def demo_induction(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for state, metrics, model and page.")] = Path(
        "demo-induction"
    ),
    recipe: Annotated[
        Path | None, typer.Option(help="A recipe in TOML instead of the shipped one.", show_default=False)
    ] = None,
    threads: Annotated[int, typer.Option(help="CPU threads; more than one gains little here.", min=1)] = 1,
    *,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Use a folder with other files; those named like a run's are replaced."),
    ] = False,
) -> None:
    """Train a small model on repeats of made-up words and show an induction head form; exits 1 if none does.

    Ctrl-C finishes the step and saves; run again to resume. After a finished run, the command starts a new one.

    Example: loadstore demo-induction -o demo-induction/
    """
    import math

    from loadstore.checkpoints.library import load
    from loadstore.cli.interrupt import stoppable, stopped
    from loadstore.cli.live import watching
    from loadstore.report.formation import write_formation
    from loadstore.training.export import export
    from loadstore.training.folder import claimed, own
    from loadstore.training.formation import chance, formation, verdict
    from loadstore.training.history import METRICS, read_lines
    from loadstore.training.loop import train
    from loadstore.training.recipe_file import preset, read_recipe
    from loadstore.training.run import forget_finished
    from loadstore.training.synthetic import made_up_words

    plan = read_recipe(recipe or preset("induction-demo"))
    corpus = made_up_words(plan.vocab)
    guessing = math.log(plan.vocab)
    with stoppable(out) as stop:
        with claimed(out, overwrite=overwrite):
            forget_finished(plan, out)
        typer.echo(
            f"{plan.n_layers} layers of {plan.n_heads} heads, no MLP, on random sequences of {plan.vocab - 1} made-up "
            f"words, repeated: guessing costs {guessing:.2f} nats per word"
        )
        with watching(plan.steps, guessing) as report:
            run = train(plan, corpus, out, report, stop=stop, threads=threads, tell=_tell)
        if not run.finished:
            raise stopped(out, run.step)
        model, _ = export(run, corpus, out, half=False)
        formed = formation(read_lines(out / METRICS))
        page = out / "formation.html"
        with claimed(out):
            own(out, page.name)
            write_formation(load(model), formed, page)
    typer.echo("\n".join(["", *plots(formed), ""]))
    typer.echo(verdict(formed))
    typer.echo(chance(formed, plan.vocab))
    typer.echo(f"the same as a page: {page}")
    words = corpus.tokenizer.decode(corpus.held_out[:6].tolist())
    typer.echo(f'more about this model: loadstore report {model} --prompt "{words} {words}" -o report.html')
    raise typer.Exit(0 if formed.formed else NOT_FORMED)


def _tell(sentence: str) -> None:
    typer.echo(line(sentence))


def plots(formation: "Formation") -> list[str]:
    """The formation as text: three curves over log tokens, each with the window of the rise marked."""
    from loadstore.cli.plot import log_plot

    rules = [moment.tokens for moment in (formation.began, formation.ended) if moment is not None]
    curves = [
        (f"induction score of {formation.head}", formation.score),
        (f"previous-token score of {formation.previous_head}", formation.previous),
        ("loss of second copies, nats", formation.second_copy),
    ]
    return [line for title, values in curves for line in [*log_plot(title, formation.tokens, values, rules), ""]]
