"""The second moment of the stream on a corpus, at every point where it is read; the stream's null keeps it.

    S = E uᵀu        u_t = (x_t − x̄)/σ_t        x̄ and E over all tokens but the first of each piece

where x is the sum of all stores and σ the norm's frozen scale; centred if the norm centres. The gain is not included
because it belongs to the reader. Source: the moments of traffic, docs/traffic.md and docs/which-null.md.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.corpora.corpus import Source
from loadstore.model.norms import apply_gain
from loadstore.model.points import Point
from loadstore.model.ports import reading_at
from loadstore.model.weights import Weights
from loadstore.progress import Progress
from loadstore.wire_traffic.blocks import Memory
from loadstore.wire_traffic.given import given_moments
from loadstore.wire_traffic.moments import Moments

ROWS = 4096  # tokens that are widened at a time


def stream_moments(
    weights: Weights,
    corpus: "Source | Moments" = "default",
    *,
    tokens: int | None = None,
    progress: Progress | None = None,
) -> Mapping[Point, Float[Tensor, "d_model d_model"]]:
    """S at every point, in double precision: ``ls.subspace_scores(model, null="stream", stream=…)``.

    With shortformer positions, also S of γu + p_t − p̄ after the norm, the whole input of Q and K.

    Args:
        weights: The model.
        corpus: The shipped corpus, a folder, a file, texts, token ids, or a result of ``moments``.
        tokens: Read at most this many tokens of the corpus.
        progress: Called with (done, total) counts.

    Returns:
        The second moment [d_model, d_model] of the stream at each point.

    Raises:
        BadRequest, BadPrompt, Undefined: The corpus cannot be read or measured.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> texts = ["the cat sat on the mat. the dog sat on the log.", "one two three one two three"]
        >>> stream = ls.statistics.stream_moments(model, texts)
        >>> scores = ls.subspace_scores(model, readers="L1.H4.K", null="stream", stream=stream)
        >>> scores.sizes["reader"]
        1
    """
    kept = given_moments(weights, corpus, readers="unembed", tokens=tokens, progress=progress)
    memory, second = Memory(kept), dict[Point, Tensor]()
    for point in sorted(kept.inverse_scale):
        port, (rows, behind) = reading_at(kept.weights, point), memory.stream(point)
        rows = port.centred(rows)
        second[point] = _second(rows[kept.later])
        if behind is not None and not point.mlp:
            gained = rows if port.norm is None else apply_gain(rows, port.norm)
            second[point._replace(behind=True)] = _second((gained + behind)[kept.later])
    return second


def _second(rows: Float[Tensor, "token d_model"]) -> Float[Tensor, "d_model d_model"]:
    d = rows.shape[1]
    total = torch.zeros(d, d, dtype=torch.float64, device=rows.device)
    for chunk in rows.split(ROWS):
        wide = chunk.double()
        total += wide.mT @ wide
    return total / len(rows)
