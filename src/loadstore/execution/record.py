"""The record of one forward pass, from which edits of another pass may take values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import HeadValues, Mixed, Patterns, Stream, Tokens
from loadstore.execution.extent import Extent
from loadstore.model.points import ScaleOf
from loadstore.model.ports import writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import Head, Writer


@dataclass
class LayerRecord:
    """The record of one layer: its input, 1/σ of the norms, patterns, q, k, v and z = A v per head, bias and MLP.

    If there is a norm after the heads, z includes its scale, so that a head's store is linear in z. ``router`` holds
    the score of every expert and ``routing`` its weight, 0 where a token does not use it. ``parts``: where experts are
    sites, the stores of the MLP's sites in the order of the wiring.
    """

    stream: Stream
    inverse_scale: Float[Tensor, "batch token 1"]
    q: HeadValues
    k: HeadValues
    v: Mixed
    pattern: Patterns
    z: Mixed
    q_scale: Tensor | None = None
    k_scale: Tensor | None = None
    v_scale: Tensor | None = None
    bias: Stream | None = None
    mlp: Stream | None = None
    mlp_inverse_scale: Float[Tensor, "batch token 1"] | None = None
    after_heads: Float[Tensor, "batch token 1"] | None = None
    after_mlp: Float[Tensor, "batch token 1"] | None = None
    router: Float[Tensor, "batch token expert"] | None = None
    routing: Float[Tensor, "batch token expert"] | None = None
    parts: Float[Tensor, "batch token writer d_model"] | None = None

    @property
    def inner(self) -> Mixed:
        """For every head, the value in which its store is linear: store = inner · ``out`` of its port."""
        return self.z

    @property
    def mixing(self) -> Patterns:
        """The coefficients of the keys' values in ``inner``."""
        return self.pattern if self.after_heads is None else self.pattern * self.after_heads[:, None]

    def rows(self, rows: slice) -> "LayerRecord":
        """The record of some rows of the batch."""
        return replace(self, **{name: value[rows] for name, value in self._values().items()})

    def first(self, tokens: int) -> "LayerRecord":
        """The record of the first ``tokens`` tokens."""
        values = {name: value[:, :tokens] for name, value in self._values().items() if name != "pattern"}
        return replace(self, **values, pattern=self.pattern[:, :, :tokens, :tokens])

    def repeated(self, times: int) -> "LayerRecord":
        """The record of the batch repeated ``times`` times, as a copy."""
        return replace(self, **{name: torch.cat([value] * times) for name, value in self._values().items()})

    def _values(self) -> dict[str, Tensor]:
        values: dict[str, Tensor | None] = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass
class Record:
    """The stored data of a recorded pass. A Trace derives everything else from it."""

    embed: Stream | None = None
    pos: Float[Tensor, "*prompt token d_model"] | None = None  # shared by all prompts unless edited
    layers: list[LayerRecord] = field(default_factory=list[LayerRecord])
    final: Stream | None = None
    final_inverse_scale: Float[Tensor, "batch token 1"] | None = None

    def scale(self, of: ScaleOf) -> Tensor | None:
        """One scale 1/σ of this pass, or None if there is no such norm. Inside heads it has one per head, or column."""
        if of.name == "final":
            return self.final_inverse_scale
        layer = self.layers[of.layer]
        match of.name:
            case "heads":
                return layer.inverse_scale
            case "q":
                return layer.q_scale
            case "k":
                return layer.k_scale
            case "v":
                return layer.v_scale
            case "mlp":
                return layer.mlp_inverse_scale
            case "after_heads":
                return layer.after_heads
            case "after_mlp":
                return layer.after_mlp

    def inner(self, writers: Sequence[Writer]) -> Float[Tensor, "batch token writer inner"]:
        """The recorded values of one writer, or of heads of one layer; stores are linear in them (``Bank.sent``)."""
        layer = self.layers[writers[0].layer]
        match writers[0].kind:
            case "head":
                index = [writer.index for writer in writers]
                run = slice(index[0], index[0] + len(index))
                return layer.inner[:, :, run if index == list(range(run.start, run.stop)) else index]
            case "stream":
                store = layer.stream
            case "embed":
                store = self.embed
            case "pos":
                store = None if self.pos is None else self.pos.expand(layer.stream.shape)
            case "bias":
                store = layer.bias
            case "mlp":
                store = layer.mlp
            case "expert" | "shared":
                at = writers[0].index  # the units beside the experts, with index −1, are last
                store = None if layer.parts is None else layer.parts[:, :, at]
        assert store is not None
        return store[:, :, None]

    def rows(self, rows: slice) -> "Record":
        """The record of some rows of the batch."""

        def cut(value: Tensor | None) -> Tensor | None:
            return value if value is None or value.dim() == 2 else value[rows]

        layers = [layer.rows(rows) for layer in self.layers]
        return Record(cut(self.embed), cut(self.pos), layers, cut(self.final), cut(self.final_inverse_scale))

    def first(self, tokens: int) -> "Record":
        """The record of the first ``tokens`` tokens."""

        def cut(value: Tensor | None) -> Tensor | None:
            return None if value is None else value[..., :tokens, :]

        layers = [layer.first(tokens) for layer in self.layers]
        return Record(cut(self.embed), cut(self.pos), layers, cut(self.final), cut(self.final_inverse_scale))


@dataclass(frozen=True, eq=False)
class Pass:
    """One forward pass: the model, its tokens, and its record, which ``replay`` makes on first use.

    ``lengths``: the number of tokens of each prompt. A shorter prompt is padded at its end.
    """

    weights: Weights
    tokens: Tokens
    replay: Callable[[], Record]
    lengths: tuple[int, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        if not self.lengths:
            object.__setattr__(self, "lengths", (self.tokens.shape[1],) * len(self.tokens))

    @property
    def padded(self) -> bool:
        """Whether some prompt is shorter than another."""
        return min(self.lengths) < self.tokens.shape[1]

    @property
    def extent(self) -> Extent:
        """Which rows of the batch are tokens."""
        return Extent(self.lengths if self.padded else ())

    @cached_property
    def record(self) -> Record:
        """The record of the pass."""
        return self.replay()

    def store(self, writer: Writer | Head | str) -> Float[Tensor, "batch token d_model"]:
        """Return the store of a writer at every token of every prompt.

        Raises NoSuchSite and names the nearest writer.
        """
        if not isinstance(writer, Writer):
            writer = wiring(self.weights).writer(str(writer))
        value = writing(self.weights, writer).sent(self.record.inner([writer])[:, :, 0])
        return value.expand(*self.tokens.shape, -1)
