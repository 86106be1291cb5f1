"""The effect of a list of edits on one metric."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from loadstore.causal.measure import described, measure
from loadstore.causal.metrics import Measured
from loadstore.causal.predictions import OfLogits
from loadstore.execution.kinds import Asked
from loadstore.execution.run import Prompt, run
from loadstore.model.weights import Weights


@dataclass(frozen=True)
class Outcome:
    """A metric before and after edits: means over prompts, and the values for each prompt."""

    metric: str
    edits: tuple[str, ...]
    before: float
    after: float
    change: float
    standard_error: float
    befores: tuple[float, ...]
    afters: tuple[float, ...]

    def __repr__(self) -> str:
        """The metric before and after the edits, in words."""
        count = len(self.befores)
        error = "" if math.isnan(self.standard_error) else f" ± {self.standard_error:.3f}"
        return (
            f"Effect of {', '.join(self.edits) or 'no edit'} on {count} prompt{'s' * (count > 1)}\n"
            f"  {self.metric}: {self.before:.3f} → {self.after:.3f}, change {self.change:+.3f}{error}"
        )

    @property
    def changes(self) -> tuple[float, ...]:
        """The change of every prompt."""
        return tuple(after - before for before, after in zip(self.befores, self.afters, strict=True))


def effect(weights: Weights, prompt: Prompt, edits: Sequence[Asked], metric: Measured) -> Outcome:
    """Run a prompt or a batch with and without the edits, and measure both.

    Args:
        weights: The model.
        prompt: A prompt or a batch, as in ``ls.run``.
        edits: The edits. A mean over the run itself is taken over the whole batch.
        metric: A metric from ``ls.metrics``, or a function of a trace or of logits.

    Returns:
        The metric before and after, and its change, per prompt and averaged. ``standard_error`` of the change is over
        prompts; it is NaN for a single prompt.

    Raises:
        LoadstoreError: As for ``ls.run`` and the metric.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> metric = ls.metrics.log_probability(" on")
        >>> outcome = ls.effect(model, "the cat sat on the mat. the dog sat", [ls.cut("L0.H7", "L1.*.K")], metric)
        >>> bool(outcome.after < outcome.before)
        True
    """
    record = not isinstance(metric, OfLogits)
    intact = run(weights, prompt, record=record)
    edited = run(weights, prompt, edits, record=record)
    before, after = (measure(metric, trace, intact) for trace in (intact, edited))
    change = after - before
    count = len(change)
    return Outcome(
        metric=described(metric),
        edits=tuple(str(edit) for edit in edited.edits),
        before=float(before.mean()),
        after=float(after.mean()),
        change=float(change.mean()),
        standard_error=float(change.std()) / math.sqrt(count) if count > 1 else math.nan,
        befores=tuple(before.tolist()),
        afters=tuple(after.tolist()),
    )
