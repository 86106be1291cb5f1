"""The contents of one token's stream: every store there, its share, and the tokens that it decodes to.

At (layer, token) the stream x is the exact sum of the writers' stores; the share of c = ⟨x^c, x⟩/‖x‖² is signed, and
shares sum to 1. A store is decoded to the nearest rows, by cosine, of the writer's dictionary: W_E for embed, W_pos for
pos, and W_E (N W_V) W_O for a head, the stores that single token embeddings would produce. Constants have no
dictionary. Above layer 0 heads also move other heads' stores, so a low cosine means: not one token's embedding alone.
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

LISTED = ("tokens", "positions")  # kinds of rows that have names


@dataclass(frozen=True)
class Stored:
    """One store at one token: its size, its share of the stream, and the nearest rows as (id, cosine)."""

    writer: str
    norm: float
    share: float
    nearest: tuple[tuple[int, float], ...]


@threads_for(0)
def stores(trace: Trace, layer: int, at: int, top: int = 3) -> tuple[Stored, ...]:
    """Every store in the stream before ``layer`` at token ``at``, in depth order.

    Raises Undefined for a batch or a token that does not exist, NoSuchSite for a layer that does not exist.
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
    """The rows that a store is compared with, as a matrix or a product of two; None for a constant or an MLP."""
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
    """The rows of a writer's dictionary nearest to one store, as (id, cosine); empty for a constant or an MLP.

    The rows for a head, x̂ W_V W_O for every embedding x, are not formed. Instead the store is mapped back through W_O
    and W_V. The norms ‖row‖² = L R Rᵀ Lᵀ, with L = x̂ W_V and R = W_O, are cached as long as the model exists.
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
