"""The load/store program of one prediction, traced backwards from a logit through the loads of heads and MLPs.

A step is a writer at a token. The target divides its contrast among the writers at ``at``. A step divides each of its
loads among the loaded writers, at the tokens where it loaded them. A step's ``weight`` is the sum over its uses of the
user's weight × |share|, at most 1 each; a writer becomes a step if that reaches .05. ``carried`` is the signed product:
the part of the target's contrast that passes through it, by attribution. Each step is listed once.
Derivations: docs/listing.md. Tests: tests/decomposition/test_listing.py.
"""

import math

import torch

from loadstore.decomposition.loads import chosen
from loadstore.decomposition.logits import column_parts, signed_targets
from loadstore.decomposition.program import Listing
from loadstore.decomposition.reading import refuse_cuts
from loadstore.decomposition.search import Search
from loadstore.decomposition.single import one_prompt_index
from loadstore.errors import BadRequest, Undefined
from loadstore.execution.positions import At
from loadstore.execution.trace import Trace
from loadstore.model.opened import whole_mlps
from loadstore.threads import threads_for

TILE = 8192  # columns of the vocabulary


@threads_for(0)
def listing(
    trace: Trace,
    at: At = -1,
    *,
    predict: int | str | None = None,
    against: int | str | None = None,
    share: float = 0.9,
    top: int = 24,
) -> Listing:
    """The load/store program of the prediction after token ``at``; one prompt, no edits.

    Args:
        trace: One prompt, without edits.
        at: The token after which the prediction is explained, an index or a text.
        predict: The prediction: a token id, or a text that is one token; the most likely token if None.
        against: Another token, whose logit is subtracted.
        share: Loads are listed until this fraction of a site's input is explained, between 0 and 1.
        top: The maximum number of steps.

    Returns:
        The program; ``str`` returns its text.

    Raises:
        BadPrompt: A target has several tokens.
        BadRequest: ``share`` or ``top`` is out of range.
        Undefined: The run is a batch or has edits, or the prediction has no contrast.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> listing = ls.listing(trace, predict=" on")
        >>> listing.text_of(listing.token), len(listing.steps) > 2
        ('␣on', True)
    """
    at = one_prompt_index(trace, at)
    whole_mlps(trace.weights, "a listing is made")
    refuse_cuts(trace)
    if trace.edits:
        raise Undefined("a listing is of a run without edits; run the prompt without them")
    if not 0 < share < 1:
        raise BadRequest(f"share={share}: expected a part of the whole between 0 and 1, such as .9")
    if top < 1:
        raise BadRequest(f"top={top}: expected at least one step")
    logits = trace.logits[at].double()
    signed = signed_targets(trace, int(logits.argmax()) if predict is None else predict, against)
    token, *other = signed
    parts = _contrast(trace, at, signed)
    contrast = math.fsum(parts.values())
    if not abs(contrast) > 1e-9 * math.fsum(map(abs, parts.values())):
        raise Undefined("the target's contrast is 0: there is nothing to explain; choose another prediction")
    target = chosen("unembed", {(name, at): part / contrast for name, part in parts.items()}, share)
    steps, left = Search(trace, share, at, target, parts).steps(top)
    return Listing(
        trace=trace,
        at=at,
        token=token,
        against=other[0] if other else None,
        logit=float(logits[token]),
        probability=float(logits.softmax(-1)[token]),
        contrast=contrast,
        target=target,
        steps=steps,
        share=share,
        left=left,
    )


def _contrast(trace: Trace, at: int, signed: dict[int, float]) -> dict[str, float]:
    """The target's logit minus another token's, or minus the vocabulary mean, by writers and ``const``."""
    weights = trace.weights
    columns = [sign * weights.wide(weights.W_U[:, index]) for index, sign in signed.items()]
    column = torch.stack(columns).double().sum(0)
    bias = 0.0 if weights.b_U is None else sum(sign * float(weights.b_U[index]) for index, sign in signed.items())
    if len(signed) == 1:
        tiles = [weights.wide(tile).double().sum(1) for tile in weights.W_U.split(TILE, 1)]
        column = column - torch.stack(tiles).sum(0) / weights.architecture.vocab
        bias -= 0.0 if weights.b_U is None else float(weights.wide(weights.b_U).double().mean())
    return column_parts(trace, at, column.to(columns[0]), bias)
