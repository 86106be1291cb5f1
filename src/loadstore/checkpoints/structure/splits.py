"""Where queries, keys and values are among the outputs of a layer's projections."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor


@dataclass(frozen=True)
class Split:
    """Three projections in some ``order``, or one: ``grouped`` by head of keys and values, or q beside k beside v."""

    n_heads: int
    n_kv: int
    d_head: int
    order: tuple[int, ...] = ()
    grouped: bool = False

    def of(self, outputs: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values [..., head, d_head], views of the outputs [..., width] where they can be."""
        h, kv, e = self.n_heads, self.n_kv, self.d_head
        if self.order:
            q, k, v = (outputs[index] for index in self.order)
        elif self.grouped:
            together = outputs[0].unflatten(-1, (kv, h // kv + 2, e))
            return together[..., :-2, :].flatten(-3, -2), together[..., -2, :], together[..., -1, :]
        else:
            q, k, v = outputs[0].split([h * e, kv * e, kv * e], -1)
        return q.unflatten(-1, (h, e)), k.unflatten(-1, (kv, e)), v.unflatten(-1, (kv, e))

    @property
    def shared(self) -> list[int]:
        """Which keys and values each query head reads."""
        return [head * self.n_kv // self.n_heads for head in range(self.n_heads)]

    def repeated(self, x: Tensor) -> Tensor:
        """Keys or values [batch, token, head, d_head] for every query head."""
        return x if self.n_kv == self.n_heads else x[:, :, self.shared]


def splits(widths: Sequence[int], n_heads: int, d_head: int) -> list[Split]:
    """Return the ways to read projections of these widths as queries, keys and values."""
    if len(widths) == 3:
        return [
            Split(n_heads, widths[order[1]] // d_head, d_head, order)
            for order in permutations(range(3))
            if widths[order[0]] == n_heads * d_head and _possible(widths[order[1]], widths[order[2]], n_heads, d_head)
        ]
    if len(widths) == 1 and widths[0] % d_head == 0:
        n_kv = (widths[0] // d_head - n_heads) // 2
        if (n_heads + 2 * n_kv) * d_head == widths[0] and n_kv and n_heads % n_kv == 0:
            return [Split(n_heads, n_kv, d_head, grouped=grouped) for grouped in (False, True)]
    return []


def _possible(k: int, v: int, n_heads: int, d_head: int) -> bool:
    return k == v and k % d_head == 0 and k > 0 and n_heads % (k // d_head) == 0


def of_matrices(split: Split, matrices: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """W_Q, W_K and W_V [head, d_model, d_head] from matrices [d_model, width]."""
    q, k, v = (part.transpose(0, 1) for part in split.of(matrices))
    return q, k, v


def of_biases(split: Split, biases: Sequence[Tensor | None], like: Sequence[Tensor]) -> tuple[Tensor | None, ...]:
    """b_Q, b_K and b_V [head, d_head]; None for those that are all zeros.

    Args:
        split: Where they are.
        biases: The bias of each projection.
        like: The matrix [d_model, width] of each projection.
    """
    filled = [W.new_zeros(W.shape[1]) if b is None else b for b, W in zip(biases, like, strict=True)]
    return tuple(part if bool(torch.any(part)) else None for part in split.of(filled))
