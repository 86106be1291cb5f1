"""A circuit with switchable wires: its loads by ids, and the pairs for measuring it after each change.

A *group* is a load of the circuit's program or one part of it, the wires of one group of writers. Tests:
tests/explorer/test_circuit_screen.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.circuits.circuit import Circuit, mask_of
from loadstore.circuits.groups import Load
from loadstore.circuits.measured import Measured, Values
from loadstore.circuits.program_text import Program
from loadstore.circuits.task import Task
from loadstore.errors import BadRequest
from loadstore.model.weights import Weights

SMALL = 64  # maximum heads of a model that runs all pairs after each change
FEW = 6  # pairs that a larger model runs
CIRCUITS, PICTURES = 3, 24  # maxima that a server keeps


class NoSuchCircuit(LookupError):
    """The name of a circuit that this server has not found or has dropped."""


@dataclass(frozen=True, eq=False)
class Switchable:
    """A circuit, prepared for switching.

    Args:
        circuit: The circuit.
        loads: All of its loads.
        on: The pairs for measuring it after each change.
        values: The metric of these pairs in the run of the whole circuit.
        document: The server's answer when it was found, without its picture.
    """

    circuit: Circuit
    loads: Program
    on: Measured
    values: Values
    document: Mapping[str, object]

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The wires of every group by its id: each load, followed by its parts."""
        return tuple(wires for load in self.loads.loads for wires in groups_of(load))

    def off(self, groups: Sequence[int], wires: Sequence[int]) -> frozenset[int]:
        """The indices of all wires that are off. Raises BadRequest for an unknown group or wire."""
        groups_of_circuit = self.groups
        for name, given, count in (("off", groups, len(groups_of_circuit)), ("wires", wires, len(self.circuit))):
            for index in given:
                if not 0 <= index < count:
                    raise BadRequest(f"{name}: there is no {index} here; this circuit has 0 to {count - 1}")
        return frozenset(wires).union(*(groups_of_circuit[group] for group in groups))

    def run(self, off: frozenset[int]) -> tuple[Values, Float[Tensor, "pair vocab"]]:
        """The metric and the logits of each pair with some wires off."""
        kept = [wire for index, wire in enumerate(self.circuit.wires) if index not in off]
        mask = mask_of(self.on.live, kept)
        logits = [tile.logits(mask) for tile in self.on.tiles]
        values = [tile.measure(part).double().numpy() for tile, part in zip(self.on.tiles, logits, strict=True)]
        return np.concatenate(values), torch.cat(logits)


def groups_of(load: Load) -> list[tuple[int, ...]]:
    """The wires of a load, then those of each of its parts if it has several."""
    return [load.wires, *(part.wires for part in load.parts if len(load.parts) > 1)]


def is_small(weights: Weights) -> bool:
    """Whether a model is small enough to run every pair after each change."""
    return len(weights.architecture.heads) <= SMALL


def places_of(task: Task) -> list[int]:
    """The *judge* pairs to run after each change, from 0: all of them, or a few that are spread evenly."""
    count = len(task.judge)
    few = count if is_small(task.model) else min(FEW, count)
    return [step * count // few for step in range(few)]
