"""A forward pass written by hand, a head at a time in float64, with one writer gone or one wire cut.

It follows the definitions of docs/modern-architectures.md and docs/interventions.md and shares no code with loadstore.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from loadstore.model.layers import MlpLayer, Norm
from loadstore.model.mlp_facts import Activation
from loadstore.model.weights import Weights

Cut = tuple[str, str]


@dataclass(frozen=True)
class Gone:
    """What is missing in a pass: the store of a writer for everyone, or of one for one reader."""

    writer: str = ""
    wire: Cut = ("", "")


class ByHand:
    """One pass over token ids."""

    def __init__(self, model: Weights, ids: list[int], gone: Gone = Gone()) -> None:
        self.model, self.shape, self.gone = model, model.architecture, gone
        self.stored: dict[str, Tensor] = {}
        self.stream = self._keep("embed", model.W_E.detach().double()[ids] * self.shape.embedding_scale)
        self.beside: Tensor | None = None
        if model.W_pos is not None:
            pos = self._keep("pos", model.W_pos.detach().double()[: len(ids)])
            if self.shape.positions == "shortformer":
                self.beside = pos
            else:
                self.stream = self.stream + pos
        for layer in range(self.shape.n_layers):
            self._layer(layer)
        self.logits = self._read("unembed", self.stream, model.final_norm) @ model.W_U.detach().double()
        if model.b_U is not None:
            self.logits = self.logits + model.b_U.detach().double()

    def _keep(self, writer: str, store: Tensor) -> Tensor:
        self.stored[writer] = torch.zeros_like(store) if writer == self.gone.writer else store
        return self.stored[writer]

    def _read(self, reader: str, stream: Tensor, norm: Norm | None) -> Tensor:
        """What a reader finds behind its norm: without what is cut, at the scale of the whole."""
        out, scale = self._normed(stream, norm)
        writer, cut = self.gone.wire
        if reader != cut:
            return out
        return out - _linear(self.stored[writer], norm, scale)

    def _normed(self, x: Tensor, norm: Norm | None) -> tuple[Tensor, Tensor]:
        if norm is None:
            return x, torch.ones_like(x[:, :1])
        centred = x - x.mean(1, keepdim=True) if norm.centres else x
        scale = 1 / (centred.square().mean(1, keepdim=True) + self.shape.eps).sqrt()
        out = _linear(x, norm, scale)
        return (out if norm.bias is None else out + norm.bias.detach().double()), scale

    def _layer(self, index: int) -> None:
        layer, before = self.model.layers[index], self.stream
        zs = [self._head(index, head) for head in range(self.shape.n_heads)]
        stores = [z @ layer.W_O[head].detach().double() for head, z in enumerate(zs)]
        if layer.after_heads is not None:
            _, scale = self._normed(sum(stores, torch.zeros_like(before)), layer.after_heads)
            stores = [_linear(store, layer.after_heads, scale) for store in stores]
        for head, store in enumerate(stores):
            self.stream = self.stream + self._keep(f"L{index}.H{head}", store)
        if layer.b_O is not None:
            self.stream = self.stream + self._keep(f"L{index}.bias", layer.b_O.detach().double().expand_as(before))
        if layer.mlp is not None and self.shape.mlp is not None:
            found = before if self.shape.mlp.parallel else self.stream
            read = self._read(f"L{index}.mlp", found, layer.mlp.norm)
            store, _ = self._normed(self._inside(read, layer.mlp), layer.mlp.after)
            self.stream = self.stream + self._keep(f"L{index}.mlp", store)

    def _head(self, index: int, head: int) -> Tensor:
        layer, kv = self.model.layers[index], self.shape.kv(head)
        q = self._side(index, head, "Q", layer.W_Q[head], None if layer.b_Q is None else layer.b_Q[head], layer.q_norm)
        k = self._side(index, head, "K", layer.W_K[kv], None if layer.b_K is None else layer.b_K[kv], layer.k_norm)
        v = self._side(index, head, "V", layer.W_V[kv], None if layer.b_V is None else layer.b_V[kv], None)
        z = torch.zeros_like(v)
        for query in range(len(q)):
            window = self.shape.window(index) or len(q)
            first = max(0, query - window + 1)
            scores = torch.stack(
                [
                    self._turned(index, q[query], query) @ self._turned(index, k[key], key)
                    for key in range(first, query + 1)
                ]
            )
            scores = scores * self.shape.attention_scale
            sink = scores.new_empty(0) if layer.sinks is None else layer.sinks[head : head + 1].double()
            z[query] = torch.cat([scores, sink]).softmax(0)[: len(scores)] @ v[first : query + 1]
        return z

    def _side(
        self, index: int, head: int, side: str, matrix: Tensor, bias: Tensor | None, inner: Norm | None
    ) -> Tensor:
        """Queries, keys or values of a head; the scale of an inner norm is that of the uncut pass."""
        layer, wide = self.model.layers[index], matrix.detach().double()
        own = torch.zeros(wide.shape[1], dtype=torch.float64) if bias is None else bias.detach().double()
        whole, outer = self._normed(self.stream, layer.norm)
        beside = self.beside if self.beside is not None and side != "V" else torch.zeros_like(whole)
        values = (whole + beside) @ wide + own
        scale = None if inner is None else self._normed(values, inner)[1]
        writer, cut = self.gone.wire
        if cut == f"L{index}.H{head}.{side}":
            bypasses = writer == "pos" and self.beside is not None
            part = self.stored[writer] if bypasses else _linear(self.stored[writer], layer.norm, outer)
            values = values - part @ wide
        return values if inner is None or scale is None else _linear(values, inner, scale)

    def _turned(self, index: int, vector: Tensor, position: int) -> Tensor:
        rotary = self.shape.rotary_of(index)
        if rotary is None:
            return vector
        out, count = vector.clone(), len(rotary.frequencies)
        for pair, frequency in enumerate(rotary.frequencies):
            i, j = (pair, pair + count) if rotary.pairs == "halves" else (2 * pair, 2 * pair + 1)
            angle = position * frequency
            if rotary.single:  # as the published code of a family rounds it
                angle = float(torch.tensor(frequency, dtype=torch.float32) * position)
            cos, sin = math.cos(angle), math.sin(angle)
            out[i], out[j] = vector[i] * cos - vector[j] * sin, vector[j] * cos + vector[i] * sin
        return out

    def _inside(self, x: Tensor, mlp: MlpLayer) -> Tensor:
        assert self.shape.mlp is not None
        kind = self.shape.mlp.activation
        inside = _affine(x, mlp.W_in, mlp.b_in)
        if mlp.W_gate is None:
            inside = _activated(inside, kind)
        else:
            inside = _activated(_affine(x, mlp.W_gate, mlp.b_gate), kind) * inside
        stored = _affine(self._normed(inside, mlp.inner)[0], mlp.W_out, mlp.b_out)
        if mlp.experts is None or self.shape.experts is None:
            return stored
        if mlp.experts.W_shared is not None:
            stored = stored * (x @ mlp.experts.W_shared.double()).sigmoid()
        scores = (x @ mlp.experts.W_router.double()).exp()
        used = scores >= scores.sort(-1).values[..., -self.shape.experts.chosen, None]
        whole = (scores * used if self.shape.experts.normalised else scores).sum(-1, keepdim=True)
        for index, expert in enumerate(mlp.experts.stored):
            stored = stored + (scores * used / whole)[..., index, None] * self._inside(x, expert)
        return stored


def _linear(x: Tensor, norm: Norm | None, scale: Tensor) -> Tensor:
    """A part of the stream through a norm of a given scale, without its bias."""
    if norm is None:
        return x
    centred = x - x.mean(1, keepdim=True) if norm.centres else x
    return centred * scale if norm.gain is None else centred * scale * norm.gain.detach().double()


def _affine(x: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
    out = x @ matrix.detach().double()
    return out if bias is None else out + bias.detach().double()


def _activated(x: Tensor, kind: Activation) -> Tensor:
    match kind:
        case "relu":
            return x * (x > 0)
        case "silu":
            return x / (1 + (-x).exp())
        case "gelu":
            return 0.5 * x * (1 + torch.special.erf(x / math.sqrt(2)))
        case "gelu_tanh":
            return 0.5 * x * (1 + (math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)).tanh())
        case _:
            return x * x.softmax(-1)
