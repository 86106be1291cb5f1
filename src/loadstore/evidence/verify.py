"""Verifies a listing: as a whole (whole.py), then by cutting every load's largest wire and its controls.

    effect      log p(target | wire cut) − log p(target), nats, on this run
    controls    the effects of other wires that carry as much, outside the listing (causal/controls.py)
    replicates  the same cut on prompts with other tokens in the same places, or on paraphrases: mean and standard error

A cut is beyond its controls if it moves the target in the claimed direction, further than any control moves it
(causal/beyond.py). It is verified if, in addition, its mean over replicates is more than two standard errors from 0 in
that direction. Heads that load the same store on one side are also cut together, since each may substitute the other.
Tests: tests/evidence/test_verify.py.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor

from loadstore.bounds import Seed, Sequences
from loadstore.causal.controls import Sizes, control_sets, sizes_on
from loadstore.causal.cutting import Effect, Wire, cut_each
from loadstore.causal.engine import rerun, reruns
from loadstore.causal.own_cuts import pattern_without
from loadstore.causal.relabel import relabelled
from loadstore.causal.target import Target
from loadstore.decomposition.deviations import deviations
from loadstore.decomposition.program import Listing
from loadstore.decomposition.single import one_prompt_index
from loadstore.errors import BadRequest, Undefined
from loadstore.evidence.claimed import Claim, claims_of
from loadstore.evidence.verdict import Check, Verified
from loadstore.evidence.whole import whole_listing
from loadstore.execution.edits import Edit, cut
from loadstore.execution.run import Prompt, run
from loadstore.execution.trace import Trace
from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.threads import threads_for


@threads_for(0)
def verify(
    listing: Listing,
    *,
    controls: int = 20,
    replicates: Sequences = 8,
    paraphrases: Sequence[Prompt] | None = None,
    against: Prompt | None = None,
    seed: Seed = 0,
    progress: Progress | None = None,
) -> Verified:
    """Run a listing's wires alone, then cut every load's largest wire and its controls, wires that carry as much.

    Args:
        listing: The program to verify.
        controls: How many control wires, which carry as much, are cut for each wire.
        replicates: How many prompts with other random tokens in the same places (including the target).
        paraphrases: Prompts to use instead of replicates; the same target is expected after their last token.
        against: A counterfactual prompt of equally many tokens, whose stores all wires outside the listing carry. None:
            their mean over the default corpus at each position (random tokens for a model without a tokenizer).
        seed: The seed of replicates.
        progress: Called with (done, total).

    Returns:
        The checks, wire by wire; ``str`` prints the listing with their results.

    Raises:
        Undefined: There is nothing to cut, or nothing to compare with.
        BadRequest, BadPrompt: There are too few controls or replicates, or prompts are invalid.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> proof = ls.verify(ls.listing(trace, predict=" on", top=3), controls=2, replicates=2)
        >>> len(proof.checks) > 0
        True
    """
    if controls < 1 or (paraphrases is None and replicates < 2) or (paraphrases is not None and len(paraphrases) < 2):
        raise BadRequest("a proof needs at least 1 control and 2 replicates or paraphrases")
    claims = claims_of(listing)
    if not claims:
        raise Undefined("no writer of this listing can be cut: it is made of constants")
    whole = whole_listing(listing, against, seed)
    trace, target = listing.trace, (listing.at, listing.token)
    sizes, readers = sizes_on(trace), wiring(trace.weights).readers
    claimed = list(dict.fromkeys(wire for claim in claims for wire in claim.wires))
    beside = {claim.wires: control_sets(claim.wires, controls, sizes, readers, outside=claimed) for claim in claims}
    single = [control for sets in beside.values() for control in sets if len(control) == 1]
    alone = list(dict.fromkeys([*claimed, *(wire for (wire,) in single)]))
    others = _replicates(listing, replicates, paraphrases, seed)
    effects = dict(zip(alone, cut_each(trace, alone, target), strict=True))
    if progress is not None:
        progress(1, len(others) + 1)
    done: dict[tuple[Wire, ...], list[float]] = {claim.wires: [] for claim in claims}
    for number, (other, answer) in enumerate(others, 2):
        replicated = dict(zip(claimed, cut_each(other, claimed, answer), strict=True))
        for claim in claims:
            value = (
                replicated[claim.wires[0]].target
                if len(claim.wires) == 1
                else _changes(other, [claim.wires], answer)[0]
            )
            done[claim.wires].append(value)
        if progress is not None:
            progress(number, len(others) + 1)
    checks = tuple(_check(listing, claim, sizes, beside[claim.wires], effects, done[claim.wires]) for claim in claims)
    on = "prompts with other tokens in the same places" if paraphrases is None else "paraphrases"
    return Verified(listing, checks, len(others), on, whole)


def _check(
    listing: Listing,
    claim: Claim,
    sizes: Sizes,
    beside: Sequence[tuple[Wire, ...]],
    effects: Mapping[Wire, Effect],
    replicates: list[float],
) -> Check:
    """One claim's numbers: for a single wire from the given effects, for several together by new runs."""
    trace, target = listing.trace, (listing.at, listing.token)
    if len(claim.wires) == 1:
        (wire,) = claim.wires
        effect, change = effects[wire].target, effects[wire].change
        others = [effects[other].target for (other,) in beside]
        rows = [float(_without(trace, wire)[query, key]) for _, query, key in claim.watched]
    else:
        after, change = rerun(trace, _cuts(claim.wires)), math.nan
        effect = _change(trace, after.logits[target[0]], target)
        rows = [float(after.pattern(head)[query, key]) for head, query, key in claim.watched]
        others = _changes(trace, beside, target)
    before = [float(trace.pattern(head)[query, key]) for head, query, key in claim.watched]
    return Check(
        claim=claim,
        traffic=math.sqrt(math.fsum(sizes(reader)[writer] ** 2 for writer, reader in claim.wires)),
        effect=effect,
        change=change,
        probability=math.exp(min(0.0, _log_probability(trace.logits[listing.at], listing.token) + effect)),
        attention=tuple(zip(before, rows, strict=True)),
        controls=tuple(others),
        mean=statistics.fmean(replicates),
        standard_error=statistics.stdev(replicates) / len(replicates) ** 0.5,
    )


def _without(trace: Trace, wire: Wire) -> Tensor:
    """A head's pattern with one wire cut."""
    writer, reader = wire
    return pattern_without(trace, reader, deviations(trace, reader, None, [writer])[writer])[0]


def _cuts(wires: Iterable[Wire]) -> list[Edit]:
    """The edits that cut several wires together."""
    return list(dict.fromkeys(cut(*wire) for wire in wires))


def _change(trace: Trace, after: Tensor, target: Target) -> float:
    """The change of the target's log-probability; ``after``: the logits at the same token with the cut."""
    at, token = target
    return _log_probability(after, token) - _log_probability(trace.logits[at], token)


def _log_probability(logits: Tensor, token: int) -> float:
    """The log-probability of a token by the logits at one place."""
    return float(logits.double().log_softmax(-1)[token])


def _changes(trace: Trace, sets: Sequence[tuple[Wire, ...]], target: Target) -> list[float]:
    """The change of the target's log-probability with each of these sets of wires cut."""
    changes = [math.nan] * len(sets)
    for batch in reruns(trace, [_cuts(cut_wires) for cut_wires in sets], at=target[0]):
        for index, logits in zip(batch.places, batch.logits[:, 0], strict=True):
            changes[index] = _change(trace, logits, target)
    return changes


def _replicates(
    listing: Listing, count: int, paraphrases: Sequence[Prompt] | None, seed: int
) -> list[tuple[Trace, Target]]:
    weights, at = listing.trace.weights, listing.at
    if paraphrases is None:
        others = relabelled(listing.trace, listing.token, count, seed)
        return [(run(weights, ids, record=True), (at, token)) for ids, token in others]
    traces = [run(weights, prompt, record=True) for prompt in paraphrases]
    return [(trace, (one_prompt_index(trace, -1), listing.token)) for trace in traces]
