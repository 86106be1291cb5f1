"""The loss with only those paths that go through given numbers of heads, on a corpus."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from loadstore.corpora.corpus import Source, read_corpus
from loadstore.decomposition.orders import logits_by_order
from loadstore.execution.run import run
from loadstore.model.weights import Weights
from loadstore.progress import Progress

if TYPE_CHECKING:
    import xarray as xr

MEASURES = ("loss_up_to", "loss_without")


def term_importance(
    weights: Weights,
    corpus: Source = "default",
    *,
    tokens: int | None = None,
    length: int | None = None,
    progress: Progress | None = None,
) -> "xr.Dataset":
    """Loss by the order of paths, patterns and norm scales frozen: Dataset over order, for attention-only models.

    Order n: paths through n heads; 0 is the direct path.

    Args:
        weights: The model.
        corpus: The shipped corpus, a folder, a file, texts or token ids.
        tokens: Read at most this many tokens.
        length: The length of a piece, in tokens.
        progress: Called with (done, total) counts of documents.

    Returns:
        loss_up_to: mean loss (nats per token) with all paths through at most n heads; loss_without: with all other
        paths than those through n heads; ``intact`` (scalar): with all paths. Standard errors are over documents (NaN
        for one).

    Raises:
        Undefined: The model has MLPs.
        BadRequest, BadPrompt: The corpus cannot be read.

    Source: Elhage et al. 2021.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> texts = ["the cat sat on the mat. the dog sat on the log.", "one two three one two three"]
        >>> ls.experiments.term_importance(model, texts).sizes
        Frozen({'order': 3})
    """
    import xarray as xr

    text = read_corpus(weights, corpus, length=length, tokens=tokens)
    depth = weights.architecture.n_layers + 1
    sums, counts = np.zeros((len(text.documents), 2, depth)), np.zeros(len(text.documents))
    whole = np.zeros(len(text.documents))
    for document, pieces in enumerate(text.documents):
        for piece in pieces:
            logits = logits_by_order(run(weights, piece[None], record=True))[:, 0, :-1]
            up_to = logits.cumsum(0)
            sums[document, 0] += [_loss(part, piece) for part in up_to]
            sums[document, 1] += [_loss(up_to[-1] - part, piece) for part in logits]
            whole[document] += _loss(up_to[-1], piece)
            counts[document] += len(piece) - 1
        if progress is not None:
            progress(document + 1, len(text.documents))
    total = counts.sum()
    means = sums.sum(0) / total
    pull = (sums - counts[:, None, None] * means) / total
    many = len(text.documents)
    spread = np.sqrt(np.square(pull).sum(0) * many / (many - 1)) if many > 1 else means * np.nan
    return xr.Dataset(
        {
            **{name: ("order", means[i]) for i, name in enumerate(MEASURES)},
            **{f"{name}_se": ("order", spread[i]) for i, name in enumerate(MEASURES)},
            "intact": ((), whole.sum() / total),
        },
        coords={"order": np.arange(depth)},
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "corpus": text.name,
            "documents": many,
            "tokens": int(total),
            "title": f"What {weights.name} predicts with how many heads in a row",
            "definition": "paths by the number of heads that they go through; patterns and norm scales frozen",
        },
    )


def _loss(logits: torch.Tensor, piece: torch.Tensor) -> float:
    """Summed negative log-probability of the next tokens."""
    return -float(logits.log_softmax(-1).gather(1, piece[1:, None].to(logits.device)).sum())
