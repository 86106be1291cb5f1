"""A circuit: a set of wires of one model, with the ranking that it was cut from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from loadstore.atomic import write_whole
from loadstore.circuits.digests import check_model
from loadstore.circuits.live import Live, live
from loadstore.circuits.program_text import lines_of, program_of, summary_of, title_of
from loadstore.circuits.ranking import RANKINGS
from loadstore.errors import BadRequest, NoSuchWire
from loadstore.jsonfile import json_object
from loadstore.model.weights import Weights
from loadstore.quote import quote
from loadstore.sites import Reader, Writer, parse_reader, parse_writer
from loadstore.visible import dumps

if TYPE_CHECKING:
    import xarray as xr

SCHEMA = "loadstore/circuit@1"
REMEDY = "write one with loadstore discover"
BEFORE = "attribution"  # the ranking of circuits whose files do not name one
FACTS = ("model", "model_digest", "task", "metric", "method", "ablation", "norms")


@dataclass(frozen=True, eq=False)
class Circuit:
    """Wires of a model, strongest first.

    Args:
        model: The name of the model.
        model_digest: The digest of its content.
        task: The name of the task.
        metric: The metric of the task, in words.
        method: How the wires were ranked.
        ablation: The values of all other wires in that ranking.
        norms: Whether norms used ``"free"`` or ``"frozen"`` scales.
        live: The number of live wires of the model.
        wires: The wires.
        attributions: The attribution of each wire, in units of the metric; NaN if unknown.
        pairs: The number of pairs of the task, in all splits; 0 if unknown.
        seed: The seed of the task.
        by: Which mean over pairs ranked the wires (circuits/ranking.py).

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> task = ls.task(model, "induction", pairs=16)
        >>> ranked = ls.attribute(task, points=2)
        >>> circuit = ls.circuit(ranked, size=20)
        >>> len(circuit), circuit.task
        (20, 'induction')
    """

    model: str
    model_digest: str
    task: str
    metric: str
    method: str
    ablation: str
    norms: str
    live: int
    wires: tuple[tuple[Writer, Reader], ...]
    attributions: tuple[float, ...]
    pairs: int = 0
    seed: int = 0
    by: str = BEFORE

    def __post_init__(self) -> None:
        """Raise BadRequest for values of the wrong type and for duplicate wires."""
        texts: list[object] = [getattr(self, name) for name in FACTS]
        wires: Any = self.wires
        values: Any = self.attributions
        live: Any = self.live
        if not all(isinstance(text, str) for text in texts):
            raise BadRequest(f"Circuit(…): {', '.join(FACTS)} are texts")
        if not isinstance(wires, list | tuple) or not all(_is_wire(wire) for wire in wires):
            raise BadRequest("Circuit(wires=…): expected pairs of a writer and a reader")
        if not isinstance(values, list | tuple) or len(values) != len(wires):
            raise BadRequest(f"Circuit(attributions=…): expected {len(wires)} numbers, one for each wire")
        if not all(isinstance(value, int | float) for value in values):
            raise BadRequest("Circuit(attributions=…): expected numbers")
        if type(live) is not int or live < max(1, len(wires)):
            raise BadRequest(f"Circuit(live=…): expected a whole number from {max(1, len(wires))}")
        if not isinstance(self.by, str) or self.by not in RANKINGS:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise BadRequest(f"Circuit(by={quote(repr(self.by), 40)}): expected one of {', '.join(RANKINGS)}")
        if type(self.pairs) is not int or type(self.seed) is not int or min(self.pairs, self.seed) < 0:
            raise BadRequest("Circuit(pairs=…, seed=…): expected whole numbers from 0")
        if len(set(wires)) < len(wires):
            raise BadRequest("Circuit(wires=…): a wire occurs twice")
        object.__setattr__(self, "wires", tuple(wires))
        object.__setattr__(self, "attributions", tuple(values))

    def __len__(self) -> int:
        return len(self.wires)

    @property
    def size(self) -> float:
        """The number of wires as a share of the live wires."""
        return len(self.wires) / self.live

    def mask(self, weights: Weights) -> Bool[Tensor, "writer reader"]:
        """The wires as a matrix over the live wires of a model. Raises NotThisModel for another model."""
        check_model(self.model, self.model_digest, weights)
        return mask_of(live(weights), self.wires)

    def without(self, wires: Sequence[tuple[Writer, Reader]]) -> "Circuit":
        """The circuit without the given wires."""
        gone = set(wires)
        kept = [(wire, value) for wire, value in zip(self.wires, self.attributions, strict=True) if wire not in gone]
        return replace(self, wires=tuple(wire for wire, _ in kept), attributions=tuple(value for _, value in kept))

    def save(self, path: str | Path) -> None:
        """Write the circuit as JSON, atomically. Raises BadRequest if the file cannot be written."""
        write_whole(Path(path), dumps(self.document()).encode())

    def document(self) -> dict[str, Any]:
        """The circuit as one JSON document."""
        facts: dict[str, Any] = {name: getattr(self, name) for name in FACTS}
        wires = [
            {"writer": str(writer), "reader": str(reader), "attribution": value if math.isfinite(value) else None}
            for (writer, reader), value in zip(self.wires, self.attributions, strict=True)
        ]
        numbers = {"live": self.live, "size": self.size, "pairs": self.pairs, "seed": self.seed}
        return {"schema": SCHEMA, **facts, "by": self.by, **numbers, "wires": wires}

    @staticmethod
    def load(path: str | Path) -> "Circuit":
        """Read a circuit. Raises BadRequest for a file that is not one."""
        return _read(json_object(Path(path), str(path), REMEDY), str(path))

    def __repr__(self) -> str:
        """The task, the model and the size; ``print`` shows the program."""
        return (
            f"Circuit of {self.task} in {self.model}: {len(self):,} of {self.live:,} live wires ({self.size:.2%}), "
            f"ranked by {self.method}, {self.by}\n  print() shows the program"
        )

    def __str__(self) -> str:
        """The program, without the roles of heads and without F."""
        shown = program_of(self.wires, self.attributions)
        title = title_of(self.task, self.model, len(self), self.live, self.method, attributed=shown.attributed)
        return "\n".join([title, *lines_of(shown), summary_of(shown)])


def first(ranked: "xr.Dataset", order: np.ndarray, count: int, by: str) -> Circuit:
    """The first ``count`` wires of an order, strongest first."""
    places = order[:count]
    places = places[np.argsort(-ranked.attribution.values[places], kind="stable")]
    writers, readers = ranked.writer.values[places], ranked.reader.values[places]
    facts = {name: str(ranked.attrs[name]) for name in FACTS}
    return Circuit(
        **facts,
        live=ranked.sizes["wire"],
        wires=tuple((parse_writer(str(w)), parse_reader(str(r))) for w, r in zip(writers, readers, strict=True)),
        attributions=tuple(ranked.attribution.values[places].tolist()),
        pairs=int(ranked.attrs.get("task_pairs", 0)),
        seed=int(ranked.attrs.get("seed", 0)),
        by=by,
    )


def mask_of(wires: Live, chosen: Sequence[tuple[Writer, Reader]]) -> Bool[Tensor, "writer reader"]:
    """Wires as a matrix. Raises NoSuchWire for a wire that is not live."""
    mask = torch.zeros_like(wires.exists)
    for writer, reader in chosen:
        row, column = wires.place_of_writer.get(writer), wires.place_of_reader.get(reader)
        if row is None or column is None or not bool(wires.exists[row, column]):
            raise NoSuchWire(f"{writer} → {reader} is not a live wire of {wires.network.model}")
        mask[row, column] = True
    return mask


def _is_wire(wire: object) -> bool:
    if not isinstance(wire, tuple):
        return False
    ends: tuple[object, ...] = wire  # pyright: ignore[reportUnknownVariableType]
    return len(ends) == 2 and isinstance(ends[0], Writer) and isinstance(ends[1], Reader)


def _read(document: dict[str, Any], path: str) -> Circuit:
    """Validate a document and build the circuit."""
    wires, facts, count = document.get("wires"), {name: document.get(name) for name in FACTS}, document.get("live")
    fit = isinstance(wires, list) and all(isinstance(fact, str) for fact in facts.values())
    if document.get("schema") != SCHEMA or not fit or type(count) is not int or not 0 < len(wires or []) <= count:
        raise BadRequest(f"{path} is not a circuit: expected schema {SCHEMA} with {', '.join(FACTS)}, wires; {REMEDY}")
    chosen: list[tuple[Writer, Reader]] = []
    values: list[float] = []
    for wire in wires or []:
        if not isinstance(wire, dict):
            raise BadRequest(f"{path}: a wire is an object with writer and reader; {REMEDY}")
        value = wire.get("attribution")
        chosen.append((parse_writer(str(wire.get("writer"))), parse_reader(str(wire.get("reader")))))
        values.append(float(value) if isinstance(value, int | float) else math.nan)
    if len(set(chosen)) < len(chosen):
        raise BadRequest(f"{path} has a wire twice; {REMEDY}")
    text_facts = {name: str(fact) for name, fact in facts.items()}
    numbers = {name: document.get(name, 0) for name in ("pairs", "seed")}
    by: Any = document.get("by", BEFORE)
    return Circuit(**text_facts, live=count, wires=tuple(chosen), attributions=tuple(values), by=by, **numbers)
