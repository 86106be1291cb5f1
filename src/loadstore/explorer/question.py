"""The page's question: after which token, for which prediction, and against which other token.

``loadstore.decomposition.question`` defines it. Tests: tests/explorer/test_question.py.
"""

from collections.abc import Mapping

from loadstore.decomposition.question import Question, main_head
from loadstore.decomposition.question import question as question_of
from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.explorer.prompt import predicted, text_of
from loadstore.explorer.requests import QuestionRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.figures.subject.prompt import ARTICLE, article_asks
from loadstore.model.weights import Weights

LIKELY = 10
"""Number of predictions to choose from."""


def question(explorer: Explorer, ask: QuestionRequest) -> Document:
    """The question about a run: its two tokens, the head that adds most, and the likeliest predictions.

    ``at`` defaults to the last token; ``predict`` and ``against``, ids or texts, to the two likeliest tokens.
    """
    trace = explorer.trace(ask.run)
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


def asked_of(trace: Trace, ask: QuestionRequest) -> Question:
    """The question of a request. Raises BadRequest, BadPrompt, Undefined."""
    return question_of(trace, last(trace) if ask.at is None else ask.at, ask.predict, ask.against)


def last(trace: Trace) -> int:
    """The index of the last token, the default of a question."""
    return trace.tokens.shape[1] - 1


def begin(
    weights: Weights,
    prompt: str | list[int] | None = None,
    at: int | None = None,
    predict: int | str | None = None,
    against: int | str | None = None,
) -> Mapping[str, int]:
    """Return the parameters of the initial question; the page fills in missing ones.

    Args:
        weights: The model.
        prompt: The initial prompt; the article's sentence if None.
        at: Index of the token whose next token is predicted. If None, the last; without a prompt, the
            token in the article's question.
        predict: The predicted token, an id or a text of one token.
        against: The token to compare with.

    Raises:
        BadPrompt: The model does not accept the prompt, or a target has several tokens.
        BadRequest: A target is outside the vocabulary, or compared with itself.
        Undefined: The token index does not exist, or a text is given for a model without a tokenizer.
    """
    default = at is None and predict is None and against is None
    if at is None and prompt is None:
        at = article_asks(weights)
    if default:
        return {} if at is None else {"at": at}
    asked = question_of(run(weights, ARTICLE if prompt is None else prompt), -1 if at is None else at, predict, against)
    named = {"predict": (predict, asked.predict), "against": (against, asked.against)}
    return {"at": asked.at} | {name: token for name, (given, token) in named.items() if given is not None}


def _token(trace: Trace, at: int, token: int) -> Document:
    logits = trace.logits[at].double()
    return {
        "id": token,
        "text": text_of(trace, token),
        "probability": float(logits.softmax(-1)[token]),
        "rank": int((logits > logits[token]).sum()),
    }
