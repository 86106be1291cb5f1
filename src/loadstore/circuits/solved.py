"""Whether a model solves a task: m(clean) > 0 > m(counterfactual) on three quarters of the *judge* pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Tokens
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.task import Task
from loadstore.errors import Undefined
from loadstore.execution.forward import embedded, forward, read_last, through_layers, unembed
from loadstore.execution.overflow import finite
from loadstore.execution.plan import Edited
from loadstore.model.weights import Weights

LEAST = 0.75  # share of the pairs
PROMPTS, TOKENS = 64, 4096  # maximum size of one batch


@dataclass(frozen=True, eq=False)
class Solved:
    """The metric of a model on a task.

    Args:
        task: The name of the task.
        model: The name of the model.
        each_clean: The metric after each clean prompt, with all wires [pair].
        each_counterfactual: The metric after each counterfactual prompt, without any wire of the clean run [pair].
    """

    task: str
    model: str
    each_clean: Float[Tensor, " pair"]
    each_counterfactual: Float[Tensor, " pair"]

    @property
    def clean(self) -> float:
        """m(all): the mean metric after the clean prompts."""
        return float(self.each_clean.double().mean())

    @property
    def counterfactual(self) -> float:
        """m(none): the mean metric after the counterfactual prompts."""
        return float(self.each_counterfactual.double().mean())

    @property
    def share(self) -> float:
        """The share of pairs with m(clean) > 0 > m(counterfactual)."""
        return float(((self.each_clean > 0) & (self.each_counterfactual < 0)).double().mean())

    @property
    def solved(self) -> bool:
        """Whether that share is at least .75."""
        return self.share >= LEAST

    def __str__(self) -> str:
        verb = "solves" if self.solved else "does not solve"
        return (
            f"{self.model} {verb} {self.task}: m(clean) > 0 > m(counterfactual) on {self.share:.0%} of "
            f"{len(self.each_clean)} pairs (at least {LEAST:.0%}); "
            f"means {self.clean:+.3g} and {self.counterfactual:+.3g}"
        )


def solved(task: Task) -> Solved:
    """Run the *judge* pairs and compare the metric after clean and counterfactual prompts.

    Args:
        task: The task.

    Returns:
        The metric of each pair after both prompts, their means, and the share of pairs with the right signs.

    Raises:
        Undefined: The logits are not finite.
    """
    pairs = task.judge
    size = max(1, min(PROMPTS, TOKENS // pairs.clean.shape[1]) // 2)
    starts = range(0, len(pairs), size)
    parts = [_metrics(task.model, pairs.rows(range(start, min(start + size, len(pairs))))) for start in starts]
    clean, counterfactual = (torch.cat(each) for each in zip(*parts, strict=True))
    return Solved(task.name, task.model.name, clean, counterfactual)


def require_solved(task: Task) -> Solved:
    """Return ``solved(task)``. Raises Undefined, with the numbers, if the model does not solve the task."""
    result = solved(task)
    if not result.solved:
        raise Undefined(f"{result}. Choose a task that it solves (loadstore tasks MODEL lists them), or other pairs")
    return result


def end_logits(weights: Weights, tokens: Tokens, ends: Sequence[int]) -> Float[Tensor, "prompt vocab"]:
    """The logits after the last token of each prompt, in one batch, without gradients.

    Args:
        weights: The model.
        tokens: Token ids [prompt, token]; tokens after a prompt's end are ignored.
        ends: The index of each prompt's last token.

    Returns:
        Logits [prompt, vocab].

    Raises:
        Undefined: The logits are not finite.
    """
    with torch.no_grad():
        edited = Edited(weights, ())
        stream, beside = embedded(weights, tokens, edited)
        stream = through_layers(weights, 0, stream, beside, edited)
        read = read_last(weights, stream, edited)[torch.arange(len(tokens)), torch.tensor(ends)]
        logits = unembed(weights, read[:, None])[:, 0]
        if not bool(torch.isfinite(logits).all()):
            finite(weights, tokens, (), forward(weights, tokens))  # raises and names the layer
    return logits


def _metrics(weights: Weights, pairs: Pairs) -> tuple[Float[Tensor, " pair"], Float[Tensor, " pair"]]:
    """The metric of each pair after its clean and after its counterfactual prompt."""
    both = end_logits(weights, torch.cat([pairs.clean, pairs.counterfactual]), pairs.ends * 2)
    clean, counterfactual = both.split(len(pairs))
    return pairs.measure(clean, clean), pairs.measure(counterfactual, clean)
