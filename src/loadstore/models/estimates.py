"""What an analysis of a model will cost: operations, memory above the weights, and time at this machine's own rate.

Counts are of the arithmetic that dominates (a multiplication with its addition is 2); what surrounds it is not counted,
so a time is a lower bound of the right order, not a promise (tests/models/test_estimates.py).
"""

import time
from dataclasses import dataclass

import torch

from loadstore.models.architecture import Architecture
from loadstore.models.weights import Weights

REPEATS, LENGTH, BATCH = 20, 101, 8  # what roles are measured on
CORES = 8  # bytes of a double, which scores are computed in


@dataclass(frozen=True, slots=True)
class Estimate:
    """One analysis: the command or call, floating-point operations, and bytes above the weights."""

    analysis: str
    call: str
    operations: float
    memory: float


def estimates(weights: Weights) -> list[Estimate]:
    """Estimate the analyses that a person is likely to ask for, cheapest first."""
    shape = weights.architecture
    d, vocab, wide = shape.d_model, shape.vocab, weights.dtype.itemsize
    heads = shape.n_layers * shape.n_heads
    writers, readers = _widths(shape)
    tokens = min(LENGTH, shape.context)
    kept = shape.n_layers * (d + 5 * shape.n_heads * shape.d_head)  # numbers a token: the stream, q, k, v, z and stores
    found = [
        Estimate("spectrum of a head", "loadstore spectrum MODEL L0.H0", 10.0 * d**3, 3.0 * d * d * CORES),
        Estimate(
            "logits of 20 tokens",
            "run(model, …)",
            _run(shape, 20),
            20.0 * vocab * wide + layer_parameters(shape) * wide,
        ),
        Estimate(
            "roles of all heads",
            "loadstore heads MODEL",
            _run(shape, tokens) * REPEATS,
            BATCH * tokens * wide * (vocab + heads * tokens + kept * 1.0),
        ),
        Estimate(
            "OV copying of a head",
            "copying(model, 'L0.H0')",
            2.0 * vocab * vocab * shape.d_head,
            2.0 * vocab * d * wide,
        ),
        Estimate(
            "subspace scores of one head",
            "loadstore scores MODEL --reader 'L0.H0.*'",
            2.0 * writers * d * 3 * shape.d_head + 10.0 * _cubes(shape),
            1.0 * writers * d * CORES,
        ),
        Estimate(
            "subspace scores of all wires",
            "loadstore scores MODEL",
            2.0 * writers * d * readers + 10.0 * _cubes(shape),
            1.0 * (writers + readers) * d * CORES,
        ),
    ]
    return sorted(found, key=lambda one: one.operations)


def layer_parameters(shape: Architecture) -> float:
    """Parameters of one layer's matrices."""
    attention = shape.d_model * shape.d_head * (2 * shape.n_heads + 2 * shape.kv_heads)
    mlp = 0 if shape.mlp is None else shape.d_model * shape.mlp.width * (3 if shape.mlp.gated else 2)
    return float(attention + mlp)


def _run(shape: Architecture, tokens: int) -> float:
    """Operations of one forward pass over ``tokens`` tokens, patterns included."""
    attention = 4.0 * shape.n_layers * shape.n_heads * shape.d_head * tokens * tokens
    return 2.0 * tokens * (shape.n_layers * layer_parameters(shape) + shape.d_model * shape.vocab) + attention


def _widths(shape: Architecture) -> tuple[int, int]:
    """Rows of all writers' cores and columns of all readers', each no more than d_model."""
    heads = shape.n_layers * shape.n_heads * shape.d_head
    mlps = 0 if shape.mlp is None else shape.n_layers * shape.d_model
    return heads + mlps + shape.d_model, 3 * heads + mlps + shape.d_model


def _cubes(shape: Architecture) -> float:
    """d_model³ for every site as wide as the stream, and the Gram matrix of the embedding."""
    wide = 1 + (0 if shape.mlp is None else shape.n_layers)
    return wide * float(shape.d_model) ** 3 + shape.vocab * float(shape.d_model) ** 2 / 5


def matmul_rate(size: int = 1024, runs: int = 5) -> float:
    """Operations per second of float32 matrix products here and now, the median of a few."""
    a = torch.randn(size, size)
    times: list[float] = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        torch.mm(a, a)
        times.append(time.perf_counter() - start)
    return 2.0 * size**3 / sorted(times[1:])[runs // 2]
