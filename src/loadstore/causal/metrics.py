"""What is measured of a run: values that are called with a run and the intact one, and give a number for each prompt.

    log_probability   log p(token | tokens up to at)                        nats
    logit_difference  logit(a) − logit(b) at one token
    kl                KL(p‖p′), p intact; at one token, or mean over all    nats
    loss              −mean log p(next token), of all or from one on        nats
    pattern_entry     A[query, key] of one head

A plain function of a run of one prompt is a metric too. Tests: tests/causal/test_metrics.py.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import BadPrompt, BadRequest
from loadstore.execution.trace import Trace
from loadstore.model.target import target_id
from loadstore.model.weights import Weights
from loadstore.sites import Head, parse_head

Token: TypeAlias = int | str
Rows: TypeAlias = Float[Tensor, "batch vocab"]


class Metric(ABC):
    """A number of a run for each of its prompts."""

    @abstractmethod
    def __call__(self, trace: Trace, intact: Trace) -> Float[Tensor, " batch"]:
        """The number of every prompt of ``trace``, compared with ``intact`` where the metric compares."""


class OfLogits(Metric):
    """A metric that needs nothing of a run but its logits."""


class Prediction(OfLogits):
    """A metric of what is predicted after one token."""

    at: int

    @abstractmethod
    def of(self, weights: Weights, logits: Rows, intact: Rows) -> Float[Tensor, " batch"]:
        """The number of every prompt from its logits after that token."""

    def __call__(self, trace: Trace, intact: Trace) -> Float[Tensor, " batch"]:
        """The number of every prompt. Raises BadRequest for a token that is not there."""
        at = token_index(trace, self.at)
        return self.of(trace.weights, trace.all_logits[:, at], intact.all_logits[:, at])


Measured: TypeAlias = Metric | Callable[[Trace], float | Tensor]


@dataclass(frozen=True)
class _LogProbability(Prediction):
    token: Token
    at: int = -1

    def of(self, weights: Weights, logits: Rows, intact: Rows) -> Float[Tensor, " batch"]:
        return logits.log_softmax(-1)[:, target_id(weights, self.token)]

    def __str__(self) -> str:
        return f"log-probability of {self.token!r} after token {self.at}, nats"


@dataclass(frozen=True)
class _LogitDifference(Prediction):
    token: Token
    against: Token
    at: int = -1

    def of(self, weights: Weights, logits: Rows, intact: Rows) -> Float[Tensor, " batch"]:
        one, other = target_id(weights, self.token), target_id(weights, self.against)
        if one == other:
            raise BadRequest(f"token {self.token!r} is compared with itself; give two tokens")
        return logits[:, one] - logits[:, other]

    def __str__(self) -> str:
        return f"logit of {self.token!r} less that of {self.against!r} after token {self.at}"


@dataclass(frozen=True)
class _DivergenceAt(Prediction):
    at: int

    def of(self, weights: Weights, logits: Rows, intact: Rows) -> Float[Tensor, " batch"]:
        return _divergence(logits, intact)

    def __str__(self) -> str:
        return f"KL of the prediction after token {self.at} from the intact one, nats"


@dataclass(frozen=True)
class _Divergence(OfLogits):
    def __call__(self, trace: Trace, intact: Trace) -> Float[Tensor, " batch"]:
        return _divergence(trace.all_logits, intact.all_logits).mean(-1)

    def __str__(self) -> str:
        return "KL of the predictions from the intact ones, mean over tokens, nats"


@dataclass(frozen=True)
class _Loss(OfLogits):
    start: int

    def __call__(self, trace: Trace, intact: Trace) -> Float[Tensor, " batch"]:
        if trace.tokens.shape[1] < 2:
            raise BadPrompt("a prompt of one token has nothing to predict; give a longer one")
        start = token_index(trace, self.start)
        if start > trace.tokens.shape[1] - 2:
            raise BadRequest(f"nothing follows token {self.start}; begin the loss earlier")
        following = trace.tokens[:, start + 1 :].to(trace.all_logits.device)
        return F.cross_entropy(trace.all_logits[:, start:-1].mT, following, reduction="none").mean(-1)

    def __str__(self) -> str:
        return f"loss, mean over {f'what follows token {self.start} and later' if self.start else 'tokens'}, nats"


@dataclass(frozen=True)
class _PatternEntry(Metric):
    head: Head
    query: int
    key: int

    def __call__(self, trace: Trace, intact: Trace) -> Float[Tensor, " batch"]:
        head = trace.weights.architecture.check(self.head, trace.weights.name)
        query, key = token_index(trace, self.query), token_index(trace, self.key)
        return trace.record.layers[head.layer].pattern[:, head.index, query, key]

    def __str__(self) -> str:
        return f"attention of {self.head} at token {self.query} to token {self.key}"


def log_probability(token: Token, at: int = -1) -> Metric:
    """Log-probability of a token after token ``at``, nats; a text must be exactly one token."""
    return _LogProbability(token, at)


def logit_difference(token: Token, against: Token, at: int = -1) -> Metric:
    """The logit of one token less that of another after token ``at``: their log odds."""
    return _LogitDifference(token, against, at)


def kl(at: int | None = None) -> Metric:
    """KL(p‖p′) of the prediction after token ``at`` from the intact p, or its mean over tokens, nats."""
    return _Divergence() if at is None else _DivergenceAt(at)


def loss(start: int = 0) -> Metric:
    """Mean cross-entropy of the next tokens of a prompt, nats; ``start``: of what follows that token and later ones."""
    return _Loss(start)


def pattern_entry(head: Head | str, query: int, key: int) -> Metric:
    """How much a head attends from one token to another."""
    return _PatternEntry(parse_head(head), query, key)


def token_index(trace: Trace, at: int) -> int:
    """The index of a token, negative ones counted from the end. Raises BadRequest for one that is not there."""
    length = trace.tokens.shape[1]
    if isinstance(at, bool) or not hasattr(at, "__index__") or not -length <= at < length:
        raise BadRequest(f"there is no token {at}: the prompt has tokens 0 to {length - 1}")
    return int(at) % length


def _divergence(logits: Float[Tensor, "*any vocab"], intact: Float[Tensor, "*any vocab"]) -> Float[Tensor, "*any"]:
    log_p, log_q = intact.log_softmax(-1), logits.log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)
