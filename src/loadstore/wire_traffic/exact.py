"""Exact traffic on Q and K, token by token: the variance of the change of scores, as softmax sees it.

θ_w = E_i Var_{j∼A_i}(δs_ij)      δs_ij = δq_i · k_j /√d_head on Q, q_i · δk_j /√d_head on K
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.deviations import deviations
from loadstore.errors import Undefined
from loadstore.execution.edits import reader_of
from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.model.caps import slope
from loadstore.model.ports import heads_out
from loadstore.model.sinks import whole
from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.sites import Reader, Writer
from loadstore.wire_traffic.moments import Moments

TILE = 1 << 24  # scores computed at a time


def reader_traffic(trace: Trace, reader: Reader | str) -> dict[str, float]:
    """Traffic of every wire into one side of a head on one run. Raises Undefined for other readers and cut runs."""
    reader = wiring(trace.weights).reader(reader)
    if reader.is_unembed or reader.is_mlp or any(reader_of(edit) is not None for edit in trace.edits):
        raise Undefined("traffic is measured on the Q, K and V wires of a run without cuts")
    return {str(writer): traffic_of(trace, reader, change) for writer, change in deviations(trace, reader).items()}


def traffic_of(trace: Trace, reader: Reader, change: Float[Tensor, "batch token d_head"]) -> float:
    """Traffic of one wire, given its part of q, k or v minus the mean, ``change``."""
    if reader.side == "V":
        stored = change @ heads_out(trace.weights, reader.layer)[reader.index]
        return float(stored[:, 1:].square().sum(-1).mean().sqrt())
    scores = seen_scores(trace, reader, change[None])[0]
    return float((_whole(trace, reader) * scores.square()).sum(-1).mean().sqrt())


def seen_scores(
    trace: Trace, reader: Reader, changes: Float[Tensor, "writer batch token d_head"]
) -> Float[Tensor, "writer batch query key"]:
    """The change of scores from each change of q or k, minus its mean under the pattern, which softmax ignores."""
    layer = trace.record.layers[reader.layer]
    q, k = layer.q[:, :, reader.index], layer.k[:, :, reader.index]
    scores = (changes @ k.mT if reader.side == "Q" else q @ changes.mT) * trace.weights.architecture.attention_scale
    cap = trace.weights.architecture.score_cap
    if cap is not None:  # to first order, as factorised traffic is
        scores = scores * slope(q @ k.mT * trace.weights.architecture.attention_scale, cap)
    pattern = _whole(trace, reader)
    scores = F.pad(scores, (0, pattern.shape[-1] - scores.shape[-1]))  # no change moves the score of a sink
    scores = scores - (pattern * scores).sum(-1, keepdim=True)
    if reader.side == "K":
        return scores
    later = torch.arange(scores.shape[-2], device=scores.device)[:, None] > 0  # the first query has one key, or a sink
    return scores * later


def _whole(trace: Trace, reader: Reader) -> Float[Tensor, "batch query more"]:
    """The pattern of a reader's head, with its sink as one more key."""
    pattern = trace.record.layers[reader.layer].pattern[:, reader.index]
    return whole(pattern, trace.weights.layers[reader.layer].sinks)


def exact(
    moments: Moments,
    writers: Sequence[Writer],
    readers: Sequence[Reader],
    factorised: dict[str, np.ndarray],
    progress: Progress | None = None,
) -> dict[str, np.ndarray]:
    """The result of ``factorised`` with θ, cross, total and pull of Q and K replaced by exact values."""
    result = {name: value.copy() for name, value in factorised.items()}
    row, means = {str(writer): i for i, writer in enumerate(writers)}, moments.means
    selected = [(j, reader) for j, reader in enumerate(readers) if reader.side in ("Q", "K")]
    sums = {name: np.zeros((moments.groups, len(writers), len(selected))) for name in ("theta", "cross")}
    total, count = np.zeros(len(selected)), np.bincount(moments.group.cpu().numpy(), minlength=moments.groups)
    pieces = moments.pieces()
    for done, (group, piece) in enumerate(pieces, 1):
        trace = run(moments.weights, piece[None], record=True)
        for index, (_, reader) in enumerate(selected):
            named, theta, cross = _piece(trace, reader, means)
            at = [row[name] for name in named if name in row]
            kept = [i for i, name in enumerate(named) if name in row]
            sums["theta"][group, at, index] += theta[kept]
            sums["cross"][group, at, index] += cross[kept]
            total[index] += cross.sum()
        if progress is not None:
            progress(done, len(pieces))
    columns = [j for j, _ in selected]
    tokens = count.sum()
    parts = count[:, None, None] / tokens
    exists = ~np.isnan(result["theta"][:, columns])
    for name, value in sums.items():
        result[name][:, columns] = np.where(exists, value.sum(0) / tokens, np.nan)
    pull = sums["theta"] / tokens - parts * sums["theta"].sum(0) / tokens
    result["pull"][:, :, columns] = np.where(exists, pull, np.nan)
    result["total"][columns] = total / tokens
    return result


def _piece(
    trace: Trace, reader: Reader, means: dict[Writer, Tensor]
) -> tuple[list[str], Float[np.ndarray, " writer"], Float[np.ndarray, " writer"]]:
    """Sums over one piece's queries: the variance of every writer, and its covariance with the sum of all writers."""
    parts = deviations(trace, reader, means.__getitem__)
    changes = torch.stack(list(parts.values()))
    together = seen_scores(trace, reader, changes.sum(0, keepdim=True))
    pattern = _whole(trace, reader)
    theta: list[Tensor] = []
    cross: list[Tensor] = []
    step = max(1, TILE // trace.tokens.shape[1] ** 2)
    for chunk in changes.split(step):
        scores = seen_scores(trace, reader, chunk)
        theta.append((pattern * scores.square()).sum((1, 2, 3)))
        cross.append((pattern * scores * together).sum((1, 2, 3)))
    return [str(writer) for writer in parts], torch.cat(theta).cpu().numpy(), torch.cat(cross).cpu().numpy()
