"""A sentence on what the sinks of heads take of their rows."""

from collections.abc import Sequence

from loadstore.execution.trace import Trace
from loadstore.figures.words import number
from loadstore.sites import Head


def sinks_said(trace: Trace, heads: Sequence[Head]) -> str:
    """What the sinks of some heads take of a row on this prompt, with a space before it; empty without sinks."""
    shares = {str(head): float(trace.sink(head).double().mean()) for head in heads if _has_sink(trace, head)}
    if not shares:
        return ""
    least, most = min(shares, key=lambda head: shares[head]), max(shares, key=lambda head: shares[head])
    mean = sum(shares.values()) / len(shares)
    if len(shares) == 1:
        return f" A row sums to 1 with the learned sink of {most}, which takes {number(mean)} of it on average."
    return (
        f" A row sums to 1 with its head's learned sink, which takes {number(mean)} of it on average, between "
        f"{number(shares[least])} ({least}) and {number(shares[most])} ({most})."
    )


def _has_sink(trace: Trace, head: Head) -> bool:
    return trace.weights.layers[head.layer].sinks is not None
