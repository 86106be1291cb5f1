"""The circuit of a task: lists the tasks and finds the circuit of one. Definitions: docs/circuits.md."""

import math
from collections.abc import Callable, Sequence

from loadstore.circuits.discovered import Discovered, How, discover, size_from
from loadstore.circuits.measured import Measured, Values, measured
from loadstore.circuits.named import PAIRS, task
from loadstore.circuits.program import roles_of
from loadstore.circuits.program_text import Program, program_of, title_of
from loadstore.circuits.task import Task
from loadstore.circuits.tasks.table import TASKS
from loadstore.errors import BadRequest
from loadstore.explorer.requests import FindRequest, PictureRequest, TasksRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.explorer.switchable import NoSuchCircuit, Switchable, groups_of, is_small, places_of
from loadstore.figures.circuits.found import prompt_text
from loadstore.figures.circuits.measured import curve_figure
from loadstore.figures.picture.pictured import Pictured, picture
from loadstore.progress import Progress
from loadstore.quote import one_of, quote
from loadstore.sites import Reader

SIZE = "F>=.85"
FEWER = 24  # pairs for a model that is not small, for about a minute of work
LEAST_PAIRS, MOST_PAIRS = 8, 128
MOST_WIRES = 5000  # maximum wires of a circuit with switches
SINGLE = 40  # maximum wires of a load that are listed one by one
SPEED = 4.4e7  # parameters between the vocabularies, times pairs, per second on one processor
FOUND, MEASURED = 0.68, 0.78  # expected shares of the work done at these points
GRAIN = 1000  # steps of the progress


def tasks(explorer: Explorer, ask: TasksRequest) -> Document:
    """The tasks by name, the number of generated pairs, the estimated time, and the kept circuits."""
    pairs = _pairs(explorer)
    return {
        "tasks": [
            {"name": recipe.name, "about": recipe.about, "text": recipe.texts, "seconds": _seconds(explorer, pairs)}
            for recipe in TASKS.values()
        ],
        "size": SIZE,
        "pairs": pairs,
        "kept": list(explorer.circuits.keys),
    }


def find(explorer: Explorer, ask: FindRequest) -> Callable[[Progress], Document]:
    """Find the circuit of ``task`` with a ``size`` as in the command line, on ``pairs`` pairs, or return a kept one.

    Raises:
        BadRequest: The task, size or number of pairs is invalid.
    """
    name, size, pairs = ask.task, ask.size or SIZE, ask.pairs or _pairs(explorer)
    if name not in TASKS:
        raise BadRequest(f"task: expected {one_of(tuple(TASKS))}, got {quote(repr(name), 40)}")
    size_from(size)
    if not LEAST_PAIRS <= pairs <= MOST_PAIRS:
        raise BadRequest(f"pairs: {LEAST_PAIRS} to {MOST_PAIRS}; got {pairs}")
    key = f"{name} {size} {pairs}"
    return lambda progress: _answer(explorer, key, lambda: _find(explorer, key, name, pairs, size, progress))


def found(explorer: Explorer, ask: PictureRequest) -> tuple[str, Switchable]:
    """The kept circuit that the request names in ``circuit``. Raises NoSuchCircuit."""
    kept = explorer.circuits.get(ask.circuit)
    if kept is None:
        raise NoSuchCircuit(ask.circuit)
    return ask.circuit, kept


def draw(explorer: Explorer, key: str, kept: Switchable, pair: int) -> Pictured:
    """The picture of a circuit at one of its measured pairs. Raises BadRequest for any other pair."""
    picture_of_pair = explorer.pictures.get((key, pair))
    if picture_of_pair is None:
        picture_of_pair = picture(kept.circuit, kept.on, index=pair, roles=_roles(explorer))
        explorer.pictures.put((key, pair), picture_of_pair)
    return picture_of_pair


def _answer(explorer: Explorer, key: str, make: Callable[[], Switchable]) -> Document:
    kept = explorer.circuits.get(key) or make()
    explorer.circuits.put(key, kept)
    return {**kept.document, "pair": 0, "picture": draw(explorer, key, kept, 0).view}


def _find(explorer: Explorer, key: str, name: str, pairs: int, size: str, progress: Progress) -> Switchable:
    def tell(share: float) -> None:
        progress(round(GRAIN * share), GRAIN)

    made = task(explorer.weights, name, pairs=pairs)
    result = discover(made, How(size_from(size)), lambda _, share: tell(FOUND * share))
    circuit = result.circuit
    if len(circuit) > MOST_WIRES:
        raise BadRequest(
            f"this circuit has {len(circuit):,} wires; at most {MOST_WIRES:,} are switched here. Ask for a smaller "
            "size, or use loadstore discover"
        )
    tell(FOUND)
    loads = program_of(circuit.wires, circuit.attributions, _roles(explorer), len(circuit) + 2)
    places = places_of(made)
    on = measured(made.judge.rows(places))
    values = on.values(circuit.mask(explorer.weights))
    tell(MEASURED)
    judge = [index for index, split in enumerate(made.splits) if split == "judge"]
    texts = [_texts(made, judge[chosen_pair]) for chosen_pair in places]
    document = _document(key, result, loads, on, values) | {
        "pairs": texts,
        "generated": pairs,
        "size": size,
        "places": places,
    }
    return Switchable(circuit, loads, on, values, document)


def _document(key: str, result: Discovered, loads: Program, on: Measured, values: Values) -> Document:
    circuit, measures = result.circuit, result.measures
    low, high = on.interval(values)
    return {
        "circuit": key,
        "task": circuit.task,
        "title": title_of(
            circuit.task, circuit.model, len(circuit), circuit.live, circuit.method, attributed=loads.attributed
        ).partition(";")[0],
        "metric": circuit.metric,
        "wires": len(circuit),
        "judged": {name: float(measures[name]) for name in ("faithfulness", "low", "high", "error", "necessity")}
        | {"pairs": measures.attrs["pairs"]},
        "whole": {"faithfulness": on.ratio(values), "low": low, "high": high, "pairs": len(on.pairs)},
        "loads": _loads(result, loads),
        "curve": curve_figure(result.curve),
    }


def _loads(result: Discovered, loads: Program) -> list[Document]:
    """The loads with the ids of their groups, and their single wires if there are few."""
    rows: list[Document] = []
    group = 0
    for load in loads.loads:
        single = len(load.wires) <= SINGLE
        several = len(load.parts) > 1
        parts = [
            {
                "id": group + 1 + offset if several else group,
                "name": part.name,
                "share": loads.share(part.wires),
                "wires": part.wires,
                "each": _each(result, loads, part.wires) if single else [],
            }
            for offset, part in enumerate(load.parts)
        ]
        rows.append(
            {
                "id": group,
                "name": load.name,
                "depth": _depth([result.circuit.wires[index][1] for index in load.wires]),
                "share": loads.share(load.wires),
                "parts": parts,
            }
        )
        group += len(groups_of(load))
    return rows


def _each(result: Discovered, loads: Program, wires: Sequence[int]) -> list[Document]:
    """Single wires as text, with their shares."""
    named = [(" → ".join(map(str, result.circuit.wires[index])), index) for index in wires]
    return [{"name": name, "share": loads.share([index])} for name, index in named]


def _depth(readers: Sequence[Reader]) -> str:
    """The layers of a load's readers, as the heading of its list."""
    layers = sorted({reader.layer for reader in readers})
    if readers[0].is_unembed:
        return "answer"
    return f"L{layers[0]}" if len(layers) == 1 else f"L{layers[0]}–L{layers[-1]}"


def _texts(made: Task, row: int) -> Document:
    return {
        "clean": prompt_text(made, made.clean[row]),
        "counterfactual": prompt_text(made, made.counterfactual[row]),
    }


def _pairs(explorer: Explorer) -> int:
    return PAIRS if is_small(explorer.weights) else FEWER


def _roles(explorer: Explorer) -> dict[str, str]:
    return roles_of(explorer.weights)


def _seconds(explorer: Explorer, pairs: int) -> int:
    """The estimated time to find a circuit."""
    between = sum(tensor.numel() for name, tensor in explorer.weights.named() if name not in ("W_E", "W_U"))
    return math.ceil(2 + between * pairs / SPEED)
