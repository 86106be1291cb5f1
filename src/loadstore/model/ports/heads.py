"""A head as a writer, W_OV = N W_V · W_O, and as a reader on its three sides."""

from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.linear.factored import Factored
from loadstore.model.layers import Norm, map_tensors
from loadstore.model.norms import UNGAINED, apply_gain, centred, of_heads
from loadstore.model.points import SCALES, Point, ScaleOf
from loadstore.model.ports.embed import EmbedWriting
from loadstore.model.ports.folded import fold
from loadstore.model.ports.offsets import averaged
from loadstore.model.ports.readers import Reading
from loadstore.model.ports.writers import Norms, Rows, Writing
from loadstore.model.rotary import Rotary
from loadstore.model.weights import Weights
from loadstore.sites import EMBED, SIDES, Head, Reader, Side, Writer


@dataclass(frozen=True, eq=False)
class HeadWriting(Writing):
    """``L1.H4`` as a writer: a pass records z, and the store is z · ``out``."""

    @property
    def row_is(self) -> Rows:
        """One row per token: the store that the token's embedding alone would produce."""
        return "tokens"

    @property
    def height(self) -> int:
        """The width of a value, because the store is a sum of rows of W_O."""
        return self.weights.architecture.value_width

    @property
    def out(self) -> Float[Tensor, "d_value d_model"]:
        """W_O, with the gain of the norm after the heads if there is one."""
        return self._out("fold")

    @property
    def scale_after(self) -> ScaleOf | None:
        """The scale of the norm after the heads, if there is one."""
        layer = self.writer.layer
        return None if self.weights.layers[layer].after_heads is None else ScaleOf("after_heads", layer)

    def _out(self, norms: Norms) -> Float[Tensor, "d_value d_model"]:
        matrix = self.weights.stored(self.weights.layers[self.writer.layer].W_O[self.writer.index])
        return matrix if norms == "ignore" else _gained(self.weights, self.writer.layer, matrix)

    def map(self, norms: Norms = "fold") -> Factored:
        """Return W_OV, factored through the width of a value."""
        value = HeadReading(self.weights, Reader(self.writer.layer, self.writer.index, "V"))
        return Factored(value.folded(norms), self._out(norms))

    def along(self, directions: Float[Tensor, "d_model ..."], norms: Norms = "fold") -> Float[Tensor, "vocab ..."]:
        """W_E W_OV along the given directions, without forming a vocab × d_model matrix."""
        move = self.map(norms)
        return EmbedWriting(self.weights, EMBED).along(move.left @ (move.right @ directions.to(move.right)))


@dataclass(frozen=True, eq=False)
class HeadReading(Reading):
    """One side of a head: ``L1.H4.K``."""

    @property
    def side(self) -> Side:
        """Q, K or V."""
        return self.reader.head_side

    @property
    def point(self) -> Point:
        """Before the layer's heads."""
        return Point(self.reader.layer)

    @property
    def scale(self) -> ScaleOf:
        """The scale of the norm before the heads."""
        return ScaleOf("heads", self.reader.layer)

    @property
    def matrix(self) -> Float[Tensor, "d_model inside"]:
        """The head's own W_Q, or the W_K or W_V that it uses."""
        layer = self.weights.layers[self.reader.layer]
        return self.weights.wide((layer.W_Q, layer.W_K, layer.W_V)[SIDES.index(self.side)][self._own])

    @property
    def bias(self) -> Float[Tensor, " inside"] | None:
        """b_Q, b_K or b_V."""
        layer = self.weights.layers[self.reader.layer]
        bias = (layer.b_Q, layer.b_K, layer.b_V)[SIDES.index(self.side)]
        return None if bias is None else self.weights.wide(bias[self._own])

    @property
    def width(self) -> int:
        """d_head, or the width of a value."""
        shape = self.weights.architecture
        return shape.value_width if self.side == "V" else shape.d_head

    @property
    def _own(self) -> int:
        return self.reader.index if self.side == "Q" else self.weights.architecture.kv(self.reader.index)

    @property
    def _stored_norm(self) -> Norm | None:
        return self.weights.layers[self.reader.layer].norm

    @property
    def inner_norm(self) -> Norm | None:
        """The head's own norm of queries or keys, widened, whose scale may be one of all heads; or what only divides.

        The size of a latent is such a scale: its gain is a part of the matrix.
        """
        layer = self.weights.layers[self.reader.layer]
        if layer.latent(self.side) is not None:
            return UNGAINED
        norm = of_heads({"Q": layer.q_norm, "K": layer.k_norm, "V": None}[self.side], [self._own])
        if norm is None or norm.gain is None:
            return norm
        return replace(norm, gain=self.weights.wide(norm.gain).flatten())

    @property
    def inner_scale(self) -> ScaleOf | None:
        """The scale of the head's own norm, if it has one."""
        return None if self.inner_norm is None else ScaleOf(SCALES[self.side], self.reader.layer)

    def turn(
        self, part: Float[Tensor, "*any token inside"], scale: Tensor | None, start: int = 0, *, at_one: bool = False
    ) -> Float[Tensor, "*any token inside"]:
        """Apply the scale and gain of the head's own norm, then the rotary rotation."""
        part, rotary = self._normed(part, scale), self._rotary
        if rotary is None:
            return part
        return rotary.turn(part, rotary.angles(1 if at_one else part.shape[-2], start).to(part.device))

    def turn_back(
        self, along: Float[Tensor, "*any token inside"], scale: Tensor | None, start: int = 0
    ) -> Float[Tensor, "*any token inside"]:
        """Turn the other way, then gain, mean and scale."""
        rotary = self._rotary
        if rotary is not None:
            along = rotary.turn(along, -rotary.angles(along.shape[-2], start).to(along.device))
        norm = self.inner_norm
        return along if norm is None or scale is None else centred(apply_gain(along, norm), norm) * scale

    @property
    def _rotary(self) -> Rotary | None:
        return None if self.side == "V" else self.weights.architecture.rotary_of(self.reader.layer)

    def _normed(self, part: Tensor, scale: Tensor | None) -> Tensor:
        norm = self.inner_norm
        return part if norm is None or scale is None else apply_gain(centred(part, norm) * scale, norm)

    def folded(self, norms: Norms = "fold", *, bypassing: bool = False) -> Float[Tensor, "d_model inside"]:
        """N W, or W for a writer that bypasses the norm; then the gain of the head's own norm.

        Columns that load through a latent are divided by its typical size (``Latent.typical``).
        """
        matrix, after = super().folded(norms, bypassing=bypassing), self.inner_norm
        if norms == "ignore" or after is None:
            return matrix
        typical = self.typical
        return apply_gain(centred(matrix, after), after) if typical is None else matrix * typical

    @property
    def typical(self) -> Float[Tensor, " inside"] | None:
        """What ``folded`` multiplies the columns of a side with a latent by: a typical 1/σ of the latent."""
        latent = self.weights.layers[self.reader.layer].latent(self.side)
        return None if latent is None else latent.typical(fold(self.weights.wide(latent.W), self.norm), self.width)

    def map(self, norms: Norms = "fold", *, bypassing: bool = False, offsets: range | None = None) -> Factored:
        """Return W_QK for Q, W_QKᵀ for K, W_OV for V.

        Under rotary positions, B Bᵀ of Q and K is averaged over ``offsets``.
        """
        layer, shape = self.reader.layer, self.weights.architecture
        if self.side == "V":
            return HeadWriting(self.weights, Writer("head", layer, self.reader.index)).map(norms)
        near, far = self.folded(norms, bypassing=bypassing), self._other.folded(norms)
        if (rotary := shape.rotary_of(layer)) is None:
            return Factored(near, far.mT)
        reach = shape.reach(layer)
        met = range(reach) if offsets is None else range(offsets.start, min(offsets.stop, reach))
        return averaged(rotary, near, far, met, key_side=self.side == "K")

    @property
    def _other(self) -> "HeadReading":
        """The opposite side of W_QK."""
        side: Side = "K" if self.side == "Q" else "Q"
        return HeadReading(self.weights, Reader(self.reader.layer, self.reader.index, side))


def ov(weights: Weights, head: Head, norms: Norms = "fold") -> Factored:
    """W_OV = N W_V · W_O of one head, factored through the width of a value. Raises NoSuchSite."""
    weights.architecture.check(head, weights.name)
    return HeadWriting(weights, Writer("head", head.layer, head.index)).map(norms)


def qk(
    weights: Weights, head: Head, norms: Norms = "fold", *, offset: int | None = None, bypassing: bool = False
) -> Factored:
    """W_QK = N W_Q · (N W_K)ᵀ of one head, factored through d_head. Rotary positions require an ``offset``.

    ``bypassing``: both sides without N, for writers that bypass the norm (shortformer positions). Raises NoSuchSite, or
    Undefined if the model has rotary positions and no ``offset`` is given.
    """
    weights.architecture.check(head, weights.name)
    query, key = (
        HeadReading(weights, Reader(head.layer, head.index, side)).folded(norms, bypassing=bypassing)
        for side in SIDES[:2]
    )
    if (rotary := weights.architecture.rotary_of(head.layer)) is None:
        return Factored(query, key.mT)
    if offset is None:
        raise Undefined(f"W_QK of {head} depends on query − key under rotary positions; give one, offset=")
    return Factored(rotary.turn(query, rotary.angles(1, offset)), key.mT)


def heads_out(weights: Weights, layer: int, norms: Norms = "fold") -> Float[Tensor, "head d_value d_model"]:
    """``out`` of all heads of a layer; ``norms="ignore"`` leaves out the gain of a norm after them."""
    W_O = weights.stored(weights.layers[layer].W_O)
    return W_O if norms == "ignore" else _gained(weights, layer, W_O)


def _gained(weights: Weights, layer: int, matrix: Tensor) -> Tensor:
    """W_O times the gain of the norm after the heads, if there is one."""
    after = weights.layers[layer].after_heads
    return matrix if after is None else apply_gain(matrix, map_tensors(after, weights.wide))
