"""Two optimisers: Muon for the matrices inside layers, AdamW for embeddings, positions, unembedding, gains and biases.

Muon is written out here because ``torch.optim.Muon`` orthogonalises in bfloat16, which a CPU without
bfloat16 units runs five times slower than one stacked float32 iteration.
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.training.parameters import INSIDE, Parameters, is_matrix
from loadstore.training.recipe import Phase

CLIP = 1.0
MOMENTUM = 0.95
NEWTON_SCHULZ = ((3.4445, -4.7750, 2.0315),) * 5


def orthogonalise(stack: Float[Tensor, "matrix rows columns"]) -> Float[Tensor, "matrix rows columns"]:
    """Replace each matrix U S Vᵀ by about U Vᵀ: five Newton–Schulz steps x ← a x + (b g + c g²) x, g = x xᵀ.

    Zero rows and columns stay zero, so closed heads stay closed. Source: Jordan et al., Muon, 2024.
    """
    x = stack / (stack.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for a, b, c in NEWTON_SCHULZ:
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


class Optimisers:
    """Both optimisers of a run, with a phase's schedule and decay."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.matrices = [name for name in parameters if is_matrix(name)]
        others = [parameter for name, parameter in parameters.items() if not is_matrix(name)]
        self.adamw = torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
        self.momentum = {name: torch.zeros_like(parameters[name]) for name in self.matrices}

    @torch.no_grad()
    def step(self, phase: Phase, at: int) -> None:
        """One update at step ``at`` of a phase: clip, step, decay."""
        factor = schedule(phase, at)
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), CLIP)
        for group in self.adamw.param_groups:
            group["lr"] = phase.lr * factor
        self.adamw.step()
        self._muon(phase.muon_lr * factor)
        for name, parameter in self.parameters.items():
            parameter.mul_(1 - decay_of(phase, name) * factor)

    def _muon(self, lr: float) -> None:
        """Nesterov momentum, then the orthogonalised direction; matrices of one shape at once."""
        groups: dict[torch.Size, dict[str, Tensor]] = {}
        for name in self.matrices:
            gradient = self.parameters[name].grad
            if gradient is None:
                return
            momentum = self.momentum[name].lerp_(gradient, 1 - MOMENTUM)
            direction = gradient.lerp(momentum, MOMENTUM).reshape(gradient.shape)
            flat = direction.mT if direction.shape[0] > direction.shape[1] else direction
            groups.setdefault(flat.shape, {})[name] = flat
        for group in groups.values():
            for name, update in zip(group, orthogonalise(torch.stack([*group.values()])), strict=True):
                rows, columns = self.parameters[name].shape
                straight = update.mT if rows > columns else update
                self.parameters[name].sub_(straight, alpha=lr * math.sqrt(max(1.0, rows / columns)))

    def state_dict(self) -> dict[str, object]:
        """Return what a resume needs."""
        return {"adamw": self.adamw.state_dict(), "muon": self.momentum}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state."""
        self.adamw.load_state_dict(state["adamw"])
        for name, value in state["muon"].items():
            self.momentum[name].copy_(value)


def schedule(phase: Phase, at: int) -> float:
    """Linear warm-up, then a cosine from 1 to ``phase.end``."""
    warm = min(1.0, (at + 1) / phase.warmup) if phase.warmup else 1.0
    return warm * (phase.end + (1 - phase.end) * 0.5 * (1 + math.cos(math.pi * at / phase.steps)))


def decay_of(phase: Phase, name: str) -> float:
    """How much of a parameter a full step shrinks away: nothing of the unembedding, gains and biases."""
    if name in ("W_E", "W_pos"):
        return phase.decay
    if not is_matrix(name):
        return 0.0
    if name.endswith(INSIDE):
        return phase.mlp_decay
    return phase.head_decay if name.endswith(("V", "O")) else phase.qk_decay
