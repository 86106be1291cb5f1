"""Make the held-out sample that ships beside the built-in model, with n-gram losses on it.

    python recipes/held_out.py run/ src/loadstore/data/held_out.safetensors

The n-gram models are interpolated with absolute discounting (D = .75), counted on the training tokens:
p(w|h) = max(c(hw) − D, 0)/c(h) + D · N(h)/c(h) · p(w|h′), down to an add-one unigram.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from loadstore.training.batches import text_windows
from loadstore.training.prepare import kept

SEQUENCES = 64
LENGTH = 256
DISCOUNT = 0.75


class Ngram:
    """Counts of one order, and the model of the order below."""

    def __init__(self, tokens: np.ndarray, vocab: int, order: int) -> None:
        self.order, self.vocab = order, vocab
        grams = keys(tokens, vocab, order)
        self.grams, self.counts = np.unique(grams, return_counts=True)
        histories = self.grams // vocab
        self.histories, first = np.unique(histories, return_index=True)
        self.totals = np.add.reduceat(self.counts, first)
        self.kinds = np.diff(np.append(first, len(self.grams)))
        self.lower = Ngram(tokens, vocab, order - 1) if order > 1 else None

    def probability(self, tokens: np.ndarray) -> np.ndarray:
        """p of every token from the ``order``-th on, given those before it."""
        if self.lower is None:
            return (lookup(self.grams, self.counts, tokens) + 1) / (self.counts.sum() + self.vocab)
        grams = keys(tokens, self.vocab, self.order)
        below = self.lower.probability(tokens)[1:]
        total = lookup(self.histories, self.totals, grams // self.vocab)
        kinds = lookup(self.histories, self.kinds, grams // self.vocab)
        seen = np.maximum(lookup(self.grams, self.counts, grams) - DISCOUNT, 0)
        known = total > 0
        return np.where(known, (seen + DISCOUNT * kinds * below) / np.maximum(total, 1), below)


def keys(tokens: np.ndarray, vocab: int, order: int) -> np.ndarray:
    """Every run of ``order`` tokens as one integer."""
    wide = tokens.astype(np.int64)
    out = wide[: len(wide) - order + 1]
    for shift in range(1, order):
        out = out * vocab + wide[shift : len(wide) - order + 1 + shift]
    return out


def lookup(known: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The value of each wanted key, 0 where it was never seen."""
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[place] == wanted, values[place], 0)


def losses(model: Ngram, lower: Ngram, rows: np.ndarray) -> np.ndarray:
    """Mean −log p per row; the first predictions, whose history is too short, are the lower model's."""
    out = []
    for row in rows:
        p = model.probability(row)
        early = lower.probability(row)[: len(row) - 1 - len(p)] if len(p) < len(row) - 1 else p[:0]
        out.append(-np.log(np.concatenate([early, p])).mean())
    return np.array(out)


def main(run: Path, target: Path) -> None:
    """Count, measure, write."""
    corpus = kept(run)
    vocab = corpus.tokenizer.get_vocab_size()
    rows = text_windows(corpus.held_out, corpus.bos, SEQUENCES, LENGTH, torch.Generator().manual_seed(11))
    trigram = Ngram(corpus.train, vocab, 3)
    bigram = trigram.lower
    results = {
        "tokens": rows.to(torch.int16),
        "bigram": torch.from_numpy(losses(bigram, bigram, rows.numpy())),
        "trigram": torch.from_numpy(losses(trigram, bigram, rows.numpy())),
    }
    save_file(results, target)
    print({name: float(value.double().mean()) for name, value in results.items() if name != "tokens"})


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
