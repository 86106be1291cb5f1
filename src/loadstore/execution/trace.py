"""The trace of one forward pass: logits, patterns, and the store of every writer."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from loadstore.arguments import checked
from loadstore.errors import BadPrompt, BadRequest, NoSuchSite
from loadstore.execution.edits import Edit
from loadstore.execution.extent import blanked
from loadstore.execution.positions import At
from loadstore.execution.predictions import lens, likeliest, patterns
from loadstore.execution.record import LayerRecord, Pass
from loadstore.model.mixture import experts_in
from loadstore.model.recency import recency
from loadstore.model.sinks import taken
from loadstore.quote import quote
from loadstore.sites import Head, Writer, parse_head
from loadstore.tokenizer.tokens import labels, text_of

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Trace(Pass):
    """One forward pass. Tensors have a leading batch axis only if the prompt has one.

    Only the logits are kept. The first question about anything else replays the pass once with recording on.
    ``run(…, record=True)`` records in the first pass instead.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> trace.logits.shape, trace.pattern("L1.H4").shape, trace.written("L0.H7").shape
        (torch.Size([11, 4096]), torch.Size([11, 11]), torch.Size([11, 384]))
        >>> trace.labels[-1]
        '␣sat·10'
    """

    edits: tuple[Edit, ...]
    batched: bool
    all_logits: Float[Tensor, "batch token vocab"]

    @property
    def logits(self) -> Float[Tensor, "*batch token vocab"]:
        """Logits, before any softmax."""
        return self.all_logits if self.batched else self.all_logits[0]

    @property
    def labels(self) -> list[str]:
        """Token labels of a single prompt, ``␣sat·10``. Raises BadPrompt for a batch."""
        if self.batched:
            raise BadPrompt("a batch has no single list of labels; run one prompt")
        ids: list[int] = self.tokens[0].tolist()
        return labels(ids, self.weights.tokens)

    def __repr__(self) -> str:
        """The model, the prompt and the edits in words. For a batch, the prompts are only counted."""
        count, length = self.tokens.shape
        if self.batched:
            tokens = f"{min(self.lengths)} to {length}" if self.padded else str(length)
            said = f"Trace of {self.weights.name}: {count} prompts of {tokens} tokens"
        else:
            best = int(self.all_logits[0, -1].argmax())
            chance = float(self.all_logits[0, -1].softmax(-1)[best])
            said = (
                f"Trace of {self.weights.name} on {quote(' '.join(self.labels), 200)}\n"
                f"  predicts {text_of(best, self.weights.tokens)} after {self.labels[-1]} (probability {chance:.2f})"
            )
        return f"{said}\n  edits: {quote(', '.join(map(str, self.edits)), 200)}" if self.edits else said

    def pattern(self, head: Head | str) -> Float[Tensor, "*batch query key"]:
        """Attention pattern of a head, rows = query. Raises NoSuchSite and names the nearest head."""
        layer, index = self._layer(head)
        return self._shape(layer.pattern[:, index])

    def sink(self, head: Head | str) -> Float[Tensor, "*batch query"]:
        """Return the weight of a head's sink for every query, which sums to 1 with its row; 0 if the model has none.

        Raises NoSuchSite and names the nearest head.
        """
        layer, index = self._layer(head)
        return self._shape(taken(layer.pattern[:, index], self.weights.sinks(parse_head(head).layer)))

    def scores(self, head: Head | str) -> Float[Tensor, "*batch query key"]:
        """Pre-softmax scores q·k/√d_head of a head, for every pair, before a soft cap; the mask is not applied.

        With ALiBi its bias is included, −m (i − j) for query i and key j.
        """
        layer, index = self._layer(head)
        values = layer.q[:, :, index] @ layer.k[:, :, index].mT * self.weights.architecture.attention_scale
        bias = recency(self.weights.architecture, values.shape[1:], values, [index])
        values = values if bias is None else values + bias
        return self._shape(blanked(values, self.lengths, keys=True))

    def written(self, writer: Writer | Head | str) -> Float[Tensor, "*batch token d_model"]:
        """The store of a writer at every token. Raises NoSuchSite and names the nearest writer.

        A shortformer ``pos`` stores nothing in the stream. For it, this is the vector added to the inputs of Q and K.
        """
        return self._shape(self.store(writer))

    @checked
    def routing(self, layer: int) -> Float[Tensor, "*batch token expert"]:
        """Return the weight of every expert of a layer for every token, 0 where the token does not use the expert.

        Raises NoSuchSite if there is no such layer, or if its MLP has no experts.
        """
        shape = self.weights.architecture
        experts_in(shape.experts, layer, shape.n_layers, f"{self.weights.name} is {shape.brief}")
        weights = self.record.layers[layer].routing
        assert weights is not None
        return self._shape(weights)

    @property
    def patterns(self) -> "xr.DataArray":
        """Attention patterns of all heads, dims (prompt) layer head query key; ``pattern`` returns one head's."""
        table = patterns(self)
        return table if self.batched else table.isel(prompt=0)

    @checked
    def top(self, at: At = -1, k: int = 10) -> "xr.Dataset":
        """Return the ``k`` most likely next tokens after token ``at``.

        Args:
            at: An index (negative: from the end of each prompt) or a text.
            k: How many.

        Returns:
            Dataset with dims (prompt) rank: ``text``, ``probability``, ``logit`` and ``token``, the id.

        Raises:
            BadRequest: There is no such token, or the vocabulary has fewer than ``k`` tokens.
        """
        table = likeliest(self, self.all_logits, at, k)
        return table if self.batched else table.isel(prompt=0)

    def lens(self) -> "xr.Dataset":
        """Return the logit lens: the most likely next token according to the stream before each layer, at every token.

        It ignores later layers and applies the final norm to a partial sum (attribute ``neglects``). The row after the
        last layer is the model's prediction. Source: nostalgebraist, Interpreting GPT: the logit lens, 2020.

        Returns:
            Dataset with dims (prompt) layer token: ``text`` and ``probability``.
        """
        table = lens(self)
        return table if self.batched else table.isel(prompt=0)

    @checked
    def residual(self, layer: int) -> Float[Tensor, "*batch token d_model"]:
        """Return the stream before ``layer``; ``residual(n_layers)`` is the input of the unembedding."""
        depth = self.weights.architecture.n_layers
        if not 0 <= layer <= depth:
            raise NoSuchSite(f"no residual before layer {layer}: expected 0 to {depth} ({depth} = after the last)")
        stream = self.record.final if layer == depth else self.record.layers[layer].stream
        assert stream is not None
        return self._shape(stream)

    def _layer(self, name: Head | str) -> tuple[LayerRecord, int]:
        head = self.weights.architecture.check(parse_head(name), self.weights.name)
        return self.record.layers[head.layer], head.index

    def _shape(self, value: Tensor) -> Tensor:
        return blanked(value, self.lengths) if self.batched else value[0]

    @checked
    def prompt(self, index: int) -> "Trace":
        """One prompt of a batch, as a separate run. Means that edits took over the batch remain. Raises BadRequest."""
        count = len(self.tokens)
        if not -count <= index < count:
            raise BadRequest(f"there is no prompt {index}: the run has prompts 0 to {count - 1}")
        index %= count
        rows, length = slice(index, index + 1), self.lengths[index]
        return replace(
            self,
            tokens=self.tokens[rows, :length],
            lengths=(length,),
            batched=False,
            all_logits=self.all_logits[rows, :length],
            replay=lambda: self.record.rows(rows).first(length),
        )
