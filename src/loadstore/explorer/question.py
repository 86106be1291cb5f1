"""The question that the page is about: after which token, of which prediction, against which other one.

What it means is said in ``loadstore.prompts.question``. Tests: tests/explorer/test_question.py.
"""

from collections.abc import Mapping

from loadstore.explorer.ask import Ask
from loadstore.explorer.prompt import predicted, text_of
from loadstore.explorer.state import Document, Explorer
from loadstore.models.trace import Trace, as_tokens, run
from loadstore.models.weights import Weights
from loadstore.prompts.question import Question, main_head
from loadstore.prompts.question import question as question_of
from loadstore.report.story import ARTICLE

LIKELY = 10
"""Predictions to choose from."""
PUZZLE = " sat"
"""The last of these tokens is the one after which the article asks."""


def question(explorer: Explorer, ask: Ask) -> Document:
    """What is explained of a run: the two tokens, the head that adds most, and the likeliest predictions.

    ``at``: the last token if it is missing; ``predict`` and ``against``: ids or texts, the two likeliest if missing.
    """
    trace = explorer.trace(ask)
    asked = asked_of(trace, ask)
    logits = trace.logits[asked.at].double()
    return {
        "at": asked.at,
        "predict": _token(trace, asked.at, asked.predict),
        "against": _token(trace, asked.at, asked.against),
        "difference": float(logits[asked.predict] - logits[asked.against]),
        "head": str(main_head(trace, asked)),
        "next": predicted(trace, asked.at, LIKELY),
    }


def asked_of(trace: Trace, ask: Ask) -> Question:
    """The question that a request names. Raises BadRequest, BadPrompt, Undefined."""
    at = ask.number("at", trace.tokens.shape[1] - 1)
    return question_of(trace, at, target(ask, "predict"), target(ask, "against"))


def target(ask: Ask, name: str) -> int | str | None:
    """A token that a request names by its id or its text; None where it names none."""
    if name not in ask:
        return None
    return ask.number(name) if ask.is_number(name) else ask.text(name)


def begin(
    weights: Weights,
    prompt: str | list[int] | None = None,
    at: int | None = None,
    predict: int | str | None = None,
    against: int | str | None = None,
) -> Mapping[str, int]:
    """Return the parameters of the question that the page opens with; those that are missing are left to the page.

    Args:
        weights: The model.
        prompt: The prompt that the page opens with; the article's sentence if None.
        at: Index of the token whose next token is predicted. If None, the last; without a prompt, ``PUZZLE``.
        predict: The predicted token, an id or a text of one token.
        against: The token to compare with.

    Raises:
        BadPrompt: A prompt that the model cannot take, or a target of several tokens.
        BadRequest: A target outside the vocabulary, or compared with itself.
        Undefined: A token index that does not exist, or a text for a model without a tokenizer.
    """
    given = at is not None or predict is not None or against is not None
    if at is None and prompt is None:
        at = _puzzle(weights)
    if not given:
        return {} if at is None else {"at": at}
    asked = question_of(run(weights, ARTICLE if prompt is None else prompt), -1 if at is None else at, predict, against)
    named = {"predict": (predict, asked.predict), "against": (against, asked.against)}
    return {"at": asked.at} | {name: found for name, (token, found) in named.items() if token is not None}


def _puzzle(weights: Weights) -> int | None:
    """Where the article asks, if the model has the article's words."""
    if weights.tokens is None:
        return None
    ids: list[int] = as_tokens(weights, ARTICLE)[0][0].tolist()
    there = [index for index, one in enumerate(ids) if weights.tokens.text(one) == PUZZLE]
    return there[-1] if there else None


def _token(trace: Trace, at: int, token: int) -> Document:
    logits = trace.logits[at].double()
    return {
        "id": token,
        "text": text_of(trace, token),
        "probability": float(logits.softmax(-1)[token]),
        "rank": int((logits > logits[token]).sum()),
    }
