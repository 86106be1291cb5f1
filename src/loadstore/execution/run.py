"""Runs a model on a prompt: checks the prompt and returns the run as a Trace."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import torch
from jaxtyping import Int
from torch import Tensor

from loadstore.axes import Tokens
from loadstore.errors import BadPrompt
from loadstore.execution.denials import storing
from loadstore.execution.extent import blanked
from loadstore.execution.fitting import check
from loadstore.execution.forward import forward
from loadstore.execution.kinds import Asked, Edit
from loadstore.execution.overflow import finite
from loadstore.execution.record import Pass, Record
from loadstore.execution.several import expanded
from loadstore.execution.trace import Trace
from loadstore.model.weights import Weights
from loadstore.quote import quote
from loadstore.tokenizer.tokens import require

WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64)
Ids: TypeAlias = Int[Tensor, " token"] | Int[Tensor, "batch token"]
Prompt: TypeAlias = str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]] | Ids


def run(weights: Weights, prompt: Prompt, edits: Sequence[Asked] = (), *, record: bool = False) -> Trace:
    """Run a model on text, token ids, or a batch (a list of texts or of lists of ids), with optional edits.

    Args:
        weights: The model.
        prompt: A text, token ids [token], or a batch: a list of texts, or of lists of ids, whose lengths may differ.
            The model's BOS is prepended to text, but not to ids.
        edits: Edits, as returned by ``ls.ablate`` and ``ls.cut``.
        record: Record every store in this pass. If false, the first question about a store replays the pass.

    Returns:
        The pass. Batching does not change a prompt's results; values with a token axis are NaN after a prompt's end.

    Raises:
        BadPrompt: The prompt is empty or too long, or ids are out of range.
        Undefined: Text is given for a model without a tokenizer, or numbers become non-finite.
        NoSuchSite, NoSuchWire, BadPrompt, BadRequest: Edits do not fit the model, the prompt or each other.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> trace = ls.run(model, "the cat sat on the mat. the dog sat")
        >>> trace.logits.shape
        torch.Size([11, 4096])
        >>> trace.top(k=1).text.values.tolist()
        ['␣on']
    """
    tokens, batched, lengths = as_prompts(weights, prompt)
    prompts = Pass(weights, tokens, Record, lengths=lengths)
    asked = expanded(prompts, edits)
    check(prompts, asked)
    weights = storing(weights, asked)
    prompts = replace(prompts, weights=weights)
    kept = Record() if record else None
    with torch.no_grad():
        logits = forward(weights, tokens, asked, kept, extent=prompts.extent)
        logits = blanked(finite(weights, tokens, asked, logits), lengths)
    replay = partial(replayed, prompts, asked, kept)
    return Trace(weights, tokens, replay, asked, batched, logits, lengths=lengths)


def replayed(prompts: Pass, edits: Sequence[Edit], kept: Record | None = None) -> Record:
    """Return ``kept`` if it is given; otherwise replay the pass and return its record."""
    if kept is not None:
        return kept
    record = Record()
    with torch.no_grad():
        forward(prompts.weights, prompts.tokens, edits, record, extent=prompts.extent)
    return record


def as_prompts(weights: Weights, prompt: Prompt) -> tuple[Tokens, bool, tuple[int, ...]]:
    """Token ids [batch, token], whether the prompt was a batch, and the length of each of its prompts.

    A shorter prompt is padded with its last token. Raises BadPrompt, Undefined.
    """
    if isinstance(prompt, str) or not isinstance(prompt, Sequence) or not prompt:
        tokens, batched = as_tokens(weights, prompt)
        return tokens, batched, (tokens.shape[1],) * len(tokens)
    if not all(isinstance(each, str) or (isinstance(each, Sequence) and each) for each in prompt):
        tokens, batched = as_tokens(weights, prompt)
        return tokens, batched, (tokens.shape[1],) * len(tokens)
    prompts = [as_tokens(weights, each) for each in prompt if not isinstance(each, int)]
    if any(batch for _, batch in prompts):
        raise BadPrompt("a prompt is whole token ids, [token] or [batch, token], or text; got lists within lists")
    rows = [ids for ids, _ in prompts]
    lengths = tuple(row.shape[1] for row in rows)
    padded = [torch.cat([row, row[:, -1:].expand(1, max(lengths) - row.shape[1])], 1) for row in rows]
    return torch.cat(padded), True, lengths


def as_tokens(weights: Weights, prompt: Prompt) -> tuple[Tokens, bool]:
    """Token ids [batch, token] and whether the prompt was a batch. Raises BadPrompt, Undefined."""
    shape = weights.architecture
    if isinstance(prompt, str):
        ids = torch.tensor(require(weights.tokens, weights.name, weights.untokenised).encode(prompt))
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
        most = (
            f"{shape.context}{', the length that was verified against the live model' if weights.by_structure else ''}"
        )
        raise BadPrompt(f"the prompt has {ids.shape[-1]} tokens; {weights.name} takes at most {most}. Shorten it.")
    if int(ids.min()) < 0 or int(ids.max()) >= shape.vocab:
        raise BadPrompt(f"token ids must be from 0 to {shape.vocab - 1}; got {int(ids.min())} to {int(ids.max())}")
    return ids.reshape(-1, ids.shape[-1]), ids.dim() == 2
