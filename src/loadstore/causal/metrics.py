"""Metrics of a run: callables that take a run and the intact run, and return one number per prompt.

    log_probability   log p(token | tokens up to at)                        nats
    logit_difference  logit(a) − logit(b) at one token; the mean over several targets
    probability_difference  p(a) − p(b) at one token; the sum over several targets
    kl                KL(p‖p′), p intact; at one token, or mean over all    nats
    loss              −mean log p(next token), of all or from one on        nats
    pattern_entry     A[query, key] of one head

A plain function of a run of one prompt is also a metric. So is a function of the logits [prompt, vocab] after the last
token of each prompt, if its first argument is called ``logits``. Tests: tests/causal/test_metrics.py.
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
        return divergence(trace.all_logits, compared(intact).all_logits).nanmean(-1)  # NaN in the padding

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
        return f"loss, mean over {f'predictions from token {self.start} on' if self.start else 'tokens'}, nats"


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
        token: A token id or a text of exactly one token. A list has one target per prompt, or several per prompt, which
            are averaged.
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
    """Logit of one token minus logit of another after token ``at``: their log odds.

    Args:
        token: A token id or a text of exactly one token. A list has one target per prompt, or several per prompt, which
            are averaged.
        against: The token or tokens whose logit is subtracted.
        at: The token after which they are predicted, an index (negative: from the end of each prompt) or a text.

    Example:
        >>> metric = ls.logit_difference([" Mary", " Anna"], [" John", " Paul"])  # of two prompts
    """
    return LogitDifference(chosen(token), chosen(against), at)


def probability_difference(token: Targets, against: Targets, *, at: At = -1) -> Prediction:
    """Probability of one token, or of several together, minus that of others after token ``at``.

    Args:
        token: A token id or a text of exactly one token. A list has one target per prompt, or several per prompt, whose
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
    """KL(p‖p′) of the prediction after token ``at`` from the intact p, or its mean over tokens, in nats.

    Args:
        at: The token after which it is predicted, an index or a text; None for the mean over all tokens.

    Returns:
        The metric, in nats per prompt.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> ls.effect(model, "the cat sat on the mat. the dog sat", [ls.ablate("L0.H7")], ls.metrics.kl(at=-1)).before
        0.0
    """
    return _Divergence() if at is None else DivergenceAt(at)


def loss(*, start: int = 0) -> Metric:
    """Mean cross-entropy of the next tokens of a prompt, in nats, from the one that follows token ``start``.

    Args:
        start: The first token whose next token is counted.

    Returns:
        The metric, in nats per token for each prompt.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> ls.metrics.loss(start=5)(trace).shape
        torch.Size([1])
    """
    return _Loss(start)


def pattern_entry(head: Head | str, query: At, key: At) -> Metric:
    """Attention of a head from one token to another.

    Args:
        head: The head.
        query: The attending token, an index or a text.
        key: The attended token, an index or a text.

    Returns:
        The metric, a probability per prompt.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> round(float(ls.metrics.pattern_entry("L0.H7", 4, 3)(trace)), 1)
        1.0
    """
    return _PatternEntry(parse_head(head), query, key)
