"""Parses a target: a token id, or a text that is exactly one token."""

from loadstore.errors import BadRequest
from loadstore.model.weights import Weights
from loadstore.quote import quote
from loadstore.tokenizer.tokens import require


def target_id(weights: Weights, token: int | str) -> int:
    """The id of a target.

    Raises BadRequest for an invalid id, BadPrompt if a text is not one token, Undefined without a tokenizer.
    """
    if isinstance(token, str):
        return require(weights.tokens, weights.name, weights.untokenised).one(token)
    if isinstance(token, bool) or not hasattr(token, "__index__") or not 0 <= token < weights.architecture.vocab:
        last = weights.architecture.vocab - 1
        raise BadRequest(f"a target is a token id from 0 to {last}, or its text; got {quote(token, 60)}")
    return int(token)
