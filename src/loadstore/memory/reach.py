"""How far back readers reach: the distribution of the traffic into a layer's readers over the depth of its writers.

    p_r(Δ) = Σ_{w at Δ} θ_wr/Σ_w θ_wr      θ = traffic², summed over the readers of one side in one layer
    Δ = layer of the reader − layer of the writer; the embedding is layer −1, the unembedding comes after the last

compared with equal reading of all writers, u_r(Δ) = the fraction of the writers at Δ. Shares of traffic are signed and
therefore unsuitable. With θ̄_r(Δ) the mean of a writer's θ at Δ, the half-life h is the least-squares fit of

    log θ̄_r(Δ) = a_r − Δ ln 2/h

over the depths that exist; it is infinite if traffic does not fall with distance. The number for a model is

    ratio = mean over readers with two depths or more of E_p Δ/E_u Δ       1: all depths alike, below 1: near ones more

Positions that bypass the stream are added again in each layer and are left out, as are constants. Docs: docs/memory.md.
Tests: tests/memory/test_reach.py.
"""

import math
from collections.abc import Sequence

import numpy as np

from loadstore.bounds import Amount
from loadstore.memory.reach_effect import Effects, effects_by_distance
from loadstore.memory.reach_value import Reach, Reached
from loadstore.memory.sample import sample
from loadstore.memory.stores import in_stream
from loadstore.model.opened import whole_mlps
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.wire_traffic.given import Corpora, given_moments
from loadstore.wire_traffic.traffic import traffic

DEFINITION = (
    "distribution of traffic^2 over delta = layer of the reader minus layer of the writer, beside equal reading of "
    "all writers; ratio = mean over readers of the mean distance over that of equal reading"
)
FEWEST = 3  # depths needed for a half-life


def reach(
    weights: Weights,
    corpus: Corpora = None,
    *,
    effect: Amount = 0,
    tokens: int | None = None,
    length: int | None = None,
    progress: Progress | None = None,
) -> Reach:
    """Measure from how far back the readers of every layer load.

    Args:
        weights: The model.
        corpus: The shipped one (None), a folder, a file, texts, token ids, or saved ``moments``.
        effect: The number of wires to cut, as many at each distance, to measure the change of their readers. 0 for
            none.
        tokens: The number of tokens at which to stop adding documents.
        length: Tokens of a piece of text.
        progress: Called with the number of steps done and the total.

    Raises:
        BadRequest, BadPrompt, Undefined: The corpus is unusable.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> texts = ["the cat sat on the mat. the dog sat on the log.", "one two three one two three"]
        >>> reach = ls.reach(model, texts)
        >>> reach.ratio > 0
        True
    """
    whole_mlps(weights, "reach is measured")
    network, writers = wiring(weights), in_stream(weights)
    kept = given_moments(weights, corpus, readers="*", tokens=tokens, length=length, progress=progress)
    carried = traffic(weights, kept, writers=[str(writer) for writer in writers], progress=progress)
    theta = np.square(carried["traffic"].values)
    groups: dict[tuple[int, str], list[int]] = {}
    for column, reader in enumerate(network.readers):
        layer = weights.architecture.n_layers if reader.is_unembed else reader.layer
        groups.setdefault((layer, reader.side or "unembed"), []).append(column)
    reached = [
        _reached(layer, side, np.array([layer - max(-1, writer.layer) for writer in writers]), theta[:, columns].sum(1))
        for (layer, side), columns in groups.items()
    ]
    kinds = tuple(each for each in reached if each is not None)
    effects = Effects() if effect == 0 else effects_by_distance(sample(kept), writers, effect, progress)
    return Reach(
        kinds,
        ratio_of(kinds),
        half_life([(each.distance, each.each) for each in kinds]),
        effects,
        {
            "model": weights.name,
            "bos": weights.begins,
            "corpus": kept.corpus,
            "documents": kept.documents,
            "tokens": len(kept.tokens),
            "layers": weights.architecture.n_layers,
            "definition": DEFINITION,
        },
    )


def _reached(layer: int, side: str, distance: np.ndarray, theta: np.ndarray) -> Reached | None:
    """The distribution of one side of one layer; None if it loads nothing."""
    exists = np.isfinite(theta)
    total = theta[exists].sum()
    if not total > 0:
        return None
    places = np.unique(distance[exists])
    counts = np.array([(exists & (distance == step)).sum() for step in places])
    sums = np.array([theta[exists & (distance == step)].sum() for step in places])
    part, equal = sums / total, counts / counts.sum()
    return Reached(
        layer,
        side,
        places,
        part,
        equal,
        sums / counts,
        _median(places, part),
        _median(places, equal),
        float(part @ places),
        float(equal @ places),
        half_life([(places, sums / counts)]),
    )


def _median(distance: np.ndarray, part: np.ndarray) -> int:
    """The smallest distance within which half of the parts lie."""
    return int(distance[int((np.cumsum(part) < 0.5 - 1e-12).sum())])


def ratio_of(kinds: Sequence[Reached]) -> float:
    """The mean over readers of (mean distance / mean distance of equal reading); NaN if no reader has two depths."""
    ratios = [each.mean / each.mean_equal for each in kinds if len(each.distance) > 1]
    return float(np.mean(ratios)) if ratios else math.nan


def half_life(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """Layers over which traffic² halves: one fit for all curves, each with its own offset; NaN for too few depths."""
    up, down = 0.0, 0.0
    for distance, each in curves:
        positive = each > 0
        if positive.sum() >= FEWEST:
            x, y = distance[positive] - distance[positive].mean(), np.log(each[positive])
            up, down = up + float(x @ (y - y.mean())), down + float(x @ x)
    if down == 0:
        return math.nan
    return math.log(2) / -(up / down) if up < 0 else math.inf
