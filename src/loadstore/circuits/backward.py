"""The backward pass under equal masks: the gradient of the metric with respect to the input of every reader."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Stream
from loadstore.circuits.reads import Scales, free, matrices, owners
from loadstore.circuits.uniform import Differences, Uniform
from loadstore.execution.forward import width
from loadstore.model.layers import Layer, Norm
from loadstore.model.norms import apply_gain, centred
from loadstore.model.wiring import mlp_sites
from loadstore.sites import SIDES, UNEMBED, Reader
from loadstore.threads import threads_if_slow

Gradients = Float[Tensor, "batch reader token d_model"]


def gradients(run: Uniform) -> Iterator[tuple[tuple[Reader, ...], Gradients]]:
    """Yield ∂m/∂u for the readers of one place at a time, from the unembedding back to the first layer.

    The gradient with respect to the unembedding's input is 0 except at the last token of each prompt.
    """
    (at_end,) = torch.autograd.grad(run.values, run.final, torch.ones_like(run.values))
    stream = run.differences[:, 0]
    final = torch.zeros_like(stream)
    final[torch.arange(len(final), device=final.device), run.ends] = at_end
    yield (UNEMBED,), final[:, None]
    behind = run.alpha * final  # ∂m/∂o_w of a writer, once all its readers were visited
    parallel = run.weights.architecture.mlp is not None and run.weights.architecture.mlp.parallel
    for index in range(len(run.steps) - 1, -1, -1):
        step, layer = run.steps[index], run.weights.layer(index)
        of_mlp = None
        if step.mlp is not None:
            of_readers = _of_mlp(step.mlp, step.u_mlp, behind, width(run.weights))
            yield mlp_sites(run.weights, index)[1], of_readers
            of_mlp = of_readers.sum(1)
            if not parallel:
                behind = behind + run.alpha * of_mlp
        readers, of_heads = _of_heads(run, index, layer, behind)
        yield readers, of_heads
        behind = behind + run.alpha * of_heads.sum(1)
        if of_mlp is not None and parallel:
            behind = behind + run.alpha * of_mlp


def by_wire(gradient: Gradients, differences: Differences) -> Float[Tensor, "batch writer reader"]:
    """⟨∂m/∂u_r, o_w − o′_w⟩ for the given readers and all given writers."""
    with threads_if_slow(differences.numel() * gradient.shape[1]):
        return differences.flatten(2) @ gradient.flatten(2).mT


def _of_mlp(
    stored: Float[Tensor, "batch token writer d_model"], loaded: Sequence[Stream], behind: Stream, cost: int
) -> Gradients:
    """∂m/∂u of each reader inside an MLP, whose sites all store where ``behind`` is the gradient."""
    with threads_if_slow(behind.numel() * cost):
        at_stores = behind[:, :, None].expand_as(stored)
        return torch.stack(
            torch.autograd.grad(stored, tuple(loaded), at_stores, allow_unused=True, materialize_grads=True), 1
        )


def _of_heads(run: Uniform, index: int, layer: Layer, behind: Stream) -> tuple[tuple[Reader, ...], Gradients]:
    """∂m/∂u of each side of each head of a layer."""
    step, shape = run.steps[index], run.weights.architecture
    leaves = [step.projected[side] for side in SIDES]
    gradients = torch.autograd.grad(step.stored, leaves, behind, allow_unused=True, materialize_grads=True)
    readers: list[Reader] = []
    parts: list[Tensor] = []
    for side, grad in zip(SIDES, gradients, strict=True):
        matrix = matrices(layer, side)[0][owners(shape, side)]
        with threads_if_slow(grad.numel() * matrix.shape[1]):
            parts.append(torch.einsum("bthe,hde->bhtd", grad, matrix))
        readers += [Reader(index, head, side) for head in range(shape.n_heads)]
    return tuple(readers), before_norm(torch.cat(parts, 1), step.u, layer.norm, shape.eps, run.scales, index)


def before_norm(gradient: Gradients, u: Stream, norm: Norm | None, eps: float, scales: Scales, layer: int) -> Gradients:
    """Convert ∂m/∂N(u) to ∂m/∂u for several readers of one stream.

    With x = u centred (LayerNorm) or u, s = (mean x² + ε)^−½ and f = γ s g centred likewise, free scales give
    f − x s² mean(x f); frozen ones give f.
    """
    if norm is None:
        return gradient
    x = centred(u, norm)
    frozen = scales("heads", layer)
    scale = (x.pow(2).mean(-1, keepdim=True) + eps).rsqrt() if frozen is None else frozen
    through = centred(apply_gain(gradient, norm) * scale[:, None], norm)
    if scales is not free:
        return through
    x, scale = x[:, None], scale[:, None]
    return through - x * scale.pow(2) * (x * through).mean(-1, keepdim=True)
