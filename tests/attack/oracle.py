"""Scores from the definition, with dense float64 matrices and nothing of loadstore but the weights themselves.

Every matrix is divided by its largest entry before anything is multiplied: no score depends on it, and no product of
extreme weights overflows.
"""

import math

import torch
from dense import loaded_by_units, stored_by_units
from torch import Tensor

from loadstore.model.layers import Norm
from loadstore.model.weights import Weights
from loadstore.sites import Head, Reader, Writer


class Dense:
    """The dense matrices of one model."""

    def __init__(self, model: Weights) -> None:
        self.model, self.shape = model, model.architecture

    def score(self, writer: Writer, reader: Reader) -> float:
        """Return ‖A B‖/(‖A‖‖B‖); NaN where nothing is written or nothing is read."""
        bypasses = writer.kind == "pos" and self.shape.positions == "shortformer"
        before = None if bypasses else self._before(reader)
        written, B = self.writes(writer), self.reads(reader, before)
        centred = before is not None and before.centres
        A = written - written.mean(1, keepdim=True) if centred else written
        size = float(A.norm() * B.norm())
        return float((A @ B).norm()) / size if size > 0 else math.nan

    def writes(self, writer: Writer) -> Tensor:
        """What a writer can write, a row for everything it can be given."""
        if writer.kind == "embed":
            return unit(self.model.W_E)
        if writer.kind == "pos":
            assert self.model.W_pos is not None
            return unit(self.model.W_pos)
        layer = self.model.layers[writer.layer]
        if writer.kind == "bias":
            assert layer.b_O is not None
            return unit(layer.b_O)[None]
        if writer.kind == "mlp":
            assert layer.mlp is not None
            return unit(unit(stored_by_units(layer.mlp)) * gain(layer.mlp.after))
        return self._moved(Head(writer.layer, writer.index))

    def reads(self, reader: Reader, before: Norm | None) -> Tensor:
        """What a reader reads, behind the norm ``before`` it, centring included."""
        through = self._through(before)
        if reader.is_unembed:
            return unit(through @ unit(self.model.W_U.double() - self.model.W_U.double().mean(1, keepdim=True)))
        layer = self.model.layers[reader.layer]
        if reader.is_mlp:
            assert layer.mlp is not None
            return unit(through @ unit(loaded_by_units(layer.mlp).double()))
        if reader.side == "V":
            return self._moved(reader.head)
        own, other = self._sides(reader)
        far = unit(self._through(self._before(reader)) @ other)
        offsets = range(self.shape.reach(reader.layer))
        turns = [self._turn(reader.layer, offset if reader.side == "Q" else -offset) for offset in offsets]
        if self.shape.rotary_of(reader.layer) is None:
            turns = turns[:1]
        return unit(through @ unit(torch.cat([own @ turn @ far.mT for turn in turns], 1)))

    def _moved(self, head: Head) -> Tensor:
        """Everything a head can move from the stream to the stream, norm before and after included."""
        layer, kv = self.model.layers[head.layer], self.shape.kv(head.index)
        read = unit(self._through(layer.norm) @ unit(layer.W_V[kv]))
        return unit(read @ unit(unit(layer.W_O[head.index]) * gain(layer.after_heads)))

    def _sides(self, reader: Reader) -> tuple[Tensor, Tensor]:
        """The matrix of the side of a head that is read, and that of the side it meets."""
        layer, kv = self.model.layers[reader.layer], self.shape.kv(reader.index)
        query = unit(unit(layer.W_Q[reader.index]) * gain(layer.q_norm))
        key = unit(unit(layer.W_K[kv]) * gain(layer.k_norm))
        return (query, key) if reader.side == "Q" else (key, query)

    def _before(self, reader: Reader) -> Norm | None:
        if reader.is_unembed:
            return self.model.final_norm
        layer = self.model.layers[reader.layer]
        return layer.mlp.norm if reader.is_mlp and layer.mlp is not None else layer.norm

    def _through(self, norm: Norm | None) -> Tensor:
        """Centring and gain of a norm as a matrix."""
        identity = torch.eye(self.shape.d_model, dtype=torch.float64)
        if norm is None:
            return identity
        centred = identity - 1 / self.shape.d_model if norm.centres else identity
        return unit(centred * gain(norm))

    def _turn(self, layer: int, offset: int) -> Tensor:
        """Return the rotation of a row vector by an offset."""
        turn, rotary = torch.eye(self.shape.d_head, dtype=torch.float64), self.shape.rotary_of(layer)
        for pair, frequency in enumerate(() if rotary is None else rotary.frequencies):
            assert rotary is not None
            halves = rotary.pairs == "halves"
            i, j = (pair, pair + len(rotary.frequencies)) if halves else (2 * pair, 2 * pair + 1)
            turn[i, i] = turn[j, j] = math.cos(offset * frequency)
            turn[i, j], turn[j, i] = math.sin(offset * frequency), -math.sin(offset * frequency)
        return turn


def unit(tensor: Tensor) -> Tensor:
    """In float64, divided by the power of two above its largest entry, where there is one."""
    wide = tensor.detach().double()
    largest = float(wide.abs().max())
    return wide if largest == 0 else wide / 2.0 ** math.frexp(largest)[1]


def gain(norm: Norm | None) -> Tensor:
    """The gain of a norm up to a factor, one where there is none."""
    return torch.ones(1, dtype=torch.float64) if norm is None or norm.gain is None else unit(norm.gain)
