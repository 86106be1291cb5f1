"""A metric, or a plain function, of every prompt of a run."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.causal.metrics import Measured
from loadstore.causal.predictions import Metric
from loadstore.errors import BadRequest
from loadstore.execution.trace import Trace
from loadstore.quote import quote


def measure(metric: Measured, trace: Trace, intact: Trace) -> Float[Tensor, " batch"]:
    """The metric of every prompt, in double precision; a plain function is called with one prompt at a time.

    Raises BadRequest where a function gives no number.
    """
    with torch.no_grad():
        if isinstance(metric, Metric):
            return metric(trace, intact).double().cpu()
        if not callable(metric):
            raise BadRequest(f"metric={quote(repr(metric), 40)}: expected kl(), log_probability(…) …, or a function")
        found = [_number(metric(one_prompt(trace, place))) for place in range(len(trace.tokens))]
    return torch.tensor(found, dtype=torch.float64)


def one_prompt(trace: Trace, place: int) -> Trace:
    """One prompt of a batch; what it stored is what it stored in the batch, means of the batch included."""
    if not trace.batched:
        return trace
    rows = slice(place, place + 1)
    return replace(
        trace,
        tokens=trace.tokens[rows],
        batched=False,
        all_logits=trace.all_logits[rows],
        replay=lambda: trace.record.rows(rows),
    )


def _number(value: object) -> float:
    """One number that a function gave. Raises BadRequest."""
    try:
        return float(torch.as_tensor(value).item())
    except (TypeError, ValueError, RuntimeError) as error:
        raise BadRequest(f"metric= gave no single number for a prompt: {quote(error)}") from None


def described(metric: Measured) -> str:
    """A metric in words."""
    return str(metric) if isinstance(metric, Metric) else getattr(metric, "__name__", type(metric).__name__)
