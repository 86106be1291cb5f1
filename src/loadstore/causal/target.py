"""The log-probability of next tokens, from the unembedding's input, computed for a few logit rows at a time."""

from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Stream
from loadstore.execution.forward import unembed
from loadstore.execution.trace import Trace
from loadstore.model.norms import normalise

Target: TypeAlias = tuple[int, int]  # at, token
ROWS = 512  # rows of logits at a time


def last_read(trace: Trace) -> Stream:
    """The unembedding's input in a recorded run without edits."""
    assert trace.record.final is not None
    return normalise(trace.record.final, trace.weights.norm(None), trace.weights.architecture.eps)[0]


def target_log_probability(trace: Trace, read: Stream, target: Target | None) -> Float[Tensor, " run"]:
    """Log-probability of the next tokens, for each of several runs of one batch of prompts.

    Args:
        trace: The run whose prompts they share.
        read: The unembedding's input in each run [run × prompt, token, d_model].
        target: A token's index, and the expected next id; if None, the actual next token after every token.

    Returns:
        Nats, mean over prompts (and tokens).
    """
    many = len(read) // len(trace.tokens)
    if target is not None:
        rows, expected = read[:, target[0]], torch.tensor([target[1]]).expand(len(read))
    else:
        rows, expected = read[:, :-1].flatten(0, 1), trace.tokens[:, 1:].repeat(many, 1).flatten()
    log_probabilities = [
        unembed(trace.weights, chunk[None])[0].log_softmax(-1).gather(1, ids[:, None].to(chunk.device))[:, 0]
        for chunk, ids in zip(rows.split(ROWS), expected.split(ROWS), strict=True)
    ]
    return torch.cat(log_probabilities).view(many, -1).mean(1)


def prediction_change(trace: Trace, read: Stream) -> tuple[float, float]:
    """The change of the predictions for another input: total variation and KL(p‖p′) in nats, mean over tokens."""
    moved = kl = 0.0
    for was, now in zip(last_read(trace).flatten(0, 1).split(ROWS), read.flatten(0, 1).split(ROWS), strict=True):
        log_p, log_q = (unembed(trace.weights, rows[None])[0].log_softmax(-1) for rows in (was, now))
        moved += float(0.5 * (log_p.exp() - log_q.exp()).abs().sum())
        kl += float((log_p.exp() * (log_p - log_q)).sum())
    count = trace.tokens.numel()
    return moved / count, kl / count
