"""Questions about one token of one prompt."""

from loadstore.errors import BadRequest, Undefined
from loadstore.execution.trace import Trace


def one_prompt_index(trace: Trace, at: int) -> int:
    """The token index of a single prompt, negative ones counted from the end.

    Raises Undefined for a batch or a token that is not there, BadRequest for what is no index.
    """
    length = trace.tokens.shape[1]
    if isinstance(at, bool) or not hasattr(at, "__index__"):
        raise BadRequest(f"a token is named by its index, a whole number; got {str(at)[:40]!r}")
    if trace.batched:
        raise Undefined("this is for one prompt; the run was a batch")
    if not -length <= at < length:
        raise Undefined(f"there is no token {at}: the prompt has tokens 0 to {length - 1}")
    return at % length
