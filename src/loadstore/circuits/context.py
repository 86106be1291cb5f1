"""Prepares pairs for runs of a circuit: clean run, replacements, and the metric with all wires and with none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Stream
from loadstore.circuits.live import Live, live
from loadstore.circuits.masked import run_circuit, run_without
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.reads import Norms, Scales, first_difference, free, frozen
from loadstore.circuits.replaced import Ablation, Replaced, recorded, replaced
from loadstore.execution.record import Record
from loadstore.model.ports import EmbedWriting
from loadstore.model.weights import Weights
from loadstore.sites import EMBED

ROOM = 1 << 29  # bytes for the stores of one tile of pairs


@dataclass(frozen=True, eq=False)
class Context:
    """Pairs with everything that is the same for every circuit.

    Args:
        pairs: The pairs.
        base: The replacements.
        scales: The scales of norms: ``free``, or those of the clean runs.
    """

    pairs: Pairs
    base: Replaced
    scales: Scales

    @property
    def weights(self) -> Weights:
        """The model."""
        return self.pairs.model

    @cached_property
    def live(self) -> Live:
        """The live wires of the model."""
        return live(self.weights)

    @cached_property
    def clean(self) -> Float[Tensor, "pair vocab"]:
        """Logits after the last token of each clean prompt."""
        return self.logits(self.live.exists)

    @cached_property
    def all(self) -> Float[Tensor, " pair"]:
        """The metric of each pair with all wires (the clean prompt)."""
        return self.measure(self.clean)

    @cached_property
    def none(self) -> Float[Tensor, " pair"]:
        """The metric of each pair without any wire."""
        return self.of(torch.zeros_like(self.live.exists))

    @cached_property
    def embed(self) -> Stream:
        """The stores of the embedding for the clean prompts."""
        return EmbedWriting(self.weights, EMBED).given(self.pairs.clean, self.pairs.clean)

    @cached_property
    def first(self) -> int:
        """The first token at which a pair can differ."""
        exact = self.base.exact and self.scales is free
        return min(first_difference(self.embed - self.base.embed), min(self.pairs.ends)) if exact else 0

    def measure(self, logits: Float[Tensor, "pair vocab"]) -> Float[Tensor, " pair"]:
        """The metric of each pair from logits; KL compares with the clean run."""
        return self.pairs.measure(logits, self.clean)

    def logits(self, mask: Tensor) -> Float[Tensor, "pair vocab"]:
        """Logits after the last token of each prompt in the run of a circuit."""
        pairs = self.pairs
        return run_circuit(self.weights, self.live, mask, pairs.clean, pairs.ends, self.base, self.scales)

    def without_each(self, mask: Tensor, wires: Sequence[tuple[int, int]]) -> list[np.ndarray]:
        """The metric of each pair without one wire of the circuit, for each of ``wires`` in order."""
        metrics: list[np.ndarray] = [np.empty(0)] * len(wires)
        pairs = self.pairs
        runs = run_without(self.weights, self.live, mask, wires, pairs.clean, pairs.ends, self.base, self.scales)
        for index, logits in runs:
            metrics[index] = self.measure(logits).double().cpu().numpy()
        return metrics

    def of(self, mask: Tensor) -> Float[Tensor, " pair"]:
        """The metric of each pair in the run of a circuit."""
        return self.measure(self.logits(mask))


def contexts(
    pairs: Pairs,
    ablation: Ablation = "counterfactual",
    norms: Norms = "free",
    over: Record | None = None,
) -> Iterator[Context]:
    """Yield contexts with as many pairs each as fit in ``ROOM``.

    Args:
        pairs: The pairs.
        ablation: The values of wires outside the circuit.
        norms: ``"free"``: the scales of the circuit's run; ``"frozen"``: those of the clean run.
        over: For the mean: recorded runs of reference prompts of equal token length. If None, the counterfactual
            prompts.
    """
    weights, step = pairs.model, side_by_side(pairs.model, pairs.clean.shape[1])
    if ablation != "counterfactual" and over is None:
        over = recorded(weights, pairs.counterfactual)
    for low in range(0, len(pairs), step):
        tile = pairs.rows(range(low, min(low + step, len(pairs))))
        record = recorded(weights, tile.counterfactual) if over is None else over
        base = replaced(weights, record, ablation, *tile.clean.shape)
        scales = free if norms == "free" else frozen(recorded(weights, tile.clean))
        yield Context(tile, base, scales)


def side_by_side(weights: Weights, tokens: int) -> int:
    """The number of prompts of ``tokens`` tokens whose stores, for all writers, fit in ``ROOM``."""
    writers = len(live(weights).writers)
    size = torch.finfo(weights.dtype).bits // 8
    return max(1, ROOM // (writers * tokens * weights.architecture.d_model * size))
