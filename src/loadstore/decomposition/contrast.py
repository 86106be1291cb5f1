"""Chooses the keys that the Q and K shares of an address are about, and their reference."""

from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.single import one_prompt_index
from loadstore.errors import BadRequest, Undefined
from loadstore.execution.positions import At
from loadstore.execution.trace import Trace

About: TypeAlias = At | tuple[At, At]
"""One or two keys, or the keywords ``"most"`` and ``"row"``; refer to a token with such a text by its label."""
Keys: TypeAlias = tuple[int | None, int | None]


def keys_of(trace: Trace, row: Float[Tensor, " key"], first: int, at: int, about: About) -> Keys:
    """The key that Q and K shares are about, and the key that it is compared with; None means all keys."""
    if about == "row":
        return None, None
    if about == "most":
        return int(row.argmax()), None
    if not isinstance(about, tuple):
        return _key(trace, first, at, about), None
    if len(about) != 2:
        raise BadRequest(f"about={about}: expected 'most', 'row', the index of a key, or two such as (4, 2)")
    key, than = (_key(trace, first, at, key_name) for key_name in about)
    if key == than:
        raise Undefined(f"token {key} is compared with itself; give two keys, or one for the mean of all")
    return key, than


def same_question(trace: Trace, against: Trace, about: About) -> None:
    """Raise Undefined or BadRequest if the two runs cannot be compared key by key."""
    own, other = trace.weights, against.weights
    if own is not other:
        raise BadRequest(
            f"the two runs are of different models ({own.name}, {other.name}); load one and run both prompts on it"
        )
    one_prompt_index(against, 0)
    lengths = trace.tokens.shape[1], against.tokens.shape[1]
    if lengths[0] != lengths[1]:
        raise Undefined(
            f"the prompts have {lengths[0]} and {lengths[1]} tokens; two runs are compared token by token: give "
            "prompts of one length"
        )
    if about == "row":
        raise Undefined("'row' weighs keys by the pattern, which differs between the runs; name a key, or two")


def _key(trace: Trace, first: int, at: int, about: At) -> int:
    key = one_prompt_index(trace, about)
    if key > at:
        raise Undefined(f"token {at} cannot attend to the later token {key}; choose a key up to {at}")
    if key < first:
        raise Undefined(f"token {key} is outside the window of token {at}, which begins at {first}; choose a later key")
    return key


def direction_of(
    row: Float[Tensor, " allowed"], key: int | None, than: int | None, *, sunk: bool = False
) -> Float[Tensor, " allowed"]:
    """Weights over the allowed keys that sum to 0: e_j minus e_j′ or 1/n, or A − 1/n for the row as a whole.

    ``sunk``: whether the head has a sink. It is one more key of the row as a whole: A − 1/(n + 1), and the rest for it.
    """
    base = torch.full_like(row, 1 / (len(row) + (sunk and key is None)))
    if than is not None:
        base = torch.zeros_like(row)
        base[than] = 1
    if key is None:
        return row - base
    chosen = torch.zeros_like(row)
    chosen[key] = 1
    return chosen - base
