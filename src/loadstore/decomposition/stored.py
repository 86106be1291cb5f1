"""What one token's stream is made of: every store there, its share, and the tokens that it decodes to.

At (layer, token) the stream x is the exact sum of what writers stored: share of c = ⟨x^c, x⟩/‖x‖², signed, summing
to 1. A store decodes to what could have been stored: rows of W_E for embed, of W_pos for pos, and for a head the
rows of W_E (N W_V) W_O, what each token's embedding would make it store; nearest by cosine. Constants decode to
nothing. Above layer 0 heads also move what other heads stored, so a low cosine says: no token's embedding alone.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.reading import in_stream
from loadstore.decomposition.single import one_prompt_index
from loadstore.execution.trace import Trace
from loadstore.linear.factored import Factored
from loadstore.model.ports import EmbedWriting, writing
from loadstore.model.weights import Weights
from loadstore.sites import EMBED, Writer
from loadstore.threads import threads_for

LISTED = ("tokens", "positions")  # rows that can be named


@dataclass(frozen=True)
class Stored:
    """One store at one token: its size, its share of the stream, and the nearest rows as (id, cosine)."""

    writer: str
    norm: float
    share: float
    nearest: tuple[tuple[int, float], ...]


@threads_for(0)
def stores(trace: Trace, layer: int, at: int, top: int = 3) -> tuple[Stored, ...]:
    """Every store in the stream that ``layer`` finds at token ``at``, in depth order.

    Raises Undefined for a batch or a token that is not there, NoSuchSite for a layer that is not there.
    """
    at = one_prompt_index(trace, at)
    stream = trace.residual(layer)[at].double()
    size = stream.square().sum()
    stored: list[Stored] = []
    for writer in in_stream(trace.weights, layer):
        store = trace.written(writer)[at].double()
        share = float(store @ stream / size)
        stored.append(Stored(str(writer), float(store.norm()), share, nearest(trace.weights, writer, store, top)))
    return tuple(stored)


def dictionary(weights: Weights, writer: Writer) -> tuple[Tensor, Tensor | None] | None:
    """Rows that a store is compared with, as a matrix or a product of two; None for a constant and for an MLP."""
    port = writing(weights, writer)
    if port.row_is not in LISTED:
        return None
    matrix = port.map()
    if isinstance(matrix, Factored):
        return EmbedWriting(weights, EMBED).along(matrix.left), matrix.right
    return matrix, None


def nearest(
    weights: Weights, writer: Writer, store: Float[Tensor, " d_model"], top: int = 3
) -> tuple[tuple[int, float], ...]:
    """The rows of a writer's dictionary nearest to one store, as (id, cosine); none for a constant or an MLP.

    The rows of a head, x̂ W_V W_O for every embedding x, are not formed: a store goes back through W_O and W_V, and
    ‖row‖² = L R Rᵀ Lᵀ with L = x̂ W_V and R = W_O is kept for as long as the model is.
    """
    port = writing(weights, writer)
    if port.row_is not in LISTED or not bool(store.any()):
        return ()
    inner = port.along(store)
    assert inner is not None
    lengths = _lengths(weights, writer).to(inner)
    cosines = inner / (lengths.clamp(min=torch.finfo(inner.dtype).tiny ** 0.5) * store.to(inner).norm())
    best = cosines.topk(min(top, len(cosines)))
    return tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True))


_LENGTHS: WeakKeyDictionary[Weights, dict[Writer, Float[Tensor, " row"]]] = WeakKeyDictionary()


def _lengths(weights: Weights, writer: Writer) -> Float[Tensor, " row"]:
    """The norms of the rows of a writer's dictionary."""
    kept = _LENGTHS.setdefault(weights, {})
    if writer not in kept:
        dictionary_factors = dictionary(weights, writer)
        assert dictionary_factors is not None
        left, right = dictionary_factors
        squares = (left * (left if right is None else left @ (right @ right.mT))).sum(-1)
        kept[writer] = squares.clamp(min=0).sqrt()
    return kept[writer]
