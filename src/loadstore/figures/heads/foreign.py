"""Attention patterns of another tool, with their tokens: validated, not rescaled."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from loadstore.errors import BadRequest
from loadstore.quote import quote
from loadstore.views.model import Figure, figure, reading
from loadstore.views.pictures import patterns
from loadstore.visible import visible

SLACK = 1e-3  # half-precision weights exceed 1 by at most this
SHAPES = "[query, key], [head, query, key] or [layer, head, query, key]"


def foreign_patterns(tokens: Any, values: Any, names: Sequence[str] | None = None) -> Figure:
    """One figure of all heads. Raises BadRequest for tokens, shapes, names or weights that do not fit."""
    weights = _weights(values)
    labels = _labels(tokens, weights)
    across = weights.shape[1] if weights.ndim == 4 else None
    heads = _names(weights, names)
    flat = weights.reshape(-1, *weights.shape[-2:])
    causal = not np.triu(flat, 1).any()
    sums = flat.sum(-1)
    whole = bool(np.abs(sums - 1).max() < 0.02)
    claim = (
        f"{len(heads)} {'pattern' if len(heads) == 1 else 'patterns'} on {len(labels)} tokens, "
        f"{'causal' if causal else 'not causal'}; rows sum to "
        + (
            "1."
            if whole
            else f"{sums.min():.2f} to {sums.max():.2f}: they are not softmax rows, and are shown unchanged."
        )
    )
    sink = bool(causal and len(labels) > 1 and flat[:, 1:, 0].mean() > 0.5)
    view = patterns(
        "Attention patterns",
        labels,
        [(name, ()) for name in heads],
        flat,
        across=across,
        causal=causal,
        first_is_sink=sink,
    )
    return figure("Patterns", "Attention patterns", claim, [view], reading("Rows are queries, columns keys."))


def _weights(values: Any) -> np.ndarray:
    """The patterns as an array. Raises BadRequest."""
    try:
        if "complex" in str(getattr(values, "dtype", "")):
            raise TypeError("they are complex")
        detached = values.detach().cpu().float() if hasattr(values, "detach") else values
        array = np.asarray(detached, dtype=float)
    except (TypeError, ValueError, RuntimeError) as error:
        raise BadRequest(
            f"patterns are not an array of numbers ({quote(error)}); give weights of shape {SHAPES}"
        ) from None
    if array.ndim == 5 and array.shape[0] == 1:
        raise BadRequest(f"patterns have a batch axis, {list(array.shape)}; give one prompt's, patterns[0]: {SHAPES}")
    if array.ndim not in (2, 3, 4) or array.size == 0 or array.shape[-1] != array.shape[-2]:
        raise BadRequest(f"patterns have shape {list(array.shape)}; expected {SHAPES} with as many queries as keys")
    if not np.isfinite(array).all():
        raise BadRequest("patterns hold NaN or infinity; give attention after the softmax, masked ones as 0")
    if array.min() < -SLACK or array.max() > 1 + SLACK:
        raise BadRequest(
            f"patterns reach from {array.min():.3g} to {array.max():.3g}; expected weights from 0 to 1, that is after "
            "the softmax: torch.softmax(scores, -1)"
        )
    return array


def _labels(tokens: Any, weights: np.ndarray) -> list[str]:
    """Tokens with their index, as everywhere; labels with an index are kept. Raises BadRequest."""
    if isinstance(tokens, str) or not isinstance(tokens, Sequence):
        raise BadRequest("tokens are a list of strings, one per token; a text is not split here, since tools differ")
    if not all(isinstance(token, str) for token in tokens):
        raise BadRequest("tokens are a list of strings; decode ids first, one string per token")
    if len(tokens) != weights.shape[-1]:
        raise BadRequest(f"there are {len(tokens)} tokens, patterns are {weights.shape[-2]} × {weights.shape[-1]}")
    if all(token.endswith(f"·{index}") for index, token in enumerate(tokens)):
        return list(tokens)
    return [f"{visible(token)}·{index}" for index, token in enumerate(tokens)]


def _names(weights: np.ndarray, names: Sequence[str] | None) -> list[str]:
    """``L1.H4`` for layers and heads, ``H4`` for heads, or the given names. Raises BadRequest."""
    if weights.ndim == 4:
        own = [f"L{layer}.H{head}" for layer in range(weights.shape[0]) for head in range(weights.shape[1])]
    else:
        own = [f"H{head}" for head in range(weights.shape[0])] if weights.ndim == 3 else ["pattern"]
    if names is None:
        return own
    if isinstance(names, str) or len(names) != len(own):
        raise BadRequest(
            f"names= has {len(names)} entries for {len(own)} heads; give one name per head, layer by layer"
        )
    return [str(name) for name in names]
