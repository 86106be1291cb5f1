"""The last step of the guided walk: a prompt on which the repeated token was followed by different ones."""

from typing import Any

from loadstore.decomposition.short import short
from loadstore.explorer.ambiguity import SHARE, TOP, Ambiguity
from loadstore.explorer.collapse import row_view
from loadstore.explorer.prompt import text_of
from loadstore.explorer.state import Document
from loadstore.explorer.steps import next_tokens, step, text_before
from loadstore.figures.words import listed
from loadstore.views.pictures import address as address_view


def several_answers(found: Ambiguity | None) -> Document:
    """Attention and prediction where the repeated token was followed by different ones."""
    title = "And where it saw several answers?"
    if found is None:
        claim = "This model's context or vocabulary is too small for a prompt that repeats one token several times."
        return step(title, claim, {}, [], {"screen": "heads"})
    trace, at = found.trace, len(found.trace.labels) - 1
    looked = listed([f"{trace.labels[j]} {short(w)}" for j, w in zip(found.followers, found.weights, strict=True)])
    said = listed(
        [f"{text_of(trace, one.token)} {short(one.probability)} (number {one.rank + 1})" for one in found.answers]
    )
    made = "a list of words of the model's own" if found.made else f"“{text_before(trace, at)}”"
    shown = (
        f"Its attention divides, and {found.predicted} of the answers are among the {TOP} likeliest: {said}."
        if found.shown
        else f"{found.seen} places get {short(SHARE)} of the attention or more; of the answers, {found.predicted} are "
        f"among the {TOP} likeliest: {said}. It does not show it well."
    )
    claim = (
        f"This is another prompt, {made}: {trace.labels[at]} occurred {len(found.followers)} times before, followed by "
        f"{len(found.answers)} different tokens. {found.head} looks at {looked}; even attention would put "
        f"{short(1 / (at + 1))} on each. "
        f"{shown} This prompt shows it best of {found.tried} that were tried."
    )
    row = row_view(trace, found.head, at, trace.labels[at])
    views = [
        address_view(f"Where {found.head} looks at {trace.labels[at]}", trace.labels, [row]),
        next_tokens(trace, at, {answer.token for answer in found.answers}),
    ]
    place = {"screen": "address", "run": found.name, "head": str(found.head), "at": at, "predict": None}
    return step(title, claim, _numbers(found), views, place)


def _numbers(found: Ambiguity) -> dict[str, Any]:
    return {
        "head": str(found.head),
        "followers": list(found.followers),
        "weights": list(found.weights),
        "tokens": [one.token for one in found.answers],
        "probabilities": [one.probability for one in found.answers],
        "ranks": [one.rank for one in found.answers],
        "tried": found.tried,
        "shown": found.shown,
    }
