"""The prompt of the guided walk: one on which the model's induction circuit is active."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from loadstore.errors import LoadstoreError
from loadstore.evidence.answers import followers
from loadstore.evidence.circuit import Circuit, circuit_of
from loadstore.evidence.found import induction_circuits
from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.explorer.state import Explorer
from loadstore.figures.subject.prompt import ARTICLE
from loadstore.heads.roles import bos_of
from loadstore.model.weights import Weights
from loadstore.progress import Progress
from loadstore.sites import Head

if TYPE_CHECKING:
    import xarray as xr

PERIOD = 8  # tokens of a generated prompt before it repeats
HALF = 0.5  # attention of a head on a key, above which a prompt shows its function


@dataclass(frozen=True, eq=False)
class Example:
    """A run whose token ``at`` occurred earlier: ``key`` is the token after that, ``star`` the head that attends most.

    ``made``: a prompt of the model's own tokens. ``own``: the user's prompt.
    """

    name: str
    trace: Trace
    at: int
    key: int
    star: Head
    made: bool = False
    own: bool = False

    @property
    def weight(self) -> float:
        """The star's attention on ``key``."""
        return float(self.trace.pattern(self.star)[self.at, self.key])

    @property
    def shown(self) -> bool:
        """Whether the circuit is active here."""
        return mostly(self.weight)


def mostly(share: float) -> bool:
    """Whether a share is more than half."""
    return share > HALF


def find_circuit(weights: Weights, progress: Progress) -> "tuple[Circuit | None, xr.Dataset]":
    """The circuit of a model, or None, and all measurements."""
    table = induction_circuits(weights, progress=progress)
    return circuit_of(table), table


def why_none(table: "xr.Dataset") -> str:
    """Why no circuit was found, from the numbers."""
    least, name = float(table.attrs["least"]), str(table.attrs["model"])
    if table.sizes["pair"] == 0:
        return (
            f"{name} has no previous-token head in a layer below an induction head: no two of its heads in that order "
            f"score {least:.2f} or more in these roles on random repeats."
        )
    change, control = table.change.values, table.control.values
    best = int(np.nanargmax(change))
    return (
        f"{name} has {table.sizes['pair']} pairs of a previous-token head and an induction head, and cutting the wire "
        f"between them does no more than cutting others that carry as much: the best, {table['pair'].values[best]}, "
        f"changes the loss on random repeats by {change[best]:.3f} nats, its largest control by {control[best]:.3f}."
    )


def example_of(explorer: Explorer, circuit: Circuit) -> Example:
    """The article's sentence up to a repeated token, if the circuit shows there; otherwise a generated prompt."""
    best: Example | None = None
    for made, prompt in _prompts(explorer.weights):
        try:
            name, trace = explorer.runs.make(prompt)
        except LoadstoreError:
            continue  # this model does not accept the prompt
        match = matched(circuit, name, trace, len(prompt) - 1, made=made)
        if match is not None and (best is None or match.weight > best.weight):
            best = match
        if best is not None and best.shown:
            break
    assert best is not None  # the made prompt repeats its tokens
    return best


def _prompts(weights: Weights) -> list[tuple[bool, list[int]]]:
    """Token ids to try: the sentence up to each of its repeats, then a doubled sequence of the model's own tokens."""
    prompts: list[tuple[bool, list[int]]] = []
    if weights.tokens is not None:
        ids = weights.tokens.encode(ARTICLE)
        prompts = [(False, ids[: at + 1]) for at in _repeats(ids, bos_of(weights))]
    generator = torch.Generator().manual_seed(0)
    begin = [] if (bos := bos_of(weights)) is None else [bos]
    room = min(PERIOD, max(2, (weights.architecture.context - len(begin)) // 2))
    tokens = [
        token for token in torch.randperm(weights.architecture.vocab, generator=generator).tolist() if token != bos
    ]
    period = tokens[:room]
    return [*prompts, (True, [*begin, *period, *period[: max(1, room // 2)]])]


def _repeats(ids: list[int], bos: int | None) -> list[int]:
    """Repeated tokens with the same successor as before, so that induction is right. Latest last."""
    indices: list[int] = []
    for at in range(1, len(ids) - 1):
        earlier = [j for j in range(at) if ids[j] == ids[at] and ids[at] != bos]
        if earlier and ids[earlier[-1] + 1] == ids[at + 1]:
            indices.append(at)
    return indices


def matched(circuit: Circuit, name: str, trace: Trace, at: int, *, made: bool = False) -> Example | None:
    """Return the circuit's match at one token of a run; None if the token did not occur before."""
    keys = followers(trace, at)
    if not keys:
        return None
    _, star, key = max((float(trace.pattern(head)[at, key]), head, key) for head in circuit.heads for key in keys)
    return Example(name, trace, at, key, star, made)


def batch(weights: Weights, prompts: list[list[int]]) -> Trace:
    """A recorded run of prompts of equal length."""
    return run(weights, torch.tensor(prompts), record=True)
