"""A run in which only the wires of a circuit carry what this run stores; all others carry the replacements.

    u_r = N(s′_r + Σ over wires w → r of the circuit (o_w − o′_w))

s′ and o′ are those of ``Replaced``. Readers that load nothing of the circuit load what the replacements add up to, and
readers that load all that differs share one input; only the others need a sum of their own. Heads and MLPs from which
no path of wires leads to the logits, or that load nothing that differs, do not compute. Theorems:
tests/circuits/test_masked.py; definition: design of circuits in docs/circuits.md.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from loadstore.axes import Stream, Tokens
from loadstore.circuits.live import Live
from loadstore.circuits.reads import (
    Scales,
    at_ends,
    first_difference,
    free,
    matrices,
    mixed_scale,
    mlp_store,
    owners,
    ready,
)
from loadstore.circuits.replaced import Replaced, store_of_heads
from loadstore.execution.attention import mixed, project
from loadstore.execution.forward import unembed, width
from loadstore.model.norms import normalise
from loadstore.model.ports import EmbedWriting
from loadstore.model.weights import Layer, Weights
from loadstore.sites import EMBED, SIDES, UNEMBED, Reader, Side
from loadstore.threads import threads_for


def run_circuit(
    weights: Weights,
    live: Live,
    mask: Bool[Tensor, "writer reader"],
    tokens: Tokens,
    ends: Sequence[int],
    base: Replaced,
    scales: Scales = free,
) -> Float[Tensor, "batch vocab"]:
    """Return the logits after the last token of each prompt.

    Args:
        weights: The model.
        live: Its live wires.
        mask: Which of them are in the circuit.
        tokens: Token ids of the clean prompts.
        ends: The last token of each prompt.
        base: The replacements.
        scales: The scales of norms: ``free``, or ``frozen`` ones.
    """
    with torch.no_grad(), threads_for(tokens.numel() * width(weights)):
        run = _Run(weights, live, mask, tokens, ends, base, scales)
        for index in range(weights.architecture.n_layers):
            run.layer(index)
        where = torch.tensor(ends, device=tokens.device)
        final = at_ends(run.unembedding(), where - run.first)
        scale = scales("final", -1)
        scale = None if scale is None else at_ends(scale, where)
        x = normalise(final, weights.norm(None), weights.architecture.eps, scale)[0]
        return unembed(weights, x[:, None])[:, 0]


class _Run:
    """The state of one run: how far each store is from its replacement, and which are not equal to it.

    Tokens before the first one in which any pair differs are left out: nothing differs there.
    """

    def __init__(
        self,
        weights: Weights,
        live: Live,
        mask: Tensor,
        tokens: Tokens,
        ends: Sequence[int],
        base: Replaced,
        scales: Scales,
    ) -> None:
        self.weights, self.live, self.base, self.scales = weights, live, base, scales
        self.shape = weights.architecture
        self.useful = live.useful(mask)
        self.needed = self.useful.any(1)
        self.exact = base.exact and scales is free
        embed = EmbedWriting(weights, EMBED).given(tokens, tokens)
        self.first = min(first_difference(embed - base.embed), min(ends)) if self.exact else 0
        embed = embed[:, self.first :]
        self.differences = embed.new_zeros(len(embed), len(live.writers), *embed.shape[1:])
        self.differs = torch.zeros(len(live.writers), dtype=torch.bool)
        self.total = torch.zeros_like(embed)
        self.store([0], (embed - base.embed[:, self.first :])[:, None])

    def store(self, places: Sequence[int], difference: Float[Tensor, "batch some token d_model"]) -> None:
        """Keep how far the stores of some writers are from their replacements."""
        self.differences[:, list(places)] = difference
        self.differs[list(places)] = True
        self.total = self.total + difference.sum(1)

    def layer(self, index: int) -> None:
        """The MLP of a layer and its heads, each before the other sees it if the block is parallel."""
        layer = self.weights.layer(index)
        mlp = self._mlp(index, layer) if self._parallel else None
        self._heads(index, layer)
        if not self._parallel:
            mlp = self._mlp(index, layer)
        if mlp is not None:
            self.store([self._place_of_mlp(index)], mlp[:, None])

    def unembedding(self) -> Stream:
        """The stream that the unembedding loads, from the first token that differs on."""
        return self._read(-1, "", self.base.final, [self.live.place_of_reader[UNEMBED]])[0]

    @property
    def _parallel(self) -> bool:
        return self.shape.mlp is not None and self.shape.mlp.parallel

    def _place_of_mlp(self, index: int) -> int:
        return self.live.before(index, "Q") + self.shape.n_heads

    def _wired(self, layer: int, side: str, columns: Sequence[int]) -> tuple[Tensor, Bool[Tensor, "some reader"]]:
        """The writers so far that differ, and the readers that load each of them."""
        rows = self.differs[: self.live.before(layer, side)].nonzero()[:, 0]
        return rows, self.useful[rows][:, list(columns)]

    def _read(
        self, layer: int, side: str, stream: Stream, columns: Sequence[int]
    ) -> Float[Tensor, "reader batch row d_model"]:
        """What readers of one side load."""
        rows, loaded = self._wired(layer, side, columns)
        start, sign = stream[:, self.first :], 1
        if int(loaded.sum()) * 2 > loaded.numel():  # fewer wires are missing than there are
            start, sign, loaded = start + self.total, -1, ~loaded
        out, some = start[:, None].expand(-1, len(columns), -1, -1), loaded.any(1)
        if bool(some.any()):
            change = loaded[some].mT.to(start) @ self.differences[:, rows[some]].flatten(2)
            out = out + sign * change.unflatten(2, start.shape[1:])
        return out.transpose(0, 1)

    def _mlp(self, index: int, layer: Layer) -> Stream | None:
        """How far the store of an MLP is from its replacement; None where they are equal or nobody loads it."""
        base = self.base.layers[index]
        if layer.mlp is None or base.mlp is None or not bool(self.needed[self._place_of_mlp(index)]):
            return None
        columns = [self.live.place_of_reader[Reader(index, -1, "mlp")]]
        if self.exact and not bool(self._wired(index, "mlp", columns)[1].any()):
            return None
        u = self._read(index, "mlp", base.stream if self._parallel else base.middle, columns)[0]
        return mlp_store(self.shape, index, layer.mlp, u, self.scales) - base.mlp[:, self.first :]

    def _heads(self, index: int, layer: Layer) -> None:
        """How far the stores of the heads are from their replacements."""
        before, count = self.live.before(index, "Q"), self.shape.n_heads
        needed = self.needed[before : before + count]
        columns = [self.live.place_of_reader[Reader(index, head, side)] for side in SIDES for head in range(count)]
        active = self._wired(index, "Q", columns)[1].any(0).view(3, count).any(0)
        if not self.exact:
            active = torch.ones_like(active)
        together = layer.after_heads is not None  # one scale for all heads: if one differs, all do
        if not bool(needed.any()) or not bool(active.any()):
            return
        heads = list(range(count)) if together else (active & needed).nonzero()[:, 0].tolist()
        if not heads:
            return
        q, k, v = (
            self._side(index, layer, side, heads, [columns[place * count + head] for head in heads])
            for place, side in enumerate(SIDES)
        )
        z = mixed(self.shape, index, q, k, v)
        if together:
            z = z * mixed_scale(self.shape, layer, z, self.scales("after_heads", index))[..., None]
        inner = self.base.layers[index].inner[:, self.first :, heads]
        self.store([before + head for head in heads], store_of_heads(self.weights, index, z - inner, heads))

    def _side(
        self, index: int, layer: Layer, side: Side, heads: Sequence[int], columns: Sequence[int]
    ) -> Float[Tensor, "batch token head d_head"]:
        """The queries, keys or values of some heads, ready for attention; keys and values of all tokens."""
        base, first = self.base.layers[index], self.first
        _, loaded = self._wired(index, side, columns)
        nothing, everything = ~loaded.any(0), loaded.all(0) & loaded.any(0)
        matrix, bias = matrices(layer, side)
        own = owners(self.shape, side)
        recorded = {"Q": base.q, "K": base.k, "V": base.v}[side]
        values = None if recorded is None else recorded[:, :, list(heads)].clone()
        if values is None or not self.exact:
            values = self.total.new_empty(len(self.total), base.stream.shape[1], len(heads), self.shape.d_head)
        for group in (nothing, everything, ~nothing & ~everything):
            places = group.nonzero()[:, 0].tolist()
            if not places or (group is nothing and self.exact):
                continue
            which = [own[heads[place]] for place in places]
            alike = group is nothing or group is everything
            u = self._read(index, side, base.stream, [columns[place] for place in (places[:1] if alike else places)])
            x = normalise(u, layer.norm, self.shape.eps, self.scales("heads", index))[0]
            if self.base.pos is not None and side != "V":
                x = x + self.base.pos[first:]
            products = project(x[0], matrix[which], None) if alike else torch.einsum("nbtd,nde->btne", x, matrix[which])
            if bias is not None:
                products = products + bias[which]
            scale = None if side == "V" else self.scales("q" if side == "Q" else "k", index)
            if scale is not None:
                scale = scale[:, :, [heads[place] for place in places]]
            values[:, first:, places] = ready(self.shape, index, layer, side, products, first, scale)
        return values[:, first:] if side == "Q" else values
