"""The user's own prompt in the guided walk: whether the circuit is active there, and if not, why."""

from dataclasses import replace

from loadstore.decomposition.short import short
from loadstore.evidence.circuit import Circuit
from loadstore.execution.trace import Trace
from loadstore.explorer.circuit import Example, matched, mostly
from loadstore.explorer.prompt import repeats, text_of
from loadstore.explorer.state import Document
from loadstore.explorer.steps import place_of, text_before
from loadstore.heads.roles import bos_of


def own_example(circuit: Circuit, name: str, trace: Trace, at: int) -> Example | None:
    """Return the circuit's match at a token of the user's prompt; None if the circuit is not active there."""
    match = matched(circuit, name, trace, at)
    return replace(match, own=True) if match is not None and match.shown else None


def notice(circuit: Circuit, name: str, trace: Trace, at: int, other: Example) -> Document:
    """Why the walk uses another prompt, ``other``, with links to it and to a match in the user's own prompt, if any.

    ``links``: {text, place} each.
    """
    match = matched(circuit, name, trace, at)
    token = text_of(trace, int(trace.tokens[0, at]))
    if match is None:
        why = f"No earlier {token}: induction has nothing to match at {trace.labels[at]}."
    else:
        why = (
            f"{token} occurred earlier, but at {trace.labels[at]} no head of the circuit puts more than half of its "
            f"attention on {trace.labels[match.key]}: {match.star} puts {short(match.weight)} there, the most of them."
        )
    begins = int(int(trace.tokens[0, 0]) == bos_of(trace.weights))
    again = [each for each in repeats(trace.tokens[0, begins:].tolist(), begins) if each != at]
    examples = [
        each for each in (matched(circuit, name, trace, token_index) for token_index in again) if each is not None
    ]
    best = max(examples, key=lambda each: each.weight, default=None)
    links: list[Document] = []
    if best is not None and mostly(best.weight):
        links.append({"text": f"{trace.labels[best.at]} of this prompt", "place": place_of(best, "walk")})
    links.append({"text": f"“{text_before(other.trace, other.at)}”", "place": place_of(other, "walk")})
    return {"text": why, "links": links}
