"""``loadstore discover``: the circuit of a task, measured on held-out pairs, and its program."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from loadstore.cli.options import Begin, Experts, Json, Model, Positions, open_model, print_json, print_table

if TYPE_CHECKING:
    from loadstore.circuits.discovered import By, Discovered
    from loadstore.circuits.methods import Method
    from loadstore.circuits.reads import Norms
    from loadstore.circuits.replaced import Ablation

DEFINITION = (
    "F(C) = (m(C) − m(none)) / (m(all) − m(none)), means over pairs; wires outside a circuit carry the counterfactual "
    "run. The circuit is ranked on the pairs to find, sized on those to choose and measured on those to judge."
)


METHODS: "dict[str, Method]" = {"mask": "mask", "eap": "eap", "eap-ig": "eap-ig"}
BY: "dict[str, By]" = {"paths": "paths", "attribution": "attribution", "signed": "signed", "positive": "positive"}
ABLATIONS: "dict[str, Ablation]" = {"counterfactual": "counterfactual", "mean": "mean"}
NORMS: "dict[str, Norms]" = {"free": "free", "frozen": "frozen"}
T = TypeVar("T")


def discover(
    model: Model = "builtin",
    task: Annotated[str, typer.Option(help="A task (loadstore tasks), or a .jsonl file of pairs.")] = "induction",
    size: Annotated[
        str, typer.Option(help="A share of the live wires (.01), a count (100), or the least F on the *choose* pairs.")
    ] = "F>=.85",
    pairs: Annotated[
        int | None, typer.Option(help="The number of generated pairs, 64 by default.", min=3, max=10_000)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the pairs and of the splits.", min=0)] = 0,
    method: Annotated[
        str, typer.Option(help="mask (the path of all masks), eap (the gradient at the clean run) or eap-ig.")
    ] = "mask",
    by: Annotated[
        str,
        typer.Option(
            help="paths (one-sided means over pairs, of wires on a path), attribution (mean absolute values), "
            "signed (absolute means), positive (means)."
        ),
    ] = "paths",
    points: Annotated[int, typer.Option(help="Gradients along the path.", min=1, max=1000)] = 5,
    ablation: Annotated[
        str, typer.Option(help="The values of other wires: the counterfactual run, or its mean over pairs.")
    ] = "counterfactual",
    norms: Annotated[
        str, typer.Option(help="free (norms use the scales of each run) or frozen (those of the clean run).")
    ] = "free",
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write the circuit to FILE.json.")] = None,
    experts: Experts = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Find the circuit of a task: its wires, their faithfulness, and their program.

    Wires are ranked on the *find* pairs, the size is chosen on the *choose* pairs, and the circuit is measured on the
    *judge* pairs. A task that the model does not solve is refused.

    Example: loadstore discover builtin --task induction --size 24

    Example: loadstore discover smollm2 --task ioi --pairs 40 -o circuit.json
    """
    from loadstore.circuits.discovered import STEPS, How, size_from
    from loadstore.circuits.discovered import discover as find
    from loadstore.circuits.named import check_task, is_file
    from loadstore.circuits.named import task as task_named
    from loadstore.cli.progress import steps
    from loadstore.cli.saving import saving

    how = How(
        size_from(size),
        _one("--method", method, METHODS),
        _one("--by", by, BY),
        points,
        _one("--ablation", ablation, ABLATIONS),
        _one("--norms", norms, NORMS),
    )
    check_task(task)
    if out is not None:
        _check_name(out)
    weights = open_model(model, positions, bos, experts=experts)
    made = task_named(weights, task, pairs=None if is_file(task) else pairs, seed=seed)
    with steps(f"{weights.name}: {made.name}") as show:
        names = list(STEPS)
        discovered = find(made, how, lambda name, share: show(name, names.index(name) + 1, len(names), share))
    with saving(out, discovered.circuit.save):
        if json:
            print_json("discover", _document(discovered, seed))
        else:
            _print(discovered)


def _one(option: str, text: str, values: dict[str, T]) -> T:
    """The value of an option. Raises BadRequest for any other text."""
    from loadstore.errors import BadRequest
    from loadstore.quote import one_of, quote

    if text not in values:
        raise BadRequest(f"{option} {quote(repr(text), 40)}: expected {one_of(tuple(values))}")
    return values[text]


def _check_name(path: Path) -> None:
    from loadstore.atomic import check_target
    from loadstore.errors import BadRequest

    if path.suffix != ".json":
        raise BadRequest(f"{path}: expected a name that ends in .json")
    check_target(path)


def _document(discovered: "Discovered", seed: int) -> dict[str, Any]:
    """All numbers."""
    circuit, curve, measures = discovered.circuit, discovered.curve, discovered.measures
    numbers = ("faithfulness", "low", "high", "error", "necessity", "necessity_low", "necessity_high")
    columns = ("size", "wires", "faithfulness", "low", "high", "error")
    rows = zip(*(curve[name].values.tolist() for name in columns), strict=True)
    shown = discovered.shown
    facts = {key: value for key, value in circuit.document().items() if key != "schema"}
    return {
        **facts,
        "definition": DEFINITION,
        "bos": discovered.task.model.begins,
        "seed": seed,
        "points": discovered.ranked.attrs["points"],
        "by": curve.attrs["by"],
        "splits": {name: len(getattr(discovered.task, name)) for name in ("find", "choose", "judge")},
        "solved": discovered.solved.share,
        "total": discovered.ranked.attrs["total"],
        "remainder": discovered.ranked.attrs["remainder"],
        "faithfulness": {name: float(measures[name]) for name in numbers},
        **{name: curve.attrs[name] for name in ("cpr", "cmd", "small", "smallest")},
        "curve_on": "choose",
        "curve": [dict(zip(columns, row, strict=True)) for row in rows],
        "program": discovered.program.splitlines(),
        "shown": {
            "wires": len(shown.wires),
            "share": shown.share(shown.wires),
            "faithfulness": discovered.shown_faithfulness,
        },
        "neglected": _neglected(discovered),
    }


def _neglected(discovered: "Discovered") -> list[str]:
    """Warnings about the limits of the numbers."""
    remainder = float(discovered.ranked.attrs["remainder"])
    return [
        f"remainder: the attributions of all wires miss {remainder:.2f} of the effect of single pairs (0 is none)",
        "token places: a wire is kept or replaced at all tokens; attributions are sums over tokens",
        "biases and positions: they store the same in both prompts of a pair, so they are not live wires",
    ]


def _print(discovered: "Discovered") -> None:
    circuit, curve, task = discovered.circuit, discovered.curve, discovered.task
    f = {name: float(discovered.measures[name]) for name in discovered.measures if not discovered.measures[name].dims}
    rows = [
        ("size", f"{circuit.size:.2%}", f"{len(circuit):,} of {circuit.live:,} live wires"),
        ("faithfulness", f"{f['faithfulness']:.3f}", f"95 %: {f['low']:.3f} to {f['high']:.3f}"),
        ("error", f"{f['error']:.3f}", "squared error of single pairs, relative to that of no wires"),
        ("necessity", f"{f['necessity']:.3f}", f"95 %: {f['necessity_low']:.3f} to {f['necessity_high']:.3f}"),
        (
            "remainder",
            f"{float(discovered.ranked.attrs['remainder']):.3f}",
            "of the effect, missed by all attributions",
        ),
        ("cmd", _number(curve.attrs["cmd"]), "area under |1 − F| over all sizes; 0 is best"),
        ("cpr", _number(curve.attrs["cpr"]), f"area under F over all sizes, ranked by {curve.attrs['by']}"),
        ("small", _number(curve.attrs["small"]), "mean |1 − F| over sizes from .05 to 10 %"),
        ("smallest", _number(curve.attrs["smallest"]), "smallest size of the curve with F ≥ .85"),
    ]
    print_table(f"{task.name} in {circuit.model}", ("number", "value", "meaning"), rows)
    counts = ", ".join(f"{len(getattr(task, name))} to {name}" for name in ("find", "choose", "judge"))
    typer.echo(
        f"\n{DEFINITION}\nPairs: {counts}; cmd to smallest are of the pairs to choose.\n\n{discovered.program}\n"
    )
    typer.echo("neglected\n" + "\n".join(f"  {text}" for text in _neglected(discovered)))


def _number(value: float) -> str:
    return "–" if value != value else f"{value:.4f}"
