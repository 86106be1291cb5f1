"""Metrics of one prediction: of the logits after one token of each prompt of a batch."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.causal.targets import Chosen
from loadstore.errors import BadRequest
from loadstore.execution.positions import At, token_indices
from loadstore.execution.trace import Trace
from loadstore.model.weights import Weights

Rows: TypeAlias = Float[Tensor, "batch vocab"]


class Metric(ABC):
    """A number for each prompt of a run."""

    @abstractmethod
    def __call__(self, trace: Trace, intact: Trace | None = None) -> Float[Tensor, " batch"]:
        """The value for every prompt of ``trace``. Only KL uses ``intact``, the run to compare with.

        Raises BadRequest.
        """


class OfLogits(Metric):
    """A metric that uses only the logits of a run."""


class Prediction(OfLogits):
    """A metric of the prediction after one token."""

    at: At

    @abstractmethod
    def of(self, weights: Weights, logits: Rows, intact: Rows) -> Float[Tensor, " batch"]:
        """The value for every prompt, from its logits after that token; differentiable."""

    def rows(self, indices: Sequence[int]) -> "Prediction":
        """The metric of some of the prompts."""
        return self

    def __call__(self, trace: Trace, intact: Trace | None = None) -> Float[Tensor, " batch"]:
        """The value for every prompt. Raises BadRequest for a token that does not exist."""
        at = token_indices(trace, self.at)
        rows = torch.arange(len(at))
        logits = trace.all_logits[rows, at]
        return self.of(trace.weights, logits, logits if intact is None else intact.all_logits[rows, at])


@dataclass(frozen=True)
class LogProbability(Prediction):
    """The log-probability of the target, or the mean over several targets."""

    token: Chosen
    at: At = -1

    def of(self, weights: Weights, logits: Rows, intact: Rows) -> Float[Tensor, " batch"]:
        """The value for every prompt."""
        return self.token.mean(weights, logits.log_softmax(-1))

    def rows(self, indices: Sequence[int]) -> "Prediction":
        """The metric of some of the prompts."""
        return replace(self, token=self.token.rows(indices))

    def __str__(self) -> str:
        return f"log-probability of {self.token} {after(self.at)}, nats"


@dataclass(frozen=True)
class Difference(Prediction):
    """A quantity of one set of targets minus that of another."""

    token: Chosen
    against: Chosen
    at: At = -1

    def rows(self, indices: Sequence[int]) -> "Prediction":
        """The metric of some of the prompts."""
        return replace(self, token=self.token.rows(indices), against=self.against.rows(indices))

    @property
    def sides(self) -> str:
        """A description of both sides; targets that differ between prompts are named by their role."""
        return f"{self.token.named('answer')} minus {self.against.named('alternative', again=self.token.each)}"

    def _compared(self, weights: Weights, rows: int) -> None:
        """Raise BadRequest if a prompt has a target on both sides."""
        for ids, others in zip(self.token.ids(weights, rows), self.against.ids(weights, rows), strict=True):
            if both := set(ids) & set(others):
                raise BadRequest(f"token {_named(self.token, both)} is compared with itself; give two tokens")


@dataclass(frozen=True)
class LogitDifference(Difference):
    """The mean logit of the targets minus that of others."""

    def of(self, weights: Weights, logits: Rows, intact: Rows) -> Float[Tensor, " batch"]:
        """The value for every prompt."""
        self._compared(weights, len(logits))
        return self.token.mean(weights, logits) - self.against.mean(weights, logits)

    def __str__(self) -> str:
        return f"logit difference, {self.sides}, {after(self.at)}"


@dataclass(frozen=True)
class ProbabilityDifference(Difference):
    """The total probability of the targets minus that of others."""

    def of(self, weights: Weights, logits: Rows, intact: Rows) -> Float[Tensor, " batch"]:
        """The value for every prompt."""
        self._compared(weights, len(logits))
        p = logits.softmax(-1)
        return self.token.total(weights, p) - self.against.total(weights, p)

    def __str__(self) -> str:
        return f"probability difference, {self.sides}, {after(self.at)}"


def compared(intact: Trace | None) -> Trace:
    """The run to compare with. Raises BadRequest if it is missing."""
    if intact is None:
        raise BadRequest("kl compares a run with an intact one: call it with both, metric(trace, intact)")
    return intact


@dataclass(frozen=True)
class DivergenceAt(Prediction):
    """KL of the prediction from the intact one."""

    at: At

    def __call__(self, trace: Trace, intact: Trace | None = None) -> Float[Tensor, " batch"]:
        """The value for every prompt. Raises BadRequest for a token that does not exist."""
        return super().__call__(trace, compared(intact))

    def of(self, weights: Weights, logits: Rows, intact: Rows) -> Float[Tensor, " batch"]:
        """The value for every prompt."""
        return divergence(logits, intact)

    def __str__(self) -> str:
        return f"KL of the prediction {after(self.at)} from the intact one, nats"


def after(at: At) -> str:
    """The token after which something is predicted, in words."""
    if at == -1:
        return "after the last token"
    return f"after token {repr(at) if isinstance(at, str) else at}"


def divergence(logits: Float[Tensor, "*any vocab"], intact: Float[Tensor, "*any vocab"]) -> Float[Tensor, "*any"]:
    """KL(p‖p′) of two predictions, p intact, nats."""
    log_p, log_q = intact.log_softmax(-1), logits.log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def _named(targets: Chosen, ids: set[int]) -> str:
    """The targets as given if they are common to all prompts, else the ids."""
    return ", ".join(map(str, sorted(ids))) if targets.each else str(targets)
