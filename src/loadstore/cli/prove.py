"""``loadstore prove``: the proof of a circuit, with random circuits as controls."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstore.cli.options import Begin, Json, Positions, open_model, print_json

if TYPE_CHECKING:
    from loadstore.circuits.circuit import Circuit
    from loadstore.circuits.proof import Proof
    from loadstore.circuits.task import Task

Source = Annotated[Path, typer.Argument(help="A circuit written by loadstore discover.")]


def prove(
    circuit: Source,
    model: Annotated[
        str | None,
        typer.Option(help="The model, if its name differs from the circuit's.", show_default=False),
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="The task, if it is a .jsonl file of pairs.", show_default=False)
    ] = None,
    controls: Annotated[int, typer.Option(help="Random circuits.", min=1)] = 100,
    sampled: Annotated[int, typer.Option(help="The maximum number of wires to remove, one at a time.", min=1)] = 100,
    null: Annotated[int, typer.Option(help="Removals of random wires from inflated circuits.", min=1)] = 2000,
    other: Annotated[
        list[Path] | None,
        typer.Option(help="The circuit of another task of the same model; may be repeated.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the controls and samples.", min=0)] = 0,
    resume: Annotated[
        Path | None, typer.Option(help="Keep numbers in this file, and resume from it.", show_default=False)
    ] = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Measure a circuit on its task's *judge* pairs, with random circuits of the same size as controls.

    Sufficiency and necessity with p and the gap to the best control; completeness; minimality; stability; faithfulness
    of other tasks' circuits. The results are numbers with intervals, without a verdict.

    Example: loadstore prove ioi.json --controls 100 --resume ioi.proof.jsonl

    Example: loadstore prove ioi.json --model smollm2 --controls 20 --sampled 20
    """
    from loadstore.circuits.circuit import Circuit
    from loadstore.circuits.named import is_file
    from loadstore.circuits.named import task as task_named
    from loadstore.circuits.prove import prove as measure
    from loadstore.cli.progress import steps

    subject, others = Circuit.load(circuit), [Circuit.load(path) for path in other or ()]
    weights = open_model(model or subject.model, positions, bos)
    for each in (subject, *others):
        each.mask(weights)  # refuse a circuit of another model before the slow part
    name = task or subject.task
    asked = task_named(weights, name, pairs=None if is_file(name) else subject.pairs or None, seed=subject.seed)
    with steps(f"{weights.name}: proof of {asked.name}") as show:
        proof = measure(
            subject,
            asked.judge,
            controls=controls,
            find=asked.find,
            others=others,
            sampled=sampled,
            null=null,
            seed=seed,
            resume=resume,
            progress=show,
        )
    if json:
        print_json("prove", _document(subject, asked, proof))
    else:
        typer.echo(str(proof))
        typer.echo(f"\n{NEGLECTED}")


NEGLECTED = (
    "Wires outside the circuit carry the counterfactual prompt's stores. Controls have as many wires of each kind of "
    "writer, side and layer of the reader; p counts those that do at least as well, and the gap says by how much. "
    "Positions are not distinguished: a wire is in or out at all tokens."
)


def _document(circuit: "Circuit", task: "Task", proof: "Proof") -> dict[str, Any]:
    document = circuit.document()
    return {
        **{key: document[key] for key in ("model", "model_digest", "task", "size", "wires")},
        "faithfulness": {
            "faithfulness": proof.sufficiency.value,
            "low": proof.sufficiency.low,
            "high": proof.sufficiency.high,
            "necessity": 1 - proof.necessity.value,
        },
        "pairs": len(task.judge),
        "proof": proof.document(),
        "definition": NEGLECTED,
        "text": str(proof),
    }
