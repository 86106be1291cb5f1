"""Finds tokens of a prompt by index or text: ``13``, ``-1``, ``" to"``, ``"␣to"`` or, if repeated, ``"␣to·13"``."""

from typing import TypeAlias

from loadstore.errors import BadRequest
from loadstore.execution.record import Pass
from loadstore.quote import quote
from loadstore.tokenizer.tokens import labels

At: TypeAlias = int | str
"""A token of a prompt: its index (negative: from the end), its text or its label."""
LISTED = 6  # places in an error message


def token_indices(trace: Pass, at: At) -> list[int]:
    """The index of a token in each prompt, from 0.

    Args:
        trace: A run of one or several prompts.
        at: An index (negative: from the end of each prompt), or the text or label of a token that occurs exactly once
            in every prompt.

    Raises:
        BadRequest: No token matches, or more than one does.
    """
    if isinstance(at, str):
        return [_named(trace, prompt, at) for prompt in range(len(trace.tokens))]
    if isinstance(at, bool) or not hasattr(at, "__index__"):
        raise BadRequest(f"a token is named by its index, a whole number, or by its text; got {quote(repr(at), 40)}")
    for length in set(trace.lengths):
        if not -length <= at < length:
            raise BadRequest(f"there is no token {at}: the prompt has tokens 0 to {length - 1}")
    return [int(at) % length for length in trace.lengths]


def token_index(trace: Pass, at: At) -> int:
    """The index of a token that is at the same place in every prompt. Raises BadRequest."""
    places = token_indices(trace, at)
    if len(set(places)) > 1:
        named = ", ".join(f"{index} in prompt {prompt}" for prompt, index in enumerate(places[:LISTED]))
        raise BadRequest(
            f"token {quote(repr(at), 40)} is not at one place in all prompts ({named}); give an index that is, or run "
            "the prompts one by one"
        )
    return places[0]


def _named(trace: Pass, prompt: int, at: str) -> int:
    """The one token of a prompt with this text (as it is, or with visible spaces) or label."""
    ids: list[int] = trace.tokens[prompt, : trace.lengths[prompt]].tolist()
    tokenizer = trace.weights.tokens
    named = labels(ids, tokenizer)
    places = [index for index, label in enumerate(named) if at in (label, label.rpartition("·")[0])]
    if not places and tokenizer is not None:
        places = [index for index, token in enumerate(ids) if tokenizer.text(token) == at]
    if len(places) == 1:
        return places[0]
    asked = quote(repr(at), 40)
    if places:
        listed = ", ".join(named[index] for index in places[:LISTED]) + (", …" if len(places) > LISTED else "")
        raise BadRequest(f"the prompt has {len(places)} tokens {asked}: {listed}; name one by its label or its index")
    bare = at.strip(" ␣").rpartition("·")[0] or at.strip(" ␣")
    near = [label for label in named if bare and bare in label][:LISTED]
    has = f"Nearest: {', '.join(near)}" if near else f"It has {named[0]} to {named[-1]}"
    raise BadRequest(f"the prompt has no token {asked}, which is a text of exactly one token or a label. {has}")
