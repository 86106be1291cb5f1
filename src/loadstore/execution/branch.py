"""Runs the heads of one layer in several runs that agree up to here; only heads with changed inputs are recomputed.

Every run shares the recorded q, k and v. A head with a ``Difference`` δ of its q, k or v attends anew with q − δ, k − δ
or v − δ. Every other head keeps its recorded z. Test: tests/causal/test_engine.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.execution.attention import mixed, refuse_overflow
from loadstore.execution.patterns import causal_softmax
from loadstore.execution.record import LayerRecord
from loadstore.model.recency import entering
from loadstore.model.weights import Weights
from loadstore.sites import Reader, Side


@dataclass(frozen=True, eq=False, slots=True)
class Difference:
    """A part removed from the q, k or v of one head in one of several parallel runs.

    Args:
        run: Index of the run.
        reader: The side of a head.
        value: The part, in the units that attention uses: after a q- or k-norm and rotary positions.
    """

    run: int
    reader: Reader
    value: Float[Tensor, "batch token d_head"]


def branch(
    weights: Weights,
    index: int,
    base: LayerRecord,
    differences: Sequence[Difference],
    runs: int,
    first: int = 0,
    *,
    keep: bool = False,
) -> LayerRecord:
    """Return the record of the heads of layer ``index`` in each run, ready for ``after_attention``.

    Args:
        weights: The model.
        index: The layer.
        base: The layer in the recorded run, without edits.
        differences: The parts to remove from its readers. Several differences of one reader add up.
        runs: How many runs.
        first: Tokens before this one are omitted from the result. No difference may apply to them.
        keep: Also keep patterns, queries, keys, values and scales; ``first`` must be 0.

    Returns:
        The record of the layer, batch = run × prompt; without ``keep``, q, k and v are NaN.
    """
    batch, shape, sinks = len(base.z), weights.architecture, weights.sinks(index)
    taken: dict[tuple[int, int], dict[Side, Tensor]] = {}
    for difference in differences:
        sides = taken.setdefault((difference.run, difference.reader.index), {})
        side = difference.reader.head_side
        sides[side] = sides[side] + difference.value if side in sides else difference.value
    step = base.repeated(runs) if keep else _lean(base, runs, first)
    if base.after_heads is not None:  # the recorded z includes its scale
        step.z = step.z / base.after_heads[:, first:].repeat(runs, 1, 1)[..., None]
    if not taken:
        return step
    values = {"Q": base.q[:, first:], "K": base.k, "V": base.v}

    def of_pairs(side: Side) -> Float[Tensor, "batch row pair d_head"]:
        start = first if side == "Q" else 0
        parts: list[Tensor] = []
        for (_, head), sides in taken.items():
            value = values[side][:, :, head]
            parts.append(value - sides[side][:, start:] if side in sides else value)
        return torch.stack(parts, 2)

    q, k, v = of_pairs("Q"), of_pairs("K"), of_pairs("V")
    refuse_overflow(base.stream, q, k, index)
    heads = [head for _, head in taken]
    pattern = None
    if keep:
        scores = entering(shape, q.transpose(1, 2) @ k.transpose(1, 2).mT, heads)
        pattern = causal_softmax(scores, shape.window(index), None if sinks is None else sinks[heads])
        z = (pattern @ v.transpose(1, 2)).transpose(1, 2)
    else:
        z = mixed(shape, index, sinks, q, k, v, heads)
    for column, (run, head) in enumerate(taken):
        rows = slice(run * batch, (run + 1) * batch)
        step.z[rows, :, head] = z[:, :, column]
        if pattern is not None:
            step.pattern[rows, head] = pattern[:, column]
            for recorded, side in ((step.q, q), (step.k, k), (step.v, v)):
                recorded[rows, :, head] = side[:, :, column]
    return step


def _lean(base: LayerRecord, runs: int, first: int) -> LayerRecord:
    """The stream, its scale and z for tokens from ``first`` on; q, k and v are NaN."""
    stream, scale, z = (value[:, first:] for value in (base.stream, base.inverse_scale, base.z))
    z = z.repeat(runs, 1, 1, 1)
    unknown = z.new_full((), torch.nan).expand(z.shape)
    pattern = z.new_empty(len(z), z.shape[2], 0, 0)
    return LayerRecord(stream.repeat(runs, 1, 1), scale.repeat(runs, 1, 1), unknown, unknown, unknown, pattern, z)
