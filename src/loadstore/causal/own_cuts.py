"""Cuts every wire into one head separately, from one recorded run, without recomputing anything before the head.

A cut on Q or K of a head changes its own scores by a term that is linear in the writer's store,

    q_i · k_j → (q_i − δq_i) · k_j        or        q_i · (k_j − δk_j)

so the pattern after the cut follows exactly from the uncut run (tests/causal/test_own_cuts.py).
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.causal.variation import variation
from loadstore.decomposition.deviations import deviations
from loadstore.errors import Undefined
from loadstore.execution.patterns import allowed, causal_softmax
from loadstore.execution.trace import Trace
from loadstore.heads.patterns import mass_on, role_masks
from loadstore.heads.roles import bos_of
from loadstore.model.recency import entering
from loadstore.model.sinks import beside_sinks
from loadstore.model.wiring import wiring
from loadstore.sites import Reader
from loadstore.threads import threads_for
from loadstore.wire_traffic.exact import traffic_of

if TYPE_CHECKING:
    import xarray as xr


@threads_for(0)
def own_cuts(trace: Trace, reader: Reader | str, role: str = "induction") -> "xr.Dataset":
    """Cut every wire into the Q or K of one head by the mean: Dataset over writer.

    traffic: nats; score: the head's role score with the wire cut; change: total variation of its pattern, averaged
    over queries; intact (scalar): the score without a cut. Raises NoSuchSite, or Undefined for another side.
    """
    import xarray as xr

    reader = wiring(trace.weights).reader(reader)
    if reader.side not in ("Q", "K"):
        raise Undefined(f"a cut of {reader} does not change the pattern of one head; ask for a Q or a K")
    window = trace.weights.architecture.window(reader.layer)
    mask = role_masks(trace.tokens, bos_of(trace.weights), window)[role]
    intact = trace.record.layers[reader.layer].pattern[:, reader.index]
    rows: dict[str, tuple[float, float, float]] = {}
    for writer, change in deviations(trace, reader).items():
        pattern = pattern_without(trace, reader, change)
        moved = float(variation(trace.weights, reader.layer, intact, pattern).mean())
        rows[str(writer)] = (traffic_of(trace, reader, change), _score(pattern, mask), moved)
    table = np.array(list(rows.values()), dtype=float).reshape(-1, 3)
    return xr.Dataset(
        {
            **{name: ("writer", table[:, i]) for i, name in enumerate(("traffic", "score", "change"))},
            "intact": ((), _score(intact, mask)),
        },
        coords={"writer": list(rows)},
        attrs={
            "model": trace.weights.name,
            "bos": trace.weights.begins,
            "reader": str(reader),
            "role": role,
            "definition": "one wire cut at a time by its mean; change = total variation of the head's own pattern",
        },
    )


def _score(pattern: Float[Tensor, "batch query key"], mask: Tensor) -> float:
    return float(mass_on(pattern[:, None], mask)[0].nanmean())


def pattern_without(trace: Trace, reader: Reader, change: Tensor) -> Float[Tensor, "batch query key"]:
    """A head's pattern with ``change`` subtracted from its q or k."""
    with torch.no_grad():
        return causal_softmax(_scores(trace, reader, change)[:, None], _window(trace, reader), _sink(trace, reader))[
            :, 0
        ]


def pattern_divergence(trace: Trace, reader: Reader, change: Tensor) -> float:
    """KL(A‖A′) in nats, mean over queries, where A′ is a head's pattern with ``change`` subtracted from its q or k.

    Computed from scores in double precision, because a weight that underflows to 0 in the pattern still has a finite
    logarithm.
    """
    intact = _scores(trace, reader, torch.zeros_like(change)).double()
    after = _scores(trace, reader, change).double()
    hidden = ~allowed(intact.shape[-1], _window(trace, reader), intact.device)
    log_p, log_q = (_log_softmax(trace, reader, scores.masked_fill(hidden, -torch.inf)) for scores in (intact, after))
    return float((log_p.exp() * (log_p - log_q).masked_fill(log_p.isneginf(), 0.0)).sum(-1).mean())


def _log_softmax(
    trace: Trace, reader: Reader, scores: Float[Tensor, "batch query key"]
) -> Float[Tensor, "batch query more"]:
    """Logarithms of the weights of the keys and, where there is one, of the sink."""
    sink = _sink(trace, reader)
    return beside_sinks(scores[:, None], None if sink is None else sink.to(scores)).log_softmax(-1)[:, 0]


def _sink(trace: Trace, reader: Reader) -> Float[Tensor, " 1"] | None:
    sinks = trace.weights.sinks(reader.layer)
    return None if sinks is None else sinks[reader.index : reader.index + 1]


def _scores(trace: Trace, reader: Reader, change: Tensor) -> Float[Tensor, "batch query key"]:
    """What enters the softmax, with ``change`` taken from q or k."""
    layer, shape = trace.record.layers[reader.layer], trace.weights.architecture
    q, k = layer.q[:, :, reader.index], layer.k[:, :, reader.index]
    q, k = (q - change, k) if reader.side == "Q" else (q, k - change)
    return entering(shape, (q @ k.mT)[:, None], [reader.index])[:, 0]


def _window(trace: Trace, reader: Reader) -> int | None:
    return trace.weights.architecture.window(reader.layer)
