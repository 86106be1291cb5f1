"""A pass by the number of heads on each path, patterns and norm scales frozen.

    x = Σ_n x⁽ⁿ⁾      x⁽⁰⁾ = embeddings and biases;  a head at query i adds Σ_j A_ij N(x_j⁽ⁿ⁻¹⁾) W_V W_O to order n

With A and 1/σ frozen, heads are linear in their input, so the orders sum exactly to the stream. The constant part of a
head's store (from b_V, and from β through W_V) is of order 1. Tests: tests/decomposition/test_orders.py.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.decomposition import turned
from loadstore.decomposition.reading import norm_of
from loadstore.errors import Undefined
from loadstore.execution.trace import Trace
from loadstore.model.norms import through_norm
from loadstore.model.ports import heads_out, reading
from loadstore.sites import UNEMBED, Reader


def by_order(trace: Trace) -> Float[Tensor, "order batch token d_model"]:
    """The final stream by order, from 0 to the number of layers. The sum over orders is the unembedding's input stream.

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
        norm, scale = norm_of(trace, Reader(layer, 0, "V"))
        out = heads_out(weights, layer)
        read = torch.stack([through_norm(part, norm, scale) for part in orders[: layer + 1]])
        for head in range(shape.n_heads):
            port, row = reading(weights, Reader(layer, head, "V")), record.mixing[:, head]
            moved = read @ port.matrix
            moved[0] += port.const
            orders[1 : layer + 2] += row @ turned(trace, port.reader, moved) @ out[head]
        if record.bias is not None:
            orders[0] += record.bias
    return orders


def logits_by_order(trace: Trace) -> Float[Tensor, "order batch token vocab"]:
    """The logits by order, the final norm's scale frozen; the biases of the unembedding count as order 0."""
    port, (_, scale) = reading(trace.weights, UNEMBED), norm_of(trace, UNEMBED)
    W_U = port.matrix
    parts = torch.stack([port.through(part, scale) @ W_U for part in by_order(trace)])
    parts[0] += port.const
    return parts
