"""What is measured while training: losses, roles of all heads, and the wires of the induction circuit."""

import math
from typing import Any

import torch
import torch.nn.functional as F

from loadstore.axes import Tokens
from loadstore.execution.forward import forward
from loadstore.heads.roles import head_roles, random_repeats, second_copy_loss
from loadstore.model.weights import Weights
from loadstore.scores.scores import subspace_scores
from loadstore.scores.spectra import spectrum
from loadstore.training.batches import text_windows
from loadstore.training.corpus import Corpus

SEQUENCES = 16


def measure(weights: Weights, corpus: Corpus) -> dict[str, Any]:
    """Losses in nats, role scores per head, K alignments of all heads, sizes of W_E and W_pos."""
    context = weights.architecture.context
    repeats = random_repeats(weights, SEQUENCES)
    roles = head_roles(weights, repeats)
    held = text_windows(corpus.held_out, corpus.bos, SEQUENCES, context, torch.Generator().manual_seed(3))
    text = head_roles(weights, held[:, :-1])
    logits = forward(weights, held[:, :-1])

    def per_head(values: Any) -> dict[str, float | None]:
        return {str(head): _rounded(value) for head, value in zip(values["head"].values, values.values, strict=True)}

    return {
        "text_loss": float(F.cross_entropy(logits.flatten(0, 1), held[:, 1:].flatten())),
        "first_copy_loss": _first_copy_loss(weights, repeats),
        "second_copy_loss": second_copy_loss(weights, repeats),
        **{role: per_head(roles[role]) for role in ("previous", "current", "first", "duplicate", "induction")},
        "previous_on_text": per_head(text.previous),
        "induction_on_text": per_head(text.induction),
        "K_alignment": _K_alignment(weights),
        "directions_80": {
            site: int(spectrum(weights, site).directions.sel(fraction=0.8))
            for site in ("embed", "pos")
            if site == "embed" or weights.architecture.has_pos
        },
    }


def _K_alignment(weights: Weights) -> dict[str, dict[str, float | None]]:
    """Alignment of each head of layer 0 with the keys of each head of layer 1, where there is one."""
    if weights.architecture.n_layers < 2:
        return {}
    scores = subspace_scores(weights, writers="L0.H*", readers="L1.H*.K").alignment
    return {
        str(reader): {str(w): _rounded(scores.sel(writer=w, reader=reader)) for w in scores.writer.values}
        for reader in scores.reader.values
    }


def _first_copy_loss(weights: Weights, repeats: Tokens) -> float:
    """Mean cross-entropy (nats) of predicting the first copy of ``random_repeats``, which nothing predicts."""
    first = repeats[:, : (repeats.shape[1] + 1) // 2]
    logits = forward(weights, first[:, :-1])
    return float(F.cross_entropy(logits.flatten(0, 1), first[:, 1:].flatten()))


def _rounded(value: Any) -> float | None:
    """Four decimals; None for NaN, which JSON cannot hold."""
    number = float(value)
    return None if math.isnan(number) else round(number, 4)
