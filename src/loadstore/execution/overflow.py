"""Turns non-finite numbers in a pass into an error that names the layer."""

from collections.abc import Sequence

import torch

from loadstore.axes import Logits, Tokens
from loadstore.execution.attention import overflow
from loadstore.execution.edits import Edit
from loadstore.execution.forward import forward
from loadstore.execution.record import Record
from loadstore.model.finite import is_finite
from loadstore.model.weights import Weights


def finite(weights: Weights, tokens: Tokens, edits: Sequence[Edit], logits: Logits) -> Logits:
    """Return the logits of a pass. If they are not all finite, raises Undefined and names the first such layer."""
    if logits.is_meta or is_finite(logits):
        return logits
    record = Record()
    with torch.no_grad():
        forward(weights, tokens, edits, record)  # raises for the embedding and for every layer but the last
    assert record.final is not None
    sound = is_finite(record.final)
    raise overflow(logits.dtype, "in the unembedding" if sound else f"in layer {len(record.layers) - 1}")
