"""What one forward pass did: logits, patterns, and what every writer stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor

from loadstore.arguments import checked
from loadstore.axes import Tokens
from loadstore.errors import BadPrompt, NoSuchSite
from loadstore.execution.attention import LayerRecord
from loadstore.execution.edits import Edit
from loadstore.execution.fitting import check
from loadstore.execution.forward import Record, forward
from loadstore.execution.overflow import finite
from loadstore.model.ports import writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.quote import quote
from loadstore.sites import Head, Writer, parse_head
from loadstore.tokenizer.tokens import labels, require

WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64)
Ids: TypeAlias = Int[Tensor, " token"] | Int[Tensor, "batch token"]
Prompt: TypeAlias = str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]] | Ids


@dataclass(frozen=True, eq=False)
class Trace:
    """One pass. Tensors have a leading batch axis only where the prompt had one.

    Only the logits are kept. The first question about anything else replays the pass with recording on,
    once; ``run(…, record=True)`` records in the first pass instead.
    """

    weights: Weights
    tokens: Tokens
    edits: tuple[Edit, ...]
    batched: bool
    all_logits: Float[Tensor, "batch token vocab"]
    recorded: Record | None = None

    @property
    def logits(self) -> Float[Tensor, "*batch token vocab"]:
        """Logits, before any softmax."""
        return self._shape(self.all_logits)

    @cached_property
    def record(self) -> Record:
        """The recorded pass; replayed on first use unless it was recorded at once."""
        if self.recorded is not None:
            return self.recorded
        record = Record()
        with torch.no_grad():
            forward(self.weights, self.tokens, self.edits, record)
        return record

    @property
    def labels(self) -> list[str]:
        """Token labels of a single prompt, ``␣sat·10``. Raises BadPrompt for a batch."""
        if self.batched:
            raise BadPrompt("a batch has no single list of labels; run one prompt")
        ids: list[int] = self.tokens[0].tolist()
        return labels(ids, self.weights.tokens)

    def pattern(self, head: Head | str) -> Float[Tensor, "*batch query key"]:
        """Attention pattern of a head, rows = query. Raises NoSuchSite naming the nearest head."""
        layer, index = self._layer(head)
        return self._shape(layer.pattern[:, index])

    def scores(self, head: Head | str) -> Float[Tensor, "*batch query key"]:
        """Pre-softmax scores q·k/√d_head of a head, for every pair, the mask not applied."""
        layer, index = self._layer(head)
        scale = self.weights.architecture.attention_scale
        return self._shape(layer.q[:, :, index] @ layer.k[:, :, index].mT * scale)

    def written(self, writer: Writer | Head | str) -> Float[Tensor, "*batch token d_model"]:
        """What a writer stored at every token. Raises NoSuchSite naming the nearest writer.

        A shortformer ``pos`` stores nothing in the stream; this is what it adds to the inputs of Q and K.
        """
        return self._shape(self.store(writer))

    def store(self, writer: Writer | Head | str) -> Float[Tensor, "batch token d_model"]:
        """Return the same with the batch axis always there. Raises NoSuchSite as ``written`` does."""
        if not isinstance(writer, Writer):
            writer = wiring(self.weights).writer(str(writer))
        value = writing(self.weights, writer).sent(self.record.inner([writer])[:, :, 0])
        return value.expand(*self.tokens.shape, -1)

    @checked
    def residual(self, layer: int) -> Float[Tensor, "*batch token d_model"]:
        """Return the stream as ``layer`` finds it; ``residual(n_layers)`` is what the unembedding reads."""
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
        return value if self.batched else value[0]


def run(weights: Weights, prompt: Prompt, edits: Sequence[Edit] = (), *, record: bool = False) -> Trace:
    """Run a model on text, token ids, or a batch (texts of as many tokens each, ids [batch, token]), with edits if any.

    Text gets the model's BOS in front; ids are taken as they are. Raises BadPrompt (empty, too long, ids out
    of range), Undefined (text without a tokenizer, numbers that stop being finite), and for edits that do not fit
    the model, the prompt or each other NoSuchSite, NoSuchWire, BadPrompt, BadRequest.
    """
    tokens, batched = as_tokens(weights, prompt)
    check(weights, tokens, edits)
    kept = Record() if record else None
    with torch.no_grad():
        logits = finite(weights, tokens, edits, forward(weights, tokens, edits, kept))
    return Trace(weights, tokens, tuple(edits), batched, logits, kept)


def as_tokens(weights: Weights, prompt: Prompt) -> tuple[Tokens, bool]:
    """Token ids [batch, token] and whether the prompt was a batch. Raises BadPrompt, Undefined."""
    shape = weights.architecture
    if isinstance(prompt, str):
        ids = torch.tensor(require(weights.tokens, weights.name, weights.untokenised).encode(prompt))
    elif isinstance(prompt, Sequence) and prompt and all(isinstance(text, str) for text in prompt):
        ids = _together(weights, [str(text) for text in prompt])
    else:
        try:
            ids = torch.as_tensor(prompt)
        except (TypeError, ValueError, RuntimeError) as error:
            raise BadPrompt(f"a prompt is text or whole token ids, [token] or [batch, token]: {quote(error)}") from None
    if ids.numel() == 0:
        raise BadPrompt("the prompt is empty; give at least one token")
    if ids.dim() not in (1, 2) or ids.dtype not in WHOLE:
        raise BadPrompt(f"a prompt is whole token ids, [token] or [batch, token]; got {ids.dtype} {list(ids.shape)}")
    ids = ids.long()
    if ids.shape[-1] > shape.context:
        raise BadPrompt(
            f"the prompt has {ids.shape[-1]} tokens; {weights.name} takes at most {shape.context}. Shorten it."
        )
    if int(ids.min()) < 0 or int(ids.max()) >= shape.vocab:
        raise BadPrompt(f"token ids must be from 0 to {shape.vocab - 1}; got {int(ids.min())} to {int(ids.max())}")
    return ids.reshape(-1, ids.shape[-1]), ids.dim() == 2


def _together(weights: Weights, texts: list[str]) -> Tensor:
    """Token ids of texts that have as many each."""
    found = [require(weights.tokens, weights.name, weights.untokenised).encode(text) for text in texts]
    lengths = {len(ids): text for ids, text in zip(found, texts, strict=True)}
    if len(lengths) > 1:
        told = "; ".join(f"{quote(repr(text), 40)} has {length}" for length, text in list(lengths.items())[:3])
        raise BadPrompt(f"the prompts of a batch must have equally many tokens: {told}")
    return torch.tensor(found)
