"""Vocabulary maps: the maps of heads from token to token, from the weights alone.

    full OV         W_E W_OV W_U           attended token × promoted token
    full QK         W_E W_QK W_Eᵀ          query token × key token
    K-composition   W_E W_QK (W_OV)ᵀ W_Eᵀ  query token × token that an earlier head moved into the key

W_U is centred over the vocabulary, since a common shift of all logits has no effect. Norms are folded into the
matrices. Biases are omitted, as is a token's own positive factor 1/σ. No vocab × vocab matrix is formed
(scores.streaming). Source: Elhage et al. 2021; ARENA, Intro to mech interp.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import BadRequest
from loadstore.linear.factored import Factored
from loadstore.model.norms import apply_gain, centred
from loadstore.model.ports import EmbedWriting, Norms, ov, qk, reading
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.scores.options import as_norms, as_offsets
from loadstore.scores.streaming import diagonal_ranks, precise
from loadstore.sites import EMBED, UNEMBED, Head, Reader, parse_head

if TYPE_CHECKING:
    import xarray as xr

HeadName = Head | str


def embedded(weights: Weights, matrix: Float[Tensor, "d_model inside"]) -> Float[Tensor, "vocab inside"]:
    """W_E times a matrix."""
    return EmbedWriting(weights, EMBED).along(matrix)


def promoted(weights: Weights, rows: Float[Tensor, "row d_model"], norms: Norms) -> Float[Tensor, "row vocab"]:
    """Rows of the stream times W_U centred over the vocabulary, with the final norm folded in."""
    unembed = reading(weights, UNEMBED)
    if norms == "fold" and unembed.norm is not None:
        rows = apply_gain(centred(rows, unembed.norm), unembed.norm)
    logits = rows @ unembed.matrix
    return logits - logits.mean(1, keepdim=True)


def full_ov(weights: Weights, heads: HeadName | Sequence[HeadName], norms: Norms = "fold") -> Factored:
    """W_E W_OV W_U, summed over the given heads and factored through their d_head; rows are attended tokens."""
    moves = [ov(weights, head, norms) for head in _heads(weights, heads)]
    left = embedded(weights, torch.cat([move.left for move in moves], 1))
    return precise(Factored(left, promoted(weights, torch.cat([move.right for move in moves]), norms)))


def full_qk(weights: Weights, head: HeadName, norms: Norms = "fold", *, offset: int | None = None) -> Factored:
    """W_E W_QK W_Eᵀ; rows are query tokens. Raises Undefined if ``offset`` is missing under rotary positions."""
    as_offsets(weights, offset)
    match = qk(weights, parse_head(head), norms, offset=offset)
    return precise(Factored(embedded(weights, match.left), embedded(weights, match.right.mT).mT))


def k_composition(
    weights: Weights, later: HeadName, earlier: HeadName, norms: Norms = "fold", *, offset: int | None = None
) -> Factored:
    """W_E W_QK (W_OV)ᵀ W_Eᵀ; rows are query tokens, columns are tokens that ``earlier`` moved into the key.

    Raises NoSuchWire if ``earlier`` does not reach ``later``, Undefined under rotary positions without ``offset``.
    """
    as_offsets(weights, offset)
    later, earlier = parse_head(later), parse_head(earlier)
    wiring(weights).wire(str(earlier), Reader(later.layer, later.index, "K"))
    match, move = qk(weights, later, norms, offset=offset), ov(weights, earlier, norms)
    key = embedded(weights, move.left) @ (move.right @ match.right.mT)
    return precise(Factored(embedded(weights, match.left), key.mT))


def copying(
    weights: Weights, heads: HeadName | Sequence[HeadName], *, norms: Norms = "fold", k: Sequence[int] = (1, 5)
) -> "xr.Dataset":
    """Test whether heads promote the tokens they attend to: accuracy of the full OV's diagonal over k, and eigenvalues.

    Args:
        weights: The model.
        heads: One head, or several whose OV maps are added.
        norms: ``"fold"`` folds the norms into the matrices, ``"ignore"`` omits them.
        k: A token counts if it is among the k that its own row promotes most (a tie does not count).

    Returns:
        ``accuracy`` (k): the share of tokens that count; ``chance``: k / vocab; ``eigenvalue_score``: Σλ/Σ|λ| of the
        summed map, 1 when every eigenvalue is positive.

    Raises:
        NoSuchSite, BadRequest: A head does not exist, no heads are given, or a k is out of range.

    Source: Elhage et al. 2021 (copying); ARENA for the accuracy.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> copying = ls.vocabulary.copying(model, "L1.H4")
        >>> bool(copying.accuracy.sel(k=1) > copying.chance.sel(k=1))
        True
    """
    circuit = full_ov(weights, heads, as_norms(norms))
    names = " + ".join(map(str, _heads(weights, heads)))
    return (
        accuracy(weights, {"": circuit}, k, circuit, "share of tokens whose own logit is among the k largest")
        .assign(eigenvalue_score=eigenvalue_score(circuit))
        .assign_attrs(heads=names, norms=norms, title=f"Copying by {names}")
    )


def key_composition(
    weights: Weights,
    later: HeadName,
    earlier: HeadName,
    *,
    norms: Norms = "fold",
    offset: int | None = None,
    k: Sequence[int] = (1,),
) -> "xr.Dataset":
    """Test whether ``later`` searches for the token that ``earlier`` moved: accuracy over direction and k.

    Args:
        weights: The model.
        later: The head that searches.
        earlier: The head that moved the token.
        norms: ``"fold"`` folds the norms into the matrices, ``"ignore"`` omits them.
        offset: Query − key, for rotary positions.
        k: How many of the highest scores count.

    Returns:
        ``accuracy`` (direction, k). "key of query": of all moved tokens, a query token's own is among the k highest;
        "query of key": of all query tokens, a moved token's own is (ARENA prints this one, the transposed map).

    Raises:
        NoSuchWire: ``earlier`` is not below ``later``.
        Undefined: ``offset`` is missing under rotary positions.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> result = ls.vocabulary.key_composition(model, "L1.H4", "L0.H7")
        >>> result.accuracy.dims
        ('direction', 'k')
    """
    circuit = k_composition(weights, later, earlier, as_norms(norms), offset=offset)
    ways = {"key of query": circuit, "query of key": circuit.T}
    definition = "share of tokens whose own score is among the k largest of its row (key of query) or column"
    return accuracy(weights, ways, k, circuit, definition).assign_attrs(
        later=str(later), earlier=str(earlier), norms=norms, title=f"K-composition {earlier} → {later}"
    )


def eigenvalue_score(circuit: Factored) -> float:
    """Σλ/Σ|λ| of a square map, from its core; real, as complex eigenvalues come in pairs; NaN for a zero map."""
    values = circuit.eigenvalues()
    size = float(values.abs().sum())
    return float(values.real.sum()) / size if size > 0 else float("nan")


def accuracy(
    weights: Weights, ways: dict[str, Factored], k: Sequence[int], circuit: Factored, definition: str
) -> "xr.Dataset":
    """accuracy (over k, and over direction if there are several) and chance, with the compute dtype."""
    import xarray as xr

    places = [at_most_vocab(weights, rank_limit, "k") for rank_limit in k]
    ranks = [diagonal_ranks(way) for way in ways.values()]
    values = np.array([[float((rank < rank_limit).double().mean()) for rank_limit in places] for rank in ranks])
    single = len(ways) == 1
    return xr.Dataset(
        {
            "accuracy": ("k", values[0]) if single else (("direction", "k"), values),
            "chance": ("k", np.array(places) / weights.architecture.vocab),
        },
        coords={"k": places} if single else {"direction": list(ways), "k": places},
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "definition": definition,
            "precision": str(circuit.left.dtype).split(".")[-1],
        },
    )


def _heads(weights: Weights, heads: HeadName | Sequence[HeadName]) -> list[Head]:
    """The distinct named heads. Raises NoSuchSite, BadRequest if there are none."""
    named = [heads] if isinstance(heads, Head | str) else heads
    checked = [weights.architecture.check(parse_head(head), weights.name) for head in named]
    if not checked:
        raise BadRequest("no head was named; give one such as 'L1.H4', or a list of them")
    return list(dict.fromkeys(checked))


def at_most_vocab(weights: Weights, count: int, name: str) -> int:
    """Check a number of tokens. Raises BadRequest."""
    if not 1 <= count <= weights.architecture.vocab:
        raise BadRequest(
            f"{name} = {count}: expected a whole number from 1 to the vocabulary, {weights.architecture.vocab}"
        )
    return count
