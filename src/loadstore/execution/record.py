"""What one forward pass did, as it is recorded, and what edits of another pass may take from it."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from jaxtyping import Float
from torch import Tensor

from loadstore.axes import HeadValues, Patterns, Stream, Tokens
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import Head, Writer


@dataclass
class LayerRecord:
    """What one layer did: its input, the norms' 1/σ; queries, keys, values a head; patterns, z = A v; bias, MLP."""

    stream: Stream
    inverse_scale: Float[Tensor, "batch token 1"]
    q: HeadValues
    k: HeadValues
    v: HeadValues
    pattern: Patterns
    z: HeadValues
    q_scale: Tensor | None = None
    k_scale: Tensor | None = None
    bias: Stream | None = None
    mlp: Stream | None = None
    mlp_inverse_scale: Float[Tensor, "batch token 1"] | None = None

    def rows(self, rows: slice) -> "LayerRecord":
        """The same of some rows of the batch."""
        values: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(self, **{name: value[rows] for name, value in values.items() if value is not None})


@dataclass
class Record:
    """What a recorded pass keeps; everything else that a Trace tells is derived from it."""

    embed: Stream | None = None
    pos: Float[Tensor, "token d_model"] | None = None
    layers: list[LayerRecord] = field(default_factory=list[LayerRecord])
    final: Stream | None = None
    final_inverse_scale: Float[Tensor, "batch token 1"] | None = None

    def rows(self, rows: slice) -> "Record":
        """The same of some rows of the batch."""

        def cut(value: Tensor | None) -> Tensor | None:
            return value if value is None or value.dim() == 2 else value[rows]

        layers = [layer.rows(rows) for layer in self.layers]
        return Record(cut(self.embed), cut(self.pos), layers, cut(self.final), cut(self.final_inverse_scale))


@dataclass(frozen=True, eq=False)
class Pass:
    """One forward pass: the model, its tokens, and the record of what it did, made by ``replay`` on first use."""

    weights: Weights
    tokens: Tokens
    replay: Callable[[], Record]

    @cached_property
    def record(self) -> Record:
        """What the pass did."""
        return self.replay()

    def store(self, writer: Writer | Head | str) -> Float[Tensor, "batch token d_model"]:
        """Return what a writer stored at every token, of every prompt. Raises NoSuchSite naming the nearest writer."""
        if not isinstance(writer, Writer):
            writer = wiring(self.weights).writer(str(writer))
        record, shape = self.record, (*self.tokens.shape, self.weights.architecture.d_model)
        match writer.kind:
            case "embed":
                value = record.embed
            case "pos":
                value = record.pos
            case "bias":
                value = record.layers[writer.layer].bias
            case "mlp":
                value = record.layers[writer.layer].mlp
            case _:
                layer = record.layers[writer.layer]
                value = layer.z[:, :, writer.index] @ self.weights.wide(
                    self.weights.layers[writer.layer].W_O[writer.index]
                )
        assert value is not None
        return value.expand(shape)
