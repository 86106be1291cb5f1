"""What is measured of a run: values that are called with a run and the intact one, and give a number for each prompt.

    log_probability   log p(token | tokens up to at)                        nats
    logit_difference  logit(a) − logit(b) at one token; of several targets the mean
    probability_difference  p(a) − p(b) at one token; of several targets the sum
    kl                KL(p‖p′), p intact; at one token, or mean over all    nats
    loss              −mean log p(next token), of all or from one on        nats
    pattern_entry     A[query, key] of one head

A plain function of a run of one prompt is a metric too, and so is one of ``logits`` [prompt, vocab], those after the
last token of each prompt: its argument has that name. Tests: tests/causal/test_metrics.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from loadstore.causal.predictions import (
    DivergenceAt,
    LogitDifference,
    LogProbability,
    Metric,
    OfLogits,
    Prediction,
    ProbabilityDifference,
    compared,
    divergence,
)
from loadstore.causal.targets import Targets, chosen
from loadstore.errors import BadPrompt, BadRequest
from loadstore.execution.positions import At, token_indices
from loadstore.execution.trace import Trace
from loadstore.sites import Head, parse_head

Measured: TypeAlias = Metric | Callable[[Trace], float | Tensor] | Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class _Divergence(OfLogits):
    def __call__(self, trace: Trace, intact: Trace | None = None) -> Float[Tensor, " batch"]:
        return divergence(trace.all_logits, compared(intact).all_logits).nanmean(-1)  # NaN behind shorter prompts

    def __str__(self) -> str:
        return "KL of the predictions from the intact ones, mean over tokens, nats"


@dataclass(frozen=True)
class _Loss(OfLogits):
    start: int

    def __call__(self, trace: Trace, intact: Trace | None = None) -> Float[Tensor, " batch"]:
        if min(trace.lengths) < 2:
            raise BadPrompt("a prompt of one token has nothing to predict; give a longer one")
        starts = token_indices(trace, self.start)
        if any(start > length - 2 for start, length in zip(starts, trace.lengths, strict=True)):
            raise BadRequest(f"nothing follows token {self.start}; begin the loss earlier")
        start = min(starts)
        following = trace.tokens[:, start + 1 :].to(trace.all_logits.device)
        losses = F.cross_entropy(trace.all_logits[:, start:-1].mT, following, reduction="none")
        if len(set(starts)) == 1 and not trace.padded:
            return losses.mean(-1)
        ends = [slice(first - start, length - 1 - start) for first, length in zip(starts, trace.lengths, strict=True)]
        return torch.stack([row[end].mean() for row, end in zip(losses, ends, strict=True)])

    def __str__(self) -> str:
        return f"loss, mean over {f'what follows token {self.start} and later' if self.start else 'tokens'}, nats"


@dataclass(frozen=True)
class _PatternEntry(Metric):
    head: Head
    query: At
    key: At

    def __call__(self, trace: Trace, intact: Trace | None = None) -> Float[Tensor, " batch"]:
        head = trace.weights.architecture.check(self.head, trace.weights.name)
        query, key = token_indices(trace, self.query), token_indices(trace, self.key)
        return trace.record.layers[head.layer].pattern[torch.arange(len(query)), head.index, query, key]

    def __str__(self) -> str:
        return f"attention of {self.head} at token {self.query} to token {self.key}"


def log_probability(token: Targets, *, at: At = -1) -> Prediction:
    """Log-probability of a token after token ``at``, nats.

    Args:
        token: A token id or a text of exactly one token; a list has one for each prompt, or several, whose mean is
            taken.
        at: The token after which it is predicted, an index (negative: from the end of each prompt) or a text.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> metric = ls.metrics.log_probability(" on")
        >>> str(metric)
        "log-probability of ' on' after the last token, nats"
        >>> metric(trace).shape
        torch.Size([1])
    """
    return LogProbability(chosen(token), at)


def logit_difference(token: Targets, against: Targets, *, at: At = -1) -> Prediction:
    """The logit of one token less that of another after token ``at``: their log odds.

    Args:
        token: A token id or a text of exactly one token; a list has one for each prompt, or several, whose mean is
            taken.
        against: The token or tokens whose logit is subtracted.
        at: The token after which they are predicted, an index (negative: from the end of each prompt) or a text.

    Example:
        >>> metric = ls.logit_difference([" Mary", " Anna"], [" John", " Paul"])  # of two prompts
    """
    return LogitDifference(chosen(token), chosen(against), at)


def probability_difference(token: Targets, against: Targets, *, at: At = -1) -> Prediction:
    """The probability of one token, or of several together, less that of others after token ``at``.

    Args:
        token: A token id or a text of exactly one token; a list has one for each prompt, or several, whose
            probabilities are added.
        against: The token or tokens whose probability is subtracted.
        at: The token after which they are predicted, an index (negative: from the end of each prompt) or a text.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> bool(ls.metrics.probability_difference(" on", " in")(trace) > 0)
        True
    """
    return ProbabilityDifference(chosen(token), chosen(against), at)


def kl(*, at: At | None = None) -> Metric:
    """KL(p‖p′) of the prediction after token ``at`` from the intact p, or its mean over tokens, nats.

    Args:
        at: The token after which it is predicted, an index or a text; None for the mean over all tokens.

    Returns:
        The metric, nats for each prompt.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> ls.effect(model, "the cat sat on the mat. the dog sat", [ls.ablate("L0.H7")], ls.metrics.kl(at=-1)).before
        0.0
    """
    return _Divergence() if at is None else DivergenceAt(at)


def loss(*, start: int = 0) -> Metric:
    """Mean cross-entropy of the next tokens of a prompt, nats; ``start``: of what follows that token and later ones.

    Args:
        start: The first token whose next token counts.

    Returns:
        The metric, nats per token for each prompt.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> ls.metrics.loss(start=5)(trace).shape
        torch.Size([1])
    """
    return _Loss(start)


def pattern_entry(head: Head | str, query: At, key: At) -> Metric:
    """How much a head attends from one token to another.

    Args:
        head: The head.
        query: The token that attends, an index or a text.
        key: The token that is attended to, an index or a text.

    Returns:
        The metric, a probability for each prompt.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> round(float(ls.metrics.pattern_entry("L0.H7", 4, 3)(trace)), 1)
        1.0
    """
    return _PatternEntry(parse_head(head), query, key)
