"""``loadstore report``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loadstore.cli.options import Begin, Json, Model, Positions, open_model, print_json
from loadstore.cli.question import AGAINST, AtOfPrompt, Ids, Predict, Prompt, PromptOption, named, prompt_of, resolved
from loadstore.cli.runs import prompt_of_run, run_of
from loadstore.cli.say import tell

if TYPE_CHECKING:
    from loadstore.model.weights import Weights
    from loadstore.views.figures import Section


def report(
    model: Model = "builtin",
    prompt: Prompt = None,
    text: PromptOption = None,
    at: AtOfPrompt = None,
    predict: Predict = None,
    against: Annotated[str | None, typer.Option(help=AGAINST, show_default="the likeliest other token")] = None,
    ids: Ids = None,
    task: Annotated[
        str | None,
        typer.Option(
            "--task", help="Add the circuit of a task (loadstore tasks, or a .jsonl file of pairs).", show_default=False
        ),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="The page to write; an older one is replaced.")] = Path(
        "report.html"
    ),
    positions: Positions = None,
    bos: Begin = "model",
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out slow sections; the page lists them.")] = False,
    json: Json = False,
) -> None:
    """Write one self-contained, offline page that explains a prediction, and print the claims of its figures.

    A small attention-only model gets the figures of the article "Intuitions for Transformer Circuits". Any other model
    gets the prediction as a sum, the roles of all heads, and the patterns and possible inputs of the notable ones. It
    also gets the cut of every wire into the strongest induction head, the dossier of the head that adds most to the
    prediction, and the quantities that its architecture does not define.

    The page opens in any browser, in light and dark, and contains the table behind every figure. Figures with nothing
    to show are listed at its end. --quick leaves out the slowest sections (traffic on text, single cuts, the dossier of
    a head) and lists them. --task adds the circuit of that task: its picture and program, F by size, and its proof with
    random circuits (minutes on a real model). The folder of a run of loadstore train is its last checkpoint, with the
    curves of the run and what formed when over all checkpoints (with --quick only the curves).

    Example: loadstore report builtin --prompt "the cat sat on the mat. the dog sat" --predict " on" -o report.html

    Example: loadstore report smollm2 "When Mary and John went to the store, John gave a drink to" --quick
    """
    asked = prompt_of(prompt, text, ids)
    run = run_of(model)
    weights = open_model(run.model, positions, bos)
    if asked is None and run.folder is not None:
        asked = prompt_of_run(weights)
    from msgspec.structs import replace

    from loadstore.cli.progress import steps
    from loadstore.cli.saving import check_page, saving
    from loadstore.cost.table import expected
    from loadstore.report.page import report_document, write_page
    from loadstore.views.base import plain

    check_page(out)
    index, token = resolved(weights, asked, at, predict, ids)
    circuit = [] if task is None else [_circuit_of(weights, task)]  # first, because a task may be refused
    options = [*(["--positions", positions] if positions else []), *(["--bos", bos] if bos != "model" else [])]
    with steps(
        f"report on {weights.name}", expected(weights, "report MODEL --quick" if quick else "report")
    ) as progress:
        page = report_document(
            weights,
            asked,
            at=index,
            predict=token,
            against=named(against, ids, "--against"),
            model=model,
            options=options,
            quick=quick,
            progress=progress,
        )
    trained = () if run.folder is None else _trained(weights, run.folder, quick=quick)
    page = replace(page, sections=(*page.sections, *trained, *circuit))
    with saving(out, lambda path: write_page(page, path)) as saved:
        if json:
            about = {"model": weights.name, "bos": weights.begins, "path": str(out)}
            print_json("report", {**about, "page": plain(page)})
            return
        tell(page.lead)
        for section in page.sections:
            for figure in section.figures:
                tell(f"figure {figure.number}: {figure.claim}")
        if saved:
            typer.echo(f"\nwrote {out} ({out.stat().st_size / 1e6:.1f} MB): open it in any browser")


def _trained(weights: "Weights", folder: Path, *, quick: bool) -> "tuple[Section, ...]":
    """The sections on the run that made the model."""
    from loadstore.cli.progress import counting
    from loadstore.report.formation import training_sections
    from loadstore.training.checkpoints import kept_checkpoints
    from loadstore.training.emergence import emergence
    from loadstore.training.formation import formation
    from loadstore.training.history import METRICS, read_lines

    lines = read_lines(folder / METRICS)
    if quick or len(kept_checkpoints(folder)) < 2:
        return training_sections(weights, formation(lines)) if lines else ()
    with counting("measuring checkpoints") as progress:
        return training_sections(weights, formation(lines), emergence(folder, progress=progress))


def _circuit_of(weights: "Weights", name: str) -> "Section":
    """The section on the circuit of a task."""
    from loadstore.circuits.named import task as task_named
    from loadstore.cli.progress import steps
    from loadstore.report.task import task_section

    with steps(f"circuit of {name} in {weights.name}") as show:
        return task_section(task_named(weights, name), show=lambda step, share: show(step, 0, 0, share))
