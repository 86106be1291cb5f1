"""The last step of the guided walk: a prompt on which different tokens followed the repeated one."""

from typing import Any

from loadstore.decomposition.short import short
from loadstore.explorer.ambiguity import SHARE, TOP, Ambiguity
from loadstore.explorer.collapse import row_view
from loadstore.explorer.prompt import text_of
from loadstore.explorer.state import Document
from loadstore.explorer.steps import next_tokens, step, text_before
from loadstore.figures.words import listed
from loadstore.views.pictures import address as address_view


def several_answers(choice: Ambiguity | None) -> Document:
    """Attention and prediction on a prompt with several possible answers."""
    title = "And where it saw several answers?"
    if choice is None:
        claim = "This model's context or vocabulary is too small for a prompt that repeats one token several times."
        return step(title, claim, {}, [], {"screen": "heads"})
    trace, at = choice.trace, len(choice.trace.labels) - 1
    looked = listed([f"{trace.labels[j]} {short(w)}" for j, w in zip(choice.followers, choice.weights, strict=True)])
    said = listed(
        [f"{text_of(trace, each.token)} {short(each.probability)} (number {each.rank + 1})" for each in choice.answers]
    )
    made = "a list of words from the model's vocabulary" if choice.made else f"“{text_before(trace, at)}”"
    shown = (
        f"Its attention divides, and {choice.predicted} of the answers are among the {TOP} likeliest: {said}."
        if choice.shown
        else f"{choice.seen} places get {short(SHARE)} of the attention or more; of the answers, {choice.predicted} "
        f"are among the {TOP} likeliest: {said}. It does not show this well."
    )
    claim = (
        f"This is another prompt, {made}: {trace.labels[at]} occurred {len(choice.followers)} times before, followed "
        f"by {len(choice.answers)} different tokens. {choice.head} looks at {looked}; even attention would put "
        f"{short(1 / (at + 1))} on each. "
        f"{shown} This prompt shows it best of {choice.tried} that were tried."
    )
    row = row_view(trace, choice.head, at, trace.labels[at])
    views = [
        address_view(f"Where {choice.head} looks at {trace.labels[at]}", trace.labels, [row]),
        next_tokens(trace, at, {answer.token for answer in choice.answers}),
    ]
    where = {"screen": "address", "run": choice.name, "head": str(choice.head), "at": at, "predict": None}
    return step(title, claim, _numbers(choice), views, where)


def _numbers(choice: Ambiguity) -> dict[str, Any]:
    return {
        "head": str(choice.head),
        "followers": list(choice.followers),
        "weights": list(choice.weights),
        "tokens": [answer.token for answer in choice.answers],
        "probabilities": [answer.probability for answer in choice.answers],
        "ranks": [answer.rank for answer in choice.answers],
        "tried": choice.tried,
        "shown": choice.shown,
    }
