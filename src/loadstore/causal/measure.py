"""Evaluates a metric, or a plain function, on every prompt of a run."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.causal.metrics import Measured
from loadstore.causal.predictions import Metric, OfLogits, Prediction, Rows
from loadstore.errors import BadRequest
from loadstore.execution.positions import At, token_indices
from loadstore.execution.record import Record
from loadstore.execution.trace import Trace
from loadstore.model.weights import Weights
from loadstore.quote import quote


@dataclass(frozen=True)
class FunctionOfLogits(Prediction):
    """A caller's function of the logits after the last token of each prompt, called once with all prompts."""

    function: Callable[[Tensor], Any]
    at: At = -1

    def of(self, weights: Weights, logits: Rows, intact: Rows) -> Float[Tensor, " batch"]:
        """The value for every prompt. Raises BadRequest if the function returns anything else."""
        try:
            values = torch.as_tensor(self.function(logits))
        except (TypeError, ValueError, RuntimeError) as error:
            raise BadRequest(f"metric= did not return a number for each prompt: {quote(error)}") from None
        if values.shape != (len(logits),):
            raise BadRequest(
                f"metric= returned {list(values.shape)} for logits {list(logits.shape)}; a function of logits gives "
                f"one number for each prompt, [{len(logits)}], such as logits[:, a] - logits[:, b]"
            )
        return values

    def __str__(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)


def as_metric(metric: Measured) -> Measured:
    """Convert a function whose first argument is called ``logits`` to a metric; return anything else unchanged."""
    if isinstance(metric, Metric) or not callable(metric):
        return metric
    try:
        names = list(inspect.signature(metric).parameters)
    except (TypeError, ValueError):
        return metric
    return FunctionOfLogits(cast("Callable[[Tensor], Any]", metric)) if names[:1] == ["logits"] else metric


def needs_record(metric: Measured, trace: Trace) -> bool:
    """Whether a metric needs more of a run than its logits; a plain function is tried out on the run."""
    if isinstance(metric, Metric):
        return not isinstance(metric, OfLogits)
    asked: list[bool] = []

    def watched() -> Record:
        asked.append(True)
        return trace.record

    measure(metric, replace(trace, replay=watched), trace)
    return bool(asked)


def needs_last(metric: Measured, trace: Trace) -> bool:
    """Whether a function depends only on the logits after each prompt's last token, tested by hiding all others."""
    rows, ends = torch.arange(len(trace.tokens)), token_indices(trace, -1)
    hidden = torch.full_like(trace.all_logits, torch.nan)
    hidden[rows, ends] = trace.all_logits[rows, ends]
    try:
        seen = measure(metric, replace(trace, all_logits=hidden), trace)
    except Exception:  # the caller's function may fail on NaN in any way
        return False
    return seen.equal(measure(metric, trace, trace))


def measure(metric: Measured, trace: Trace, intact: Trace) -> Float[Tensor, " batch"]:
    """The metric of every prompt, in double precision. A plain function is called with one prompt at a time.

    Raises BadRequest if a function does not return a number.
    """
    metric = as_metric(metric)
    with torch.no_grad():
        if isinstance(metric, Metric):
            return metric(trace, intact).double().cpu()
        if not callable(metric):
            raise BadRequest(f"metric={quote(repr(metric), 40)}: expected kl(), log_probability(…) …, or a function")
        runs = [trace.prompt(index) for index in range(len(trace.tokens))] if trace.batched else [trace]
        of_run = cast("Callable[[Trace], Any]", metric)
        values = [_number(of_run(run)) for run in runs]
    return torch.tensor(values, dtype=torch.float64)


def _number(value: object) -> float:
    """Convert the result of a function to a number. Raises BadRequest."""
    try:
        return float(torch.as_tensor(value).item())
    except (TypeError, ValueError, RuntimeError) as error:
        raise BadRequest(f"metric= did not return a single number for a prompt: {quote(error)}") from None


def described(metric: Measured) -> str:
    """The description of a metric."""
    return str(metric) if isinstance(metric, Metric) else getattr(metric, "__name__", type(metric).__name__)
