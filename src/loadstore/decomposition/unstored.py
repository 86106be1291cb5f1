"""The part of a contrast of scores that no writer stores: the bias of ALiBi, and the score of a head's sink.

    Σ_j d_j (b_ij − b)      d_j the weights of the keys;  b_ij = −m (i − j);  b the score of the sink

The weights of keys and sink sum to 0, so that the sink's is −Σ_j d_j: 0 in a contrast of keys alone, and its own weight
less 1/(n + 1) in the row as a whole, where it competes with the n keys. Test: tests/theorems/test_sinks.py.
"""

from jaxtyping import Float
from torch import Tensor

from loadstore.model.recency import recency_of
from loadstore.model.weights import Weights
from loadstore.sites import Head


def unstored(weights: Weights, head: Head, at: int, first: int, direction: Float[Tensor, " allowed"]) -> float:
    """The part of the contrast ``direction`` over the keys from ``first`` to ``at``, in nats; 0 where there is none."""
    part = float(direction @ recency_of(weights.architecture, head, at, direction)[first:])
    sinks = weights.sinks(head.layer)
    return part if sinks is None else part - float(direction.sum() * sinks[head.index])
