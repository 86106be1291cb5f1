"""Chooses the prediction to explain: after which token, of which token, and relative to which other token.

Report, listing and explorer share this choice. By default it is the most likely token after the prompt's last one,
relative to the second most likely. ``main_head`` is the head whose own store adds most to that difference of logits,
with the final norm's scale frozen. This is an exact part of the sum, not the effect of removing the head.
Test: tests/decomposition/test_question.py.
"""

from dataclasses import dataclass

from loadstore.decomposition.logits import logit_parts, signed_targets
from loadstore.decomposition.single import one_prompt_index
from loadstore.errors import Undefined
from loadstore.execution.trace import Trace
from loadstore.model.target import target_id
from loadstore.sites import Head


@dataclass(frozen=True)
class Question:
    """Explain the logit of token id ``predict`` after the token at index ``at``, minus the logit of ``against``.

    ``probability`` is the model's probability of ``predict``; ``rank`` is 0 for the most likely token.
    """

    at: int
    predict: int
    against: int
    probability: float
    rank: int


def question(
    trace: Trace, at: int = -1, predict: int | str | None = None, against: int | str | None = None
) -> Question:
    """Return the question to explain about one prompt.

    Args:
        trace: The run of one prompt.
        at: Index of the token whose next token is predicted; negative indices count from the end.
        predict: The predicted token, an id or a text of one token; the most likely if None.
        against: The token to compare with; the most likely other token if None.

    Raises:
        BadPrompt: A target has several tokens.
        BadRequest: A target is outside the vocabulary, or compared with itself.
        Undefined: The run is a batch, the token index does not exist, or the vocabulary has one token.
    """
    at = one_prompt_index(trace, at)
    logits = trace.logits[at].double()
    if len(logits) < 2:
        raise Undefined(f"the vocabulary of {trace.weights.name} has one token: there is no prediction to explain")
    first, second = logits.topk(2).indices.tolist()
    other = None if against is None else target_id(trace.weights, against)
    token = (second if other == first else first) if predict is None else target_id(trace.weights, predict)
    if other is None:
        other = second if token == first else first
    signed_targets(trace, token, other)
    return Question(
        at=at,
        predict=token,
        against=other,
        probability=float(logits.softmax(-1)[token]),
        rank=int((logits > logits[token]).sum()),
    )


def main_head(trace: Trace, asked: Question) -> Head:
    """Return the head whose own store adds most to the question's difference of logits (the first if tied)."""
    parts = logit_parts(trace, asked.at, asked.predict, against=asked.against)
    added = {str(name): float(part) for name, part in zip(parts["writer"].values, parts.values, strict=True)}
    return max(trace.weights.architecture.heads, key=lambda head: added[str(head)])
