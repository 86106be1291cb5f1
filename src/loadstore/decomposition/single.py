"""Finds one token of one prompt."""

from loadstore.errors import BadRequest, Undefined
from loadstore.execution.positions import At, token_index
from loadstore.execution.trace import Trace


def one_prompt_index(trace: Trace, at: At) -> int:
    """The token index in a single prompt, from 0; ``at``: an index (negative: from the end) or a text.

    Raises Undefined for a batch or an index out of range, BadRequest for any other ``at`` that names no token.
    """
    if isinstance(at, bool) or not (isinstance(at, str) or hasattr(at, "__index__")):
        return token_index(trace, at)
    if trace.batched:
        raise Undefined("this is for one prompt; the run was a batch")
    try:
        return token_index(trace, at)
    except BadRequest as error:
        if isinstance(at, str):
            raise
        raise Undefined(str(error)) from None
