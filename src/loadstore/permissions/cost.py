"""The cost of enforcement: loss and divergence of the predictions on text."""

from dataclasses import dataclass

import torch

from loadstore.corpora.corpus import Corpus
from loadstore.execution.run import run
from loadstore.model.weights import Weights
from loadstore.progress import Progress


@dataclass(frozen=True)
class Cost:
    """Mean next-token loss before and after, and KL(before‖after), in nats, on ``tokens`` tokens."""

    before: float
    after: float
    divergence: float
    tokens: int


def cost(weights: Weights, enforced: Weights, corpus: Corpus, progress: Progress | None = None) -> Cost:
    """Run a corpus through both models. The first token of a piece has no context and is left out."""
    pieces = [piece for document in corpus.documents for piece in document]
    sums, count = torch.zeros(3, dtype=torch.float64), 0
    for done, piece in enumerate(pieces, 1):
        was, now = (run(model, piece).logits[:-1].double().log_softmax(-1) for model in (weights, enforced))
        for which, each in enumerate((was, now)):
            sums[which] -= each.gather(1, piece[1:, None]).sum()
        sums[2] += (was.exp() * (was - now)).sum()
        count += len(piece) - 1
        if progress is not None:
            progress(done, len(pieces))
    before, after, divergence = (sums / count).tolist()
    return Cost(before, after, divergence, count)
