"""Induction circuits of a model: pairs of heads by weights, traffic, behaviour and cause, each with its null.

    weights     alignment of the K wire, with p and q            null: a random rotation between the two
    traffic     of that wire on random repeats                   null: the other wires into that K
    behaviour   previous-token and induction scores              null: attention that is uniform over the allowed keys
    cause       second-copy loss with the wire cut, less intact  null: other wires that carry as much, cut

Tests: tests/evidence/test_found.py.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch

from loadstore.bounds import Seed, Sequences
from loadstore.causal.beyond import beyond
from loadstore.causal.controls import controls_of, sizes_on
from loadstore.causal.cutting import Wire
from loadstore.causal.engine import rerun
from loadstore.causal.metrics import loss
from loadstore.causal.sweep import sweep
from loadstore.errors import BadRequest
from loadstore.execution.edits import cut
from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.heads.patterns import mass_on, role_masks
from loadstore.heads.roles import IS_ROLE, bos_of, measured_roles, random_repeats
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.scores.measures import SINGLE
from loadstore.scores.scores import subspace_scores
from loadstore.sites import Head, Reader, Writer
from loadstore.threads import threads_for

if TYPE_CHECKING:
    import xarray as xr

PERIOD = 25  # period of the repeats on which wires are cut


@threads_for(0)
def induction_circuits(
    weights: Weights,
    *,
    least: float = IS_ROLE,
    top: int = 12,
    controls: int = 20,
    sequences: Sequences = 4,
    seed: Seed = 0,
    progress: Progress | None = None,
) -> "xr.Dataset":
    """Pair every previous-token head with every later induction head, best aligned first: Dataset over pair.

    Args:
        weights: The model.
        least: The minimum role score of a head, 0 to 1.
        top: The maximum number of pairs to measure.
        controls: How many control wires, which carry as much, are cut for each wire.
        sequences: How many random repeats.
        seed: The seed of the repeats.
        progress: Called with (done, total).

    Returns:
        Of the wire previous → induction.K: alignment, z, p, q and traffic, and traffic_rank, the share of that K's
        wires that carry at least as much. Of the heads: previous and induction, their standard errors, and the scores
        of uniform attention. Of the cut: change and change_se, second-copy loss minus intact loss, in nats; control,
        the largest |change| of the controls; compared, their number; beyond, whether the loss rises further than any
        control moves it. attrs: ``found``, the number of pairs (0 is not an error); ``together``, the change with all
        of these wires cut.

    Raises:
        BadRequest, Undefined: Options are out of range, or the model cannot be measured this way.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> circuits = ls.experiments.induction_circuits(model, top=1, controls=2, sequences=2)
        >>> circuits["pair"].values.tolist()
        ['L0.H7 → L1.H4']
    """
    import xarray as xr

    if not 0 <= least <= 1 or top < 1 or controls < 1 or sequences < 2:
        raise BadRequest(
            f"least={least}, top={top}, controls={controls}, sequences={sequences}: expected a score from 0 to 1, at "
            "least one pair and one control, and two sequences"
        )
    roles = measured_roles(weights, seed, progress)
    firsts, seconds = (
        [head for head in weights.architecture.heads if float(roles[role].sel(head=str(head))) >= least]
        for role in ("previous", "induction")
    )
    pairs = [(first, two) for first in firsts for two in seconds if first.layer < two.layer]
    scores = _scored(weights, pairs)
    order = sorted(pairs, key=lambda pair: -scores[pair]["alignment"])[:top]
    columns: dict[str, list[float]] = {name: [scores[pair][name] for pair in order] for name in SINGLE}
    for role, end in (("previous", 0), ("induction", 1)):
        for name in (role, f"{role}_se"):
            columns[name] = [float(roles[name].sel(head=str(pair[end]))) for pair in order]
    columns |= dict.fromkeys(("previous_uniform", "induction_uniform"), [np.nan] * len(order))
    columns |= {name: [] for name in CAUSE}
    together = np.nan
    if order:
        trace, start = _repeats(weights, sequences, seed)
        uniform = _uniform(trace)
        columns |= {f"{role}_uniform": [uniform[role]] * len(order) for role in ("previous", "induction")}
        wires: list[Wire] = [(_writer(first), Reader(two.layer, two.index, "K")) for first, two in order]
        columns |= _caused(trace, wires, start, controls, progress)
        after = rerun(trace, [cut(*wire) for wire in wires])
        together = float((loss(start=start)(after, trace) - loss(start=start)(trace, trace)).mean())
    return xr.Dataset(
        {name: ("pair", np.array(values, dtype=float)) for name, values in columns.items()},
        coords={
            "pair": [f"{first} → {two}" for first, two in order],
            "previous_head": ("pair", [str(first) for first, _ in order]),
            "induction_head": ("pair", [str(two) for _, two in order]),
        },
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "title": "Induction circuits",
            "definition": "previous-token head → K of an induction head; change = second-copy loss with that wire cut, "
            "by its mean, minus intact, nats per token; control = the largest of wires that carry as much",
            "least": least,
            "found": len(pairs),
            "controls": controls,
            "sequences": sequences,
            "together": together,
            "seed": seed,
        },
    )


CAUSE = ("traffic", "traffic_rank", "change", "change_se", "control", "compared", "beyond")


def _scored(weights: Weights, pairs: list[tuple[Head, Head]]) -> dict[tuple[Head, Head], dict[str, float]]:
    """Alignment of every pair's wire, with q over all of these wires."""
    if not pairs:
        return {}
    table = subspace_scores(weights, where=[f"{first} -> {two}.K" for first, two in pairs])
    scored: dict[tuple[Head, Head], dict[str, float]] = {}
    for first, two in pairs:
        wire = table.sel(writer=str(first), reader=f"{two}.K")
        scored[first, two] = {name: float(wire[name]) for name in SINGLE}
    return scored


def _repeats(weights: Weights, sequences: int, seed: int) -> tuple[Trace, int]:
    """A run on random repeats, and the first token from which the next token is predictable."""
    has_bos = bos_of(weights) is not None
    room = min((weights.architecture.context - has_bos) // 2, weights.architecture.vocab - has_bos)
    period = min(PERIOD, room)
    tokens = random_repeats(weights, sequences, period, seed)
    return run(weights, tokens, record=True), has_bos + period


def _uniform(trace: Trace) -> dict[str, float]:
    """Role scores of attention that is uniform over all allowed keys."""
    length = trace.tokens.shape[1]
    rows = torch.ones(length, length).tril()
    pattern = (rows / rows.sum(-1, keepdim=True)).expand(len(trace.tokens), 1, length, length)
    masks = role_masks(trace.tokens, bos_of(trace.weights))
    return {role: float(mass_on(pattern, masks[role])[0].nanmean()) for role in ("previous", "induction")}


def _caused(
    trace: Trace, wires: list[Wire], start: int, controls: int, progress: Progress | None
) -> dict[str, list[float]]:
    """Traffic and its rank among the wires into each K; the change of loss when each wire, or each control, is cut."""
    network, sizes = wiring(trace.weights), sizes_on(trace)
    beside = {wire: controls_of(wire, controls, sizes, network.readers, outside=wires) for wire in wires}
    every = list(
        dict.fromkeys([*wires, *(wire for controls_of_wire in beside.values() for wire in controls_of_wire.wires)])
    )
    swept = sweep(trace, every, metric=loss(start=start), progress=progress)
    change = dict(zip(every, swept.change.values.tolist(), strict=True))
    error = dict(zip(every, swept.standard_error.values.tolist(), strict=True))
    moved = {wire: [change[other] for other in beside[wire].wires] for wire in wires}
    ranks: list[float] = []
    for wire in wires:
        loads = sizes(wire[1]).values()
        ranks.append(sum(load >= beside[wire].size for load in loads) / len(loads))
    return {
        "traffic": [beside[wire].size for wire in wires],
        "traffic_rank": ranks,
        "change": [change[wire] for wire in wires],
        "change_se": [error[wire] for wire in wires],
        "control": [max(map(abs, moved[wire])) for wire in wires],
        "compared": [len(moved[wire]) for wire in wires],
        "beyond": [float(beyond(change[wire], moved[wire])) for wire in wires],
    }


def _writer(head: Head) -> Writer:
    return Writer("head", head.layer, head.index)
