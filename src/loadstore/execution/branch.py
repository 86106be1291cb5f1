"""The heads of one layer in several runs that were one run up to here: only heads that read something else compute.

Every run shares the recorded q, k and v. A head with ``Difference`` δ of its q, k or v mixes anew with q − δ, k − δ or
v − δ; every other head mixes what was recorded. Test: tests/causal/test_engine.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.execution.attention import causal_softmax, mixed, refuse_overflow
from loadstore.execution.record import LayerRecord
from loadstore.model.architecture import Architecture
from loadstore.model.caps import capped
from loadstore.sites import Reader, Side


@dataclass(frozen=True, eq=False, slots=True)
class Difference:
    """A part taken from the q, k or v of one head in one of several runs side by side.

    Args:
        run: Place of the run.
        reader: The side of a head.
        value: The part, in the units of q, k or v that attention uses: after a q- or k-norm and rotary positions.
    """

    run: int
    reader: Reader
    value: Float[Tensor, "batch token d_head"]


def branch(
    shape: Architecture,
    index: int,
    base: LayerRecord,
    differences: Sequence[Difference],
    runs: int,
    first: int = 0,
    *,
    keep: bool = False,
) -> LayerRecord:
    """Return what the heads of layer ``index`` do in each run, ready for ``after_attention``.

    Args:
        shape: The architecture.
        index: The layer.
        base: The layer in the recorded run, without edits.
        differences: What is taken from its readers; several may meet in one reader and add up.
        runs: How many runs.
        first: Tokens before this one are left out of the result. Nothing may be taken from them.
        keep: Keep patterns, queries, keys, values and scales, too; ``first`` must be 0.

    Returns:
        The record of the layer, batch = run × prompt; without ``keep``, q, k and v are NaN.
    """
    batch = len(base.z)
    taken: dict[tuple[int, int], dict[Side, Tensor]] = {}
    for difference in differences:
        sides = taken.setdefault((difference.run, difference.reader.index), {})
        side = difference.reader.head_side
        sides[side] = sides[side] + difference.value if side in sides else difference.value
    step = base.repeated(runs) if keep else _lean(base, runs, first)
    if base.after_heads is not None:  # its scale is in the recorded z
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
    pattern = None
    if keep:
        scores = q.transpose(1, 2) @ k.transpose(1, 2).mT * shape.attention_scale
        pattern = causal_softmax(capped(scores, shape.score_cap), shape.window(index))
        z = (pattern @ v.transpose(1, 2)).transpose(1, 2)
    else:
        z = mixed(shape, index, q, k, v)
    for column, (run, head) in enumerate(taken):
        rows = slice(run * batch, (run + 1) * batch)
        step.z[rows, :, head] = z[:, :, column]
        if pattern is not None:
            step.pattern[rows, head] = pattern[:, column]
            for recorded, side in ((step.q, q), (step.k, k), (step.v, v)):
                recorded[rows, :, head] = side[:, :, column]
    return step


def _lean(base: LayerRecord, runs: int, first: int) -> LayerRecord:
    """The stream, its scale and z of the tokens from ``first`` on; the rest is NaN."""
    stream, scale, z = (value[:, first:] for value in (base.stream, base.inverse_scale, base.z))
    z = z.repeat(runs, 1, 1, 1)
    unknown = z.new_full((), torch.nan).expand(z.shape)
    pattern = z.new_empty(len(z), z.shape[2], 0, 0)
    return LayerRecord(stream.repeat(runs, 1, 1), scale.repeat(runs, 1, 1), unknown, unknown, unknown, pattern, z)
