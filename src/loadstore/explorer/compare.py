"""Compares two prompts of equal length: the tokens that differ, both predictions, and their logit differences.

Tests: tests/explorer/test_compare.py.
"""

from loadstore.errors import BadRequest
from loadstore.execution.trace import Trace
from loadstore.explorer.prompt import predicted, text_of
from loadstore.explorer.question import asked_of
from loadstore.explorer.requests import CompareRequest, QuestionRequest
from loadstore.explorer.state import Document, Explorer


def compare(explorer: Explorer, ask: CompareRequest) -> Document:
    """Compare a run with another prompt, a text or token ids.

    Returns:
        ``labels`` and ``next``: for both prompts, clean first; ``differ``: indices of tokens that differ; ``rows``:
        {text, clean, other} with both probabilities of every token that is likely on either; ``logits``: the logit
        difference of the question on both, clean first, and ``predict`` and ``against``, its tokens.

    Raises:
        BadRequest: The prompts have different lengths, or neither text nor ids are given.
        BadPrompt: The model does not accept the prompt.
    """
    clean = explorer.trace(ask.run)
    given = ask.prompt if ask.prompt is not None else None if ask.ids is None else list(ask.ids)
    if given is None:
        raise BadRequest("prompt: expected a text or token ids to compare with, got neither")
    _, other = explorer.runs.make(given)
    mine, theirs = clean.tokens[0].tolist(), other.tokens[0].tolist()
    if len(mine) != len(theirs):
        raise BadRequest(
            f"the prompts have {len(mine)} and {len(theirs)} tokens; they are compared token by token, so both need "
            "as many"
        )
    asked = asked_of(clean, QuestionRequest(run=ask.run, at=ask.at, predict=ask.predict, against=ask.against))
    both = (clean, other)
    likely = [predicted(trace, asked.at) for trace in both]
    tokens = dict.fromkeys(entry["id"] for row in likely for entry in row)
    chances = [trace.logits[asked.at].double().softmax(-1) for trace in both]
    return {
        "at": asked.at,
        "labels": [trace.labels for trace in both],
        "differ": [index for index, (here, two) in enumerate(zip(mine, theirs, strict=True)) if here != two],
        "next": likely,
        "rows": [
            {"text": text_of(clean, token), "clean": float(chances[0][token]), "other": float(chances[1][token])}
            for token in tokens
        ],
        "predict": text_of(clean, asked.predict),
        "against": text_of(clean, asked.against),
        "logits": [_difference(trace, asked.at, asked.predict, asked.against) for trace in both],
    }


def _difference(trace: Trace, at: int, predict: int, against: int) -> float:
    logits = trace.logits[at].double()
    return float(logits[predict] - logits[against])
