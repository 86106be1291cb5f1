"""What the heads of one layer load on a prompt, all at once: rows, contrasts, outputs, and what they ask of stores.

d_i = A_i − 1/n over the n keys that query i may see; the contrast of its row C_i = Σ_j d_ij s_ij = KL(A‖U) + KL(U‖A).
Tests: tests/explorer/test_stores.py.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.reading import back_through
from loadstore.decomposition.sides import VANISHED
from loadstore.execution.attention import allowed
from loadstore.execution.trace import Trace
from loadstore.model.rotary import Rotary
from loadstore.model.weights import Layer
from loadstore.sites import Reader, Side


@dataclass(frozen=True, eq=False)
class Loads:
    """Patterns, queries, keys and outputs in double precision; ``squares`` of what heads store, ``size`` of scores."""

    layer: int
    weights: Layer
    shared: list[int]
    rotary: Rotary | None
    scale: float
    rows: Float[Tensor, "head query key"]
    directions: Float[Tensor, "head query key"]
    q: Float[Tensor, "head token d_head"]
    k: Float[Tensor, "head token d_head"]
    z: Float[Tensor, "head token d_head"]
    gram: Float[Tensor, "head d_head d_head2"]
    met: Float[Tensor, "head query d_head"]
    contrast: Float[Tensor, "head query"]
    size: Float[Tensor, "head query"]
    squares: Float[Tensor, "head query"]
    scales: dict[Side, Float[Tensor, "head token 1"]]

    def matrix(self, side: Side) -> Float[Tensor, "head d_model d_head"]:
        """W_Q, W_K or W_V of every head, those that share keys and values each with their own."""
        if side == "Q":
            return self.weights.W_Q
        return (self.weights.W_K if side == "K" else self.weights.W_V)[self.shared]

    def turned(self, side: Side, part: Float[Tensor, "head some d_head"], start: int) -> Float[Tensor, "..."]:
        """Parts of q or k of tokens from ``start`` on through the heads' own norm and the rotary positions."""
        if side == "V":
            return part
        part = self._normed(side, part, start)
        if self.rotary is None:
            return part
        return self.rotary.turn(part, self.rotary.angles(part.shape[1], start).to(part.device))

    def back(self, side: Side, along: Float[Tensor, "head token d_head"]) -> Float[Tensor, "token d_model"]:
        """Directions inside q, k or v, brought behind the layer's norm: ⟨along, part⟩ = ⟨input, back⟩, over heads."""
        matrix = self.matrix(side)
        along = along.to(matrix)
        if side != "V":
            if self.rotary is not None:
                along = self.rotary.turn(along, -self.rotary.angles(along.shape[1]).to(along.device))
            along = self._normed(side, along, 0)
        return torch.einsum("hte,hde->td", along, matrix)

    def asked(self, trace: Trace) -> tuple[Float[Tensor, "token d_model"], Float[Tensor, "token d_model"]]:
        """What all loads of the layer ask of a store in the stream, and of one beside it; see ``loaded``."""
        weight = shared(torch.full_like(self.contrast, self.scale), self.contrast, self.size).nan_to_num(0.0)[..., None]
        squares = self.squares[..., None].clamp(min=torch.finfo(self.squares.dtype).tiny)
        stored = torch.einsum("hie,hef->hif", self.z, self.gram) / squares
        choice = self.back("Q", self.met * weight) + self.back("K", self.directions.mT @ (self.q * weight))
        content = self.back("V", self.rows.mT @ stored)
        return back_through(trace, Reader(self.layer, 0, "Q"), choice + content), choice

    def _normed(self, side: Side, part: Tensor, start: int) -> Tensor:
        norm = self.weights.q_norm if side == "Q" else self.weights.k_norm
        if norm is None:
            return part
        part = part * self.scales[side][:, start : start + part.shape[1]]
        return part if norm.gain is None else part * norm.gain


def shared(part: Tensor, whole: Tensor, size: Tensor) -> Tensor:
    """A part of the whole; NaN where the whole is nothing beside the numbers that it is the sum of."""
    return torch.where(whole.abs() > VANISHED * size, part / whole, torch.nan)


def loads(trace: Trace, layer: int) -> Loads:
    """What the heads of a layer load on one prompt."""
    shape, record, weights = trace.weights.architecture, trace.record.layers[layer], trace.weights.layer(layer)
    rows = record.pattern[0].double()
    seen = allowed(rows.shape[-1], shape.window(layer), rows.device).to(rows)
    directions = rows - seen / seen.sum(-1, keepdim=True)
    q, k, z = (side[0].transpose(0, 1).double() for side in (record.q, record.k, record.z))
    W_O, scale = weights.W_O.double(), shape.attention_scale
    gram, met = W_O @ W_O.mT, directions @ k
    scales: dict[Side, Tensor] = {}
    if record.q_scale is not None:
        scales["Q"] = record.q_scale[0].transpose(0, 1)
    if record.k_scale is not None:
        scales["K"] = record.k_scale[0].transpose(0, 1)
    return Loads(
        layer=layer,
        weights=weights,
        shared=[shape.kv(head) for head in range(shape.n_heads)],
        rotary=shape.rotary_of(layer),
        scale=scale,
        rows=rows,
        directions=directions,
        q=q,
        k=k,
        z=z,
        gram=gram,
        met=met,
        contrast=(met * q).sum(-1) * scale,
        size=q.norm(dim=-1) * k.norm(dim=-1).amax(-1, keepdim=True) * scale,
        squares=(torch.einsum("hie,hef->hif", z, gram) * z).sum(-1),
        scales=scales,
    )
