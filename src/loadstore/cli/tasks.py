"""``loadstore tasks``: lists the tasks that a model solves, and writes the pairs of one to a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstore.cli.options import Begin, Json, Model, Positions, open_model, print_json, print_table

if TYPE_CHECKING:
    from loadstore.circuits.solved import Solved
    from loadstore.circuits.task import Task
    from loadstore.model.weights import Weights

DEFINITION = (
    "A task is solved where m(clean) > 0 > m(counterfactual) on at least 75 % of the pairs to judge. "
    "m is the metric after the last token; pairs to find, to choose and to judge share no words."
)


def tasks(
    model: Model = "builtin",
    task: Annotated[
        list[str] | None,
        typer.Option("--task", help="A task, or a .jsonl file of pairs; may be repeated.", show_default=False),
    ] = None,
    pairs: Annotated[
        int | None,
        typer.Option(help="The number of pairs generated for each task, 64 by default.", min=3, max=10_000),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the pairs and of the splits.", min=0)] = 0,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write the pairs of one --task to FILE.jsonl.")
    ] = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Show which tasks a model solves: pairs of a clean and a counterfactual prompt, with a metric.

    A task is solved if the metric is above 0 after the clean prompt and below 0 after the counterfactual one, on at
    least 75 % of the *judge* pairs. A task that the tokenizer cannot express is listed with the reason.

    Example: loadstore tasks builtin

    Example: loadstore tasks smollm2 --task ioi -o ioi.jsonl
    """
    from loadstore.circuits.named import is_file
    from loadstore.circuits.task_file import save_task
    from loadstore.cli.progress import steps
    from loadstore.cli.saving import saving
    from loadstore.errors import BadRequest

    names = _names(task)
    if out is not None:
        if len(names) != 1:
            raise BadRequest(f"-o {out} writes the pairs of one task; name it with --task")
        _check_name(out)
    weights = open_model(model, positions, bos)
    rows: list[dict[str, Any]] = []
    made: list[Task] = []
    with steps(f"{weights.name}: tasks") as show:
        for number, name in enumerate(names):
            show(name, number + 1, len(names), number / len(names))
            rows.append(_row(weights, name, pairs, seed, made, strict=out is not None or is_file(name)))
    with saving(out, lambda path: save_task(made[0], path)):
        if json:
            print_json("tasks", {**_about(weights, seed), "tasks": rows})
        else:
            _print(weights, rows)


def _names(asked: list[str] | None) -> list[str]:
    """The requested tasks, each once; all if none is requested. Raises BadRequest for an unknown one."""
    from loadstore.circuits.named import check_task
    from loadstore.circuits.tasks.table import TASKS

    names = list(dict.fromkeys(asked or TASKS))
    for name in names:
        check_task(name)
    return names


def _check_name(path: Path) -> None:
    from loadstore.atomic import check_target
    from loadstore.errors import BadRequest

    if path.suffix != ".jsonl":
        raise BadRequest(f"{path}: expected a name that ends in .jsonl")
    check_target(path)


def _row(
    weights: "Weights", name: str, pairs: int | None, seed: int, made: "list[Task]", *, strict: bool
) -> dict[str, Any]:
    """A model's result on one task, or why the task is not possible; ``strict`` raises the reason."""
    from loadstore.circuits.named import is_file
    from loadstore.circuits.named import task as task_named
    from loadstore.circuits.solved import solved
    from loadstore.circuits.tasks.table import TASKS
    from loadstore.errors import BadRequest, Undefined

    about = TASKS[name].about if name in TASKS else f"pairs of {name}"
    try:
        task = task_named(weights, name, pairs=None if is_file(name) else pairs, seed=seed)
    except (BadRequest, Undefined) as error:
        if strict:
            raise
        return {"task": name, "about": about, "reason": str(error), "solved": None}
    made.append(task)
    return {"task": task.name, "about": about, "reason": None, **_measured(task, solved(task))}


def _measured(task: "Task", result: "Solved") -> dict[str, Any]:
    from loadstore.circuits.example import kind_of

    first = next(example for example in task.examples if example.split == "judge")
    return {
        "solved": result.solved,
        "metric": kind_of(task.metric_of_pairs),
        "find": len(task.find),
        "choose": len(task.choose),
        "judge": len(task.judge),
        "clean": result.clean,
        "counterfactual": result.counterfactual,
        "share": result.share,
        "example": {
            "clean": first.clean,
            "counterfactual": first.counterfactual,
            "good": list(first.good),
            "bad": list(first.bad),
            "template": first.template,
        },
    }


def _about(weights: "Weights", seed: int) -> dict[str, Any]:
    from loadstore.tokenizer.tokens import begins

    return {"model": weights.name, "definition": DEFINITION, "bos": begins(weights.tokens), "seed": seed}


def _print(weights: "Weights", rows: list[dict[str, Any]]) -> None:
    from loadstore.quote import quote

    asked = [row for row in rows if row["reason"] is None]
    count = sum(bool(row["solved"]) for row in asked)
    columns = ("task", "metric", "pairs", "m(clean)", "m(counterfactual)", "share", "solved")
    table: list[list[object]] = []
    for row in asked:
        numbers = [row[key] for key in ("judge", "clean", "counterfactual", "share")]
        table.append([row["task"], row["metric"].replace("_", " "), *numbers, "yes" if row["solved"] else "no"])
    if table:
        print_table(f"{weights.name} solves {count} of {len(rows)} task{'s' * (len(rows) > 1)}", columns, table)
        typer.echo(f"\n{DEFINITION}")
    else:
        typer.echo(f"{weights.name}: no task could be tried")
    for row in asked:
        example = row["example"]
        good, bad = (", ".join(map(repr, example[key][:3])) for key in ("good", "bad"))
        typer.echo(
            f"\n{row['task']}\n  clean           {quote(repr(example['clean']), 300)} → {good}"
            f"\n  counterfactual  {quote(repr(example['counterfactual']), 300)} → {bad or '–'}"
        )
    for row in rows:
        if row["reason"] is not None:
            typer.echo(f"\n{row['task']}: not asked: {row['reason']}")
