"""One pass in which every wire has the same mask, and the gradient with respect to the mask of each wire.

With mask α on every wire, all readers of a place load the same stream u = s′ + α Σ_w (o_w − o′_w), so an ordinary pass
suffices. The gradient with respect to one wire's mask is ⟨∂m/∂u_r, o_w − o′_w⟩. The backward pass goes layer by layer:
it forms the gradients of all readers of a layer, and one product with the stores gives all of their wires
(backward.py). Tests:
tests/circuits/test_methods.py (finite differences, sums of attributions).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import HeadValues, Stream
from loadstore.circuits.live import Live
from loadstore.circuits.reads import Scales, at_ends, free, matrices, mixed_scale, mlp_stores, owners, ready
from loadstore.circuits.replaced import Replaced, store_of_heads
from loadstore.execution.attention import mixed, project
from loadstore.execution.forward import unembed
from loadstore.model.layers import Layer
from loadstore.model.norms import apply_gain, normalise
from loadstore.model.points import SCALES
from loadstore.model.weights import Weights
from loadstore.model.wiring import mlp_sites
from loadstore.sites import SIDES, Side

Differences = Float[Tensor, "batch writer token d_model"]
Measure = Callable[[Float[Tensor, "batch vocab"]], Float[Tensor, " batch"]]


@dataclass(frozen=True, eq=False)
class _Step:
    """The values of one layer, with the leaves of its gradients."""

    u: Stream
    projected: dict[Side, HeadValues]
    stored: Stream
    u_mlp: tuple[Stream, ...]
    mlp: Float[Tensor, "batch row writer d_model"] | None


@dataclass(frozen=True, eq=False)
class Uniform:
    """A finished pass, ready for the backward pass.

    Args:
        differences: o_w − o′_w of every live writer.
        values: The metric of each pair.
        logits: Logits after the last token of each prompt.
    """

    weights: Weights
    live: Live
    alpha: float
    scales: Scales
    steps: tuple[_Step, ...]
    final: Float[Tensor, "batch d_model"]
    ends: Tensor
    differences: Differences
    values: Float[Tensor, " batch"]
    logits: Float[Tensor, "batch vocab"]


def uniform(
    weights: Weights,
    live: Live,
    alpha: float,
    embed: Stream,
    ends: Tensor,
    base: Replaced,
    measure: Measure,
    scales: Scales = free,
    first: int = 0,
) -> Uniform:
    """Run prompts with every mask at α.

    Args:
        weights: The model.
        live: Its live wires.
        alpha: The mask: 1 is the run itself, 0 the run of the replacements.
        embed: The stores of the embedding.
        ends: The last token of each prompt.
        base: The replacements.
        measure: Computes the metric of each pair from its logits.
        scales: The scales of norms: ``free``, or ``frozen`` ones.
        first: Earlier tokens are left out; nothing may differ there, and ``base`` must be a recorded run.
    """
    run = _Forward(weights, live, alpha, base, scales, first)
    run.store(0, (embed - base.embed)[:, None, first:])
    steps = tuple(run.layer(index) for index in range(weights.architecture.n_layers))
    final = at_ends(run.loaded(base.final), ends - first).requires_grad_()
    scale = scales("final", -1)
    with torch.enable_grad():
        scale = None if scale is None else at_ends(scale, ends)
        x = normalise(final, weights.norm(None), weights.architecture.eps, scale)[0]
        logits = unembed(weights, x[:, None])[:, 0]
        values = measure(logits)
    return Uniform(weights, live, alpha, scales, steps, final, ends - first, run.differences, values, logits.detach())


class _Forward:
    """The state of a pass: the difference of each store from its replacement, and the sum of differences so far."""

    def __init__(self, weights: Weights, live: Live, alpha: float, base: Replaced, scales: Scales, first: int) -> None:
        self.weights, self.live, self.alpha, self.base = weights, live, alpha, base
        self.scales, self.first, self.shape = scales, first, weights.architecture
        stream = base.final[:, first:]
        self.differences = stream.new_empty(len(stream), len(live.writers), *stream.shape[1:])
        self.total = torch.zeros_like(stream)

    def store(self, row: int, difference: Differences) -> None:
        self.differences[:, row : row + difference.shape[1]] = difference
        self.total = self.total + difference.sum(1)

    def loaded(self, stream: Stream) -> Float[Tensor, "batch row d_model"]:
        """The stream that all readers of a place load."""
        return stream[:, self.first :] + self.alpha * self.total

    def layer(self, index: int) -> _Step:
        layer, shape = self.weights.layer(index), self.shape
        base, row = self.base.layers[index], self.live.before(index, "Q")
        u = self.loaded(base.stream)
        projected = self._projected(index, layer, u)
        with torch.enable_grad():
            q, k, v = (self._ready(index, layer, side, projected[side]) for side in SIDES)
            z = mixed(shape, index, layer.sinks, q, k, v)
            stored = z.flatten(2) @ layer.W_O.flatten(0, 1)
            if layer.after_heads is not None:
                scale = mixed_scale(shape, layer, z, self.scales("after_heads", index))
                stored, z = apply_gain(stored * scale, layer.after_heads), z * scale[..., None]
        parallel = shape.mlp is not None and shape.mlp.parallel
        heads = store_of_heads(self.weights, index, z.detach() - base.inner[:, self.first :])
        if not parallel:
            self.store(row, heads)
        u_mlp, mlp = (), None
        if layer.mlp is not None:
            loaded = self.loaded(base.stream if parallel else base.middle)
            u_mlp = tuple(loaded.clone().requires_grad_() for _ in mlp_sites(self.weights, index)[1])
            with torch.enable_grad():
                mlp = mlp_stores(self.weights, index, layer.mlp, u_mlp, self.scales)
        if parallel:
            self.store(row, heads)
        if mlp is not None and base.mlp is not None:
            self.store(row + shape.n_heads, (mlp.detach() - base.mlp[:, self.first :]).movedim(2, 1))
        return _Step(u, projected, stored, u_mlp, mlp)

    def _projected(self, index: int, layer: Layer, u: Stream) -> dict[Side, HeadValues]:
        """x W + b of all heads, each with a key and value and with its latents: the leaves of the gradient."""
        x = normalise(u, layer.norm, self.shape.eps, self.scales("heads", index))[0]
        beside = x if self.base.pos is None else x + self.base.pos[self.first :]
        out: dict[Side, HeadValues] = {}
        for side in SIDES:
            values = project(x if side == "V" else beside, *matrices(layer, side))
            out[side] = values[:, :, owners(self.shape, side)].detach().requires_grad_()
        return out

    def _ready(
        self, index: int, layer: Layer, side: Side, values: HeadValues
    ) -> Float[Tensor, "batch key head inside"]:
        """Queries, keys or values for attention; keys and values include the tokens before ``first``."""
        values = ready(self.shape, index, layer, side, values, self.first, self.scales(SCALES[side], index))
        base = self.base.layers[index]
        before = base.k if side == "K" else base.v
        if side == "Q" or not self.first:
            return values
        assert before is not None
        return torch.cat([before[:, : self.first], values], 1)
