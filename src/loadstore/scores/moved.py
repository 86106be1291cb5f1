"""The tokens that a head moves and promotes, and the pairs of tokens that it matches, from the weights alone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from loadstore.linear.decompositions import finite, qr
from loadstore.linear.factored import Factored
from loadstore.model.ports import Norms, ov
from loadstore.model.weights import Weights
from loadstore.scores.options import as_norms
from loadstore.scores.streaming import precise, strongest_entries
from loadstore.scores.vocabulary import HeadName, at_most_vocab, embedded, full_ov, full_qk
from loadstore.sites import parse_head

if TYPE_CHECKING:
    import xarray as xr


def moved(weights: Weights, head: HeadName, *, norms: Norms = "fold", top: int = 10, k: int = 5) -> "xr.Dataset":
    """Find the tokens that a head moves most and those that each promotes: Dataset over token (largest first), place.

    Args:
        weights: The model.
        head: The head.
        norms: ``"fold"`` folds the norms into the matrices, ``"ignore"`` omits them.
        top: How many tokens.
        k: How many promoted tokens for each.

    Returns:
        ``norm``: ‖W_E[t] W_OV‖, the size of the head's store if it attends to t alone. ``promoted`` and ``logit``: the
        k tokens whose logits this store raises most if the unembedding reads it directly, with W_U centred.

    Raises:
        NoSuchSite, BadRequest: The head does not exist, or a count is out of range.
        Undefined: Some numbers are not finite.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> ls.vocabulary.moved(model, "L1.H4", top=3).sizes["token"]
        3
    """
    import xarray as xr

    head, (top, k) = parse_head(head), (at_most_vocab(weights, top, "top"), at_most_vocab(weights, k, "k"))
    move = ov(weights, head, as_norms(norms))
    size = precise(Factored(embedded(weights, move.left), qr(move.right.mT)[1].mT)).dense().norm(dim=1)
    norm, tokens = size.topk(top)
    circuit = full_ov(weights, head, norms)
    logit, promoted = finite(circuit.left[tokens] @ circuit.right).topk(k)
    return xr.Dataset(
        {
            "norm": ("token", norm.cpu().numpy()),
            "text": ("token", texts(weights, tokens.tolist())),
            "promoted": (("token", "place"), promoted.cpu().numpy()),
            "promoted_text": (("token", "place"), [texts(weights, row) for row in promoted.tolist()]),
            "logit": (("token", "place"), logit.cpu().numpy()),
        },
        coords={"token": tokens.cpu().numpy(), "place": np.arange(1, k + 1)},
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "definition": "norm = ||W_E[t] W_OV||; logit = its row of W_E W_OV W_U, W_U centred over the vocabulary",
            "head": str(head),
            "title": f"Tokens that {head} moves most",
            "norms": norms,
            "typical": float(size.median()),
        },
    )


def matched(
    weights: Weights, head: HeadName, *, norms: Norms = "fold", offset: int | None = None, top: int = 10
) -> "xr.Dataset":
    """The query → key token pairs that a head matches best by content: Dataset over pair, best first.

    score = (W_E[q] W_QK W_E[k]ᵀ − its mean over keys) / √d_head: the pair's pre-softmax score, without positions.

    Args:
        weights: The model.
        head: The head.
        norms: ``"fold"`` folds the norms into the matrices, ``"ignore"`` omits them.
        offset: Query − key, for rotary positions.
        top: How many pairs.

    Returns:
        ``score`` in nats, and the tokens of each pair.

    Raises:
        NoSuchSite, BadRequest: The head does not exist, or a count is out of range.
        Undefined: Rotary positions without ``offset``.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> ls.vocabulary.matched(model, "L1.H4", top=3).sizes["pair"]
        3
    """
    import xarray as xr

    circuit = full_qk(weights, head, as_norms(norms), offset=offset)
    right = circuit.right - circuit.right.mean(1, keepdim=True)
    top = at_most_vocab(weights, top, "top")
    score, query, key = strongest_entries(Factored(circuit.left * weights.architecture.attention_scale, right), top)
    return xr.Dataset(
        {
            "query": ("pair", query.cpu().numpy()),
            "key": ("pair", key.cpu().numpy()),
            "query_text": ("pair", texts(weights, query.tolist())),
            "key_text": ("pair", texts(weights, key.tolist())),
            "score": ("pair", score.cpu().numpy()),
        },
        coords={"pair": np.arange(1, top + 1)},
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "definition": "score = (W_E W_QK W_E^T minus its mean over keys) / sqrt(d_head), content only",
            "head": str(head),
            "title": f"Pairs that {head} matches best by content",
            "norms": norms,
            **({} if offset is None else {"offset": offset}),
        },
    )


def texts(weights: Weights, ids: Sequence[int]) -> list[str]:
    """Display texts of tokens: ``␣on``; ⊢ for BOS; ``#17`` if the model has no tokenizer."""
    if (tokens := weights.tokens) is None:
        return [f"#{token}" for token in ids]
    return ["⊢" if token == tokens.bos else tokens.label(token) for token in ids]
