"""The numbers that an address divides among writers, for one run or for the difference between two.

One run. Let d be the weights of a contrast over keys (they sum to 0), and κ = Σ_j d_j k_j/√d_head:

    Q and K both divide q_i · κ,  V divides ‖o‖²

ALiBi and sinks add a part that no writer stores (``unstored``): ``const`` has it on Q and on K, and it is the same in
two runs.

Two runs. Δ is their difference and a bar their mean. Q and K both change, so they share one number:

    Δ(q_i · κ) = Δq_i · κ̄ + q̄_i · Δκ         exact: a bilinear form has no other terms
    ‖Δo‖² = Σ_c ⟨Δo^c, Δo⟩
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.projections import Question, projections
from loadstore.decomposition.unstored import unstored
from loadstore.execution.trace import Trace
from loadstore.model.ports import heads_out
from loadstore.sites import CONST, SIDES, Head, Reader, Side

VANISHED = 1e-9  # relative to the size of the scores, or to the parts of an output; smaller totals are not divided


@dataclass(frozen=True)
class Divided:
    """One side: the parts by writer, the recorded number, the whole that shares refer to, and whether it vanishes."""

    parts: dict[str, float]
    recorded: float
    whole: float
    vanished: bool

    @property
    def shares(self) -> dict[str, float]:
        """The parts relative to the whole; NaN if the whole vanishes."""
        return {name: math.nan if self.vanished else part / self.whole for name, part in self.parts.items()}

    @property
    def remainder(self) -> float:
        """The recorded number minus the sum of the parts, relative to the whole."""
        return math.nan if self.vanished else (self.recorded - math.fsum(self.parts.values())) / self.whole


def divided(
    runs: Sequence[Trace], head: Head, at: int, first: int, direction: Float[Tensor, " allowed"]
) -> dict[Side, Divided]:
    """Divide the contrast ``direction`` over the keys from ``first`` to ``at``, and the output, of one run or two."""
    signs = (1.0, -1.0)[: len(runs)]
    scale = runs[0].weights.architecture.attention_scale
    records = [run.record.layers[head.layer] for run in runs]
    queries = [record.q[0, at, head.index].double() for record in records]
    keys = [record.k[0, first : at + 1, head.index].double() for record in records]
    rows = [record.mixing[0, head.index, at].double() for record in records]
    out = heads_out(runs[0].weights, head.layer)[head.index].double()
    outputs = [row @ record.v[0, :, head.index].double() @ out for row, record in zip(rows, records, strict=True)]
    contrasts = [direction @ key * scale for key in keys]
    query, contrast = torch.stack(queries).mean(0), torch.stack(contrasts).mean(0)
    output = sum_of(signs, outputs)
    bias = unstored(runs[0].weights, head, at, first, direction)
    parts: dict[Side, dict[str, float]] = {"Q": {}, "K": {}, "V": {}}
    for run, row, sign in zip(runs, rows, signs, strict=True):
        answers = projections(
            run,
            [
                Question(Reader(head.layer, head.index, "Q"), contrast[None], at),
                Question(Reader(head.layer, head.index, "K"), direction[:, None] * query * scale, first),
                Question(Reader(head.layer, head.index, "V"), row[:, None] * (out @ output)),
            ],
        )
        for side, answer in zip(SIDES, answers, strict=True):
            for name, values in answer.items():
                alone = bias if name == CONST and side != "V" else 0.0
                parts[side][name] = parts[side].get(name, 0.0) + sign * (float(values.double().sum()) + alone)
    recorded: dict[Side, float] = {
        "Q": float(sum_of(signs, queries) @ contrast) + bias * sum(signs),
        "K": float(query @ sum_of(signs, contrasts)) + bias * sum(signs),
        "V": float(output.square().sum()),
    }
    totals = {side: math.fsum(parts[side].values()) for side in SIDES}
    both = totals if len(runs) == 1 else totals | dict.fromkeys("QK", totals["Q"] + totals["K"])
    size = max(float(q.norm() * k.norm()) * scale for q, k in zip(queries, keys, strict=True))
    small = VANISHED * size
    least: dict[Side, float] = {"Q": small, "K": small, "V": VANISHED * math.fsum(map(abs, parts["V"].values()))}
    return {s: Divided(parts[s], recorded[s], both[s], not abs(both[s]) > least[s]) for s in SIDES}


def sum_of(signs: Sequence[float], values: Sequence[Tensor]) -> Tensor:
    """The first value, or the first minus the second."""
    return torch.stack([sign * value for sign, value in zip(signs, values, strict=True)]).sum(0)
