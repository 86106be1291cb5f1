"""The answers of induction at one token: the tokens after its earlier occurrences, with attention and prediction.

Tests: tests/evidence/test_answers.py.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from loadstore.decomposition.single import one_prompt_index
from loadstore.errors import BadRequest
from loadstore.execution.trace import Trace
from loadstore.heads.patterns import role_masks
from loadstore.heads.roles import bos_of
from loadstore.sites import Head, parse_head

if TYPE_CHECKING:
    import xarray as xr


def followers(trace: Trace, at: int) -> list[int]:
    """The indices of the tokens after earlier occurrences of a token; BOS does not count as an occurrence."""
    return role_masks(trace.tokens, bos_of(trace.weights))["induction"][0, at].nonzero().flatten().tolist()


def induction_answers(trace: Trace, at: int = -1, *, heads: Sequence[Head | str] | None = None) -> "xr.Dataset":
    """Find the tokens after earlier occurrences of a token, the heads' attention to them, and their probabilities.

    Args:
        trace: A run of one prompt.
        at: The index of the token (negative: from the end).
        heads: The heads whose attention is listed, such as the induction heads of ``induction_circuits``; all if None.

    Returns:
        Dataset with dims head, place. A place is the token after one earlier occurrence; there may be none.
        ``attention``: from ``at`` to the place, without unit. ``token``: the id at the place; ``text``: its label.
        ``probability``: of that id after ``at``; ``rank``: how many ids are more likely. The coordinate ``place`` is
        the index of the token.

    Raises:
        NoSuchSite: The model has no such head.
        Undefined: The run is a batch, or the index does not exist.
        BadRequest: ``at`` names no token, or ``heads`` is empty.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> ls.experiments.induction_answers(trace, heads=["L1.H4", "L1.H10"]).text.values.tolist()
        ['␣on·4']
    """
    import xarray as xr

    at = one_prompt_index(trace, at)
    shape, name = trace.weights.architecture, trace.weights.name
    chosen = shape.heads if heads is None else [shape.check(parse_head(head), name) for head in heads]
    if not chosen:
        raise BadRequest("no head was named; give heads such as ['L1.H4'], or None for all of them")
    places = followers(trace, at)
    ids: list[int] = trace.tokens[0, places].tolist()
    probabilities = trace.logits[at].double().softmax(-1)
    return xr.Dataset(
        {
            "attention": (("head", "place"), [trace.pattern(head)[at, places].tolist() for head in chosen]),
            "token": ("place", ids),
            "text": ("place", [trace.labels[index] for index in places]),
            "probability": ("place", [float(probabilities[token]) for token in ids]),
            "rank": ("place", [int((probabilities > probabilities[token]).sum()) for token in ids]),
        },
        coords={"head": [str(head) for head in chosen], "place": places},
        attrs={
            "model": name,
            "bos": trace.weights.begins,
            "title": f"Answers of induction at {trace.labels[at]}",
            "definition": "place = the token after an earlier occurrence; probability = of its id after the token",
            "at": at,
        },
    )
