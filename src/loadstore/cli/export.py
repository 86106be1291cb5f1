"""``loadstore export``: a circuit for other tools."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstore.cli.options import Begin, Json, Positions, open_model, print_json

if TYPE_CHECKING:
    from loadstore.circuits.circuit import Circuit


def export(
    circuit: Annotated[Path, typer.Argument(help="A circuit written by loadstore discover.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="FILE.json (a graph), or FILE.arrow (a table of wires).")],
    model: Annotated[
        str | None,
        typer.Option(help="The model, if its name differs from the circuit's.", show_default=False),
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="The task, if it is a .jsonl file of pairs.", show_default=False)
    ] = None,
    pair: Annotated[int, typer.Option(help="The index of the *judge* pair for the graph, from 0.", min=0)] = 0,
    top: Annotated[int, typer.Option(help="The maximum number of links, strongest first.", min=1)] = 200,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Write a circuit as a graph for Neuronpedia's viewer and circuit-tracer, or its wires as an Arrow table.

    A graph is for one pair of prompts: its nodes are heads, MLPs and tokens, and a link's weight is its share of the
    circuit's attribution there. A table has the writer, the reader and the attribution of each wire; it needs pyarrow.

    Example: loadstore export circuit.json -o graph.json

    Example: loadstore export circuit.json --model smollm2 -o wires.arrow
    """
    from loadstore.arrow import ARROW, check_arrow
    from loadstore.atomic import check_target
    from loadstore.circuits.circuit import Circuit
    from loadstore.errors import BadRequest

    if out.suffix not in (".json", *ARROW):
        raise BadRequest(f"{out}: expected a name that ends in .json for a graph, or in .arrow for a table")
    loaded = Circuit.load(circuit)
    check_target(out)
    if out.suffix in ARROW:
        check_arrow(out)
        _table(loaded, out)
        said = {"wires": len(loaded)}
    else:
        document = _graph(loaded, model, task, pair, top, positions, bos)
        _write(document, out)
        said = {"nodes": len(document["nodes"]), "links": len(document["links"])}
    if json:
        print_json("export", {"model": loaded.model, "task": loaded.task, "path": str(out), **said})
    else:
        typer.echo(f"wrote {out}: {', '.join(f'{count:,} {what}' for what, count in said.items())}")


def _graph(
    circuit: "Circuit", model: str | None, task: str | None, pair: int, top: int, positions: str | None, bos: str
) -> dict[str, Any]:
    from loadstore.circuits.named import is_file
    from loadstore.circuits.named import task as task_named
    from loadstore.circuits.viewer import viewer_graph

    weights = open_model(model or circuit.model, positions, bos)
    name = task or circuit.task
    asked = task_named(weights, name, pairs=None if is_file(name) else circuit.pairs or None, seed=circuit.seed)
    return viewer_graph(circuit, asked.judge, pair, top=top)


def _write(document: dict[str, Any], out: Path) -> None:
    from loadstore.atomic import write_whole
    from loadstore.visible import dumps

    write_whole(out, dumps(document).encode())


def _table(circuit: "Circuit", out: Path) -> None:
    from loadstore.arrow import write_arrow
    from loadstore.atomic import replacing

    columns = {
        "writer": [str(writer) for writer, _ in circuit.wires],
        "reader": [str(reader) for _, reader in circuit.wires],
        "attribution": list(circuit.attributions),
    }
    facts = {key: value for key, value in circuit.document().items() if key not in ("schema", "wires")}
    with replacing(out) as partial:
        write_arrow(columns, facts, partial)
