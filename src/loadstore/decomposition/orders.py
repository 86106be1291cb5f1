"""A pass by the number of heads that a path went through, patterns and norm scales frozen.

    x = Σ_n x⁽ⁿ⁾      x⁽⁰⁾ = embeddings and biases;  a head at query i adds Σ_j A_ij N(x_j⁽ⁿ⁻¹⁾) W_V W_O to order n

Heads are linear in what they read once A and 1/σ are frozen, so the orders sum to the stream exactly. What a head
stores whatever it reads (b_V, and β through W_V) is of order 1. Tests: tests/decomposition/test_orders.py.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.decomposition import constant
from loadstore.decomposition.reading import norm_of
from loadstore.errors import Undefined
from loadstore.execution.trace import Trace
from loadstore.model.norms import through_norm
from loadstore.sites import UNEMBED, Reader


def by_order(trace: Trace) -> Float[Tensor, "order batch token d_model"]:
    """The final stream by order, 0 to the number of layers: Σ over orders is what the unembedding finds.

    Raises Undefined for a model with MLPs, which are not linear, and for an edited run.
    """
    weights, shape = trace.weights, trace.weights.architecture
    if shape.mlp is not None:
        raise Undefined(f"{weights.name} has MLPs, which are not linear in what they read: its passes have no orders")
    if trace.edits:
        raise Undefined("the orders of a run with edits are not those of the model; run the prompt without them")
    start = trace.residual(0) if trace.batched else trace.residual(0)[None]
    orders = start.new_zeros(shape.n_layers + 1, *start.shape)
    orders[0] = start
    for layer, record in enumerate(trace.record.layers):
        own = weights.layers[layer]
        norm, scale = norm_of(trace, Reader(layer, 0, "V"))
        read = torch.stack([through_norm(part, norm, scale) for part in orders[: layer + 1]])
        for head in range(shape.n_heads):
            weighed = weights.head(shape.heads[layer * shape.n_heads + head])
            W_V, b_V = weighed.side("V")
            moved = record.pattern[:, head] @ (read @ W_V) @ weighed.W_O
            moved[0] += record.pattern[:, head].sum(-1, keepdim=True) * (constant(W_V, norm, b_V) @ weighed.W_O)
            orders[1 : layer + 2] += moved
        if own.b_O is not None:
            orders[0] += weights.wide(own.b_O)
    return orders


def logits_by_order(trace: Trace) -> Float[Tensor, "order batch token vocab"]:
    """The logits by order, the last norm's scale frozen; the biases of the unembedding count as order 0."""
    weights = trace.weights
    norm, scale = norm_of(trace, UNEMBED)
    W_U = weights.wide(weights.W_U)
    parts = torch.stack([through_norm(part, norm, scale) @ W_U for part in by_order(trace)])
    parts[0] += constant(W_U, norm, None if weights.b_U is None else weights.wide(weights.b_U))
    return parts
