"""The state of a circuit run: what each writer has stored so far, and the resulting input of each reader."""

from collections.abc import Sequence
from copy import copy

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from loadstore.axes import Stream, Tokens
from loadstore.circuits.live import Live
from loadstore.circuits.reads import HeadReading, Scales, at_ends, first_difference, free, mixed_scale, mlp_stores
from loadstore.circuits.replaced import Replaced, store_of_heads
from loadstore.execution.attention import mixed
from loadstore.execution.forward import unembed
from loadstore.model.layers import Layer
from loadstore.model.norms import normalise
from loadstore.model.points import SCALES
from loadstore.model.ports import EmbedWriting
from loadstore.model.weights import Weights
from loadstore.model.wiring import mlp_sites
from loadstore.sites import EMBED, SIDES, UNEMBED, Reader, Side
from loadstore.threads import threads_if_slow


class Passing:
    """The state of one run: the difference of each store from its replacement, and which differences are nonzero.

    Tokens before the first one at which any pair differs are left out.
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
        self.ends = torch.tensor(ends, device=tokens.device)
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

    def without(self, row: int, column: int) -> "Passing":
        """A copy of the run so far, without one wire from here on."""
        other = copy(self)
        other.differences, other.differs = self.differences.clone(), self.differs.clone()
        other.useful = self.useful.clone()
        other.useful[row, column] = False
        if bool(self.useful[row, column]) and not bool(other.useful[row].any()):
            other.useful = self.live.useful(other.useful)
        other.needed = other.useful.any(1)
        return other

    def finished(self, index: int) -> Float[Tensor, "batch vocab"]:
        """Run the layers from ``index`` on and return the logits after the last token of each prompt."""
        for later in range(index, self.shape.n_layers):
            self.layer(later)
        column = self.live.place_of_reader[UNEMBED]
        final = at_ends(self._read(-1, "", self.base.final, [column])[0], self.ends - self.first)
        scale = self.scales("final", -1)
        scale = None if scale is None else at_ends(scale, self.ends)
        x = normalise(final, self.weights.norm(None), self.shape.eps, scale)[0]
        return unembed(self.weights, x[:, None])[:, 0]

    def store(self, places: Sequence[int], difference: Float[Tensor, "batch some token d_model"]) -> None:
        """Keep the differences of some writers' stores from their replacements."""
        self.differences[:, list(places)] = difference
        self.differs[list(places)] = True
        self.total = self.total + difference.sum(1)

    def layer(self, index: int) -> None:
        """Run the MLP and the heads of a layer; in a parallel block, neither sees the other's store."""
        layer = self.weights.layer(index)
        mlp = self._mlp(index, layer) if self._parallel else None
        self._heads(index, layer)
        if not self._parallel:
            mlp = self._mlp(index, layer)
        if mlp is not None:
            self.store(self._places_of_mlp(index), mlp.movedim(2, 1))

    @property
    def _parallel(self) -> bool:
        return self.shape.mlp is not None and self.shape.mlp.parallel

    def _places_of_mlp(self, index: int) -> list[int]:
        return [self.live.place_of_writer[writer] for writer in mlp_sites(self.weights, index)[0]]

    def _wired(self, layer: int, side: str, columns: Sequence[int]) -> tuple[Tensor, Bool[Tensor, "some reader"]]:
        """The writers so far that differ, and which readers load each of them."""
        rows = self.differs[: self.live.before(layer, side)].nonzero()[:, 0]
        return rows, self.useful[rows][:, list(columns)]

    def _read(
        self, layer: int, side: str, stream: Stream, columns: Sequence[int]
    ) -> Float[Tensor, "reader batch row d_model"]:
        """The inputs of the readers of one side."""
        rows, loaded = self._wired(layer, side, columns)
        start, sign = stream[:, self.first :], 1
        if int(loaded.sum()) * 2 > loaded.numel():  # more wires than gaps: subtract the gaps
            start, sign, loaded = start + self.total, -1, ~loaded
        out, nonzero = start[:, None].expand(-1, len(columns), -1, -1), loaded.any(1)
        if bool(nonzero.any()):
            parts = self.differences[:, rows[nonzero]].flatten(2)
            with threads_if_slow(parts.numel() * len(columns)):
                change = loaded[nonzero].mT.to(start) @ parts
            out = out + sign * change.unflatten(2, start.shape[1:])
        return out.transpose(0, 1)

    def _mlp(self, index: int, layer: Layer) -> Float[Tensor, "batch row writer d_model"] | None:
        """The differences of the stores of an MLP's sites from their replacements; None if they are 0 or not loaded."""
        base = self.base.layers[index]
        if layer.mlp is None or base.mlp is None or not bool(self.needed[self._places_of_mlp(index)].any()):
            return None
        readers = mlp_sites(self.weights, index)[1]
        side, columns = readers[0].side, [self.live.place_of_reader[reader] for reader in readers]
        if self.exact and not bool(self._wired(index, side, columns)[1].any()):
            return None
        u = self._read(index, side, base.stream if self._parallel else base.middle, columns)
        return mlp_stores(self.weights, index, layer.mlp, list(u), self.scales) - base.mlp[:, self.first :]

    def _heads(self, index: int, layer: Layer) -> None:
        """Keep the differences of the heads' stores from their replacements."""
        before, count = self.live.before(index, "Q"), self.shape.n_heads
        needed = self.needed[before : before + count]
        columns = [self.live.place_of_reader[Reader(index, head, side)] for side in SIDES for head in range(count)]
        active = self._wired(index, "Q", columns)[1].any(0).view(3, count).any(0)
        if not self.exact:
            active = torch.ones_like(active)
        together = layer.heads_share_scale  # if one differs, all do
        if not bool(needed.any()) or not bool(active.any()):
            return
        heads = list(range(count)) if together else (active & needed).nonzero()[:, 0].tolist()
        if not heads:
            return
        q, k, v = (
            self._side(index, layer, side, heads, [columns[order * count + head] for head in heads])
            for order, side in enumerate(SIDES)
        )
        z = mixed(self.shape, index, layer.sinks, q, k, v, heads)
        if layer.after_heads is not None:
            z = z * mixed_scale(self.shape, layer, z, self.scales("after_heads", index))[..., None]
        inner = self.base.layers[index].inner[:, self.first :, heads]
        self.store([before + head for head in heads], store_of_heads(self.weights, index, z - inner, heads))

    def _side(
        self, index: int, layer: Layer, side: Side, heads: Sequence[int], columns: Sequence[int]
    ) -> Float[Tensor, "batch token head inside"]:
        """The queries, keys or values of the given heads; keys and values cover all tokens."""
        base = self.base.layers[index]
        reading = HeadReading(
            *(self.shape, index, layer, side, self.first),
            *(self.scales("heads", index), self.scales(SCALES[side], index)),
            None if self.base.pos is None or side == "V" else self.base.pos[self.first :],
        )
        recorded = {"Q": base.q, "K": base.k, "V": base.v}[side] if self.exact else None
        if recorded is None:
            inside = self.shape.value_width if side == "V" else self.shape.d_head
            values = self.total.new_empty(len(self.total), base.stream.shape[1], len(heads), inside)
        else:
            values = recorded[:, :, list(heads)].clone()
        loaded = self._wired(index, side, columns)[1]
        across = reading.across_heads and (recorded is None or bool(loaded.any()))
        nothing, everything = ~loaded.any(0), loaded.all(0) & loaded.any(0)
        for group in (nothing, everything, ~nothing & ~everything):
            places = group.nonzero()[:, 0].tolist()
            if not places or (group is nothing and self.exact and not across):
                continue
            alike = group is nothing or group is everything
            u = self._read(
                index, side, base.stream, [columns[position] for position in (places[:1] if alike else places)]
            )
            made = reading.projected if across else reading.of
            values[:, self.first :, places] = made(u, [heads[position] for position in places])
        if across:  # one scale, of all heads
            values[:, self.first :] = reading.ready(values[:, self.first :], heads)
        return values[:, self.first :] if side == "Q" else values
