"""The prompt of a page and the question about it; without a prompt both are the article's own."""

from loadstore.decomposition.question import Question, question
from loadstore.execution.run import as_tokens, run
from loadstore.execution.trace import Trace
from loadstore.model.weights import Weights

ARTICLE = "the cat sat on the mat. the dog sat on the log."
ARTICLE_ASKS = "the cat sat on the mat. the dog sat"
"""The article's question is about the token after this part of its sentence."""
Prompt = str | list[int]


def ask(
    weights: Weights,
    prompt: Prompt | None = None,
    at: int | None = None,
    predict: int | str | None = None,
    against: int | str | None = None,
) -> tuple[Trace, Prompt, Question]:
    """Run a prompt and return the question to explain about it.

    Args:
        weights: The model.
        prompt: A text, or ids for a model without a tokenizer; the article's sentence if None.
        at: Index of the token whose next token is predicted; by default the last one of a given prompt, or for the
            article's sentence the one in the article's question.
        predict: The predicted token, an id or a text of one token; the likeliest if None.
        against: The token to compare with; the likeliest other token if None.

    Raises:
        BadPrompt: The prompt is unusable, or a target has several tokens.
        BadRequest: A target is outside the vocabulary, or compared with itself.
        Undefined: A text is given without a tokenizer, or the token index does not exist.
    """
    given = ARTICLE if prompt is None else prompt
    trace = run(weights, given, record=True)
    if at is None:
        at = article_asks(weights) if prompt is None else None
        at = -1 if at is None else at
    return trace, given, question(trace, at, predict, against)


def article_asks(weights: Weights) -> int | None:
    """Return the index of the token in the article's sentence that the article's question is about, the second " sat".

    Returns:
        None if that is not a token of its own, and for a model without a tokenizer.

    Raises:
        BadPrompt: The model does not accept the sentence.
    """
    if weights.tokens is None:
        return None
    begun, whole = weights.tokens.encode(ARTICLE_ASKS), as_tokens(weights, ARTICLE)[0][0].tolist()
    return len(begun) - 1 if whole[: len(begun)] == begun else None
