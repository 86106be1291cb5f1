"""What a model loses when a head stores nothing of its own: the change of loss, on second copies or on text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Tokens
from loadstore.bounds import Seed, Sequences
from loadstore.causal.batch import Batch
from loadstore.causal.engine import LOGITS, reruns
from loadstore.errors import BadPrompt, BadRequest
from loadstore.execution.edits import By, Edit, ablate
from loadstore.execution.run import as_tokens, run
from loadstore.heads.roles import bos_of, random_repeats
from loadstore.model.weights import Weights
from loadstore.progress import Progress
from loadstore.sites import Head, parse_head
from loadstore.threads import threads_for

if TYPE_CHECKING:
    import xarray as xr

HeadName = Head | str
On: TypeAlias = Literal["repeats"] | Tokens


@threads_for(0)
def ablation_effects(
    weights: Weights,
    heads: Sequence[HeadName | tuple[HeadName, ...]] | None = None,
    by: By = "mean",
    on: On = "repeats",
    *,
    edits: Sequence[Edit] = (),
    sequences: Sequences = 20,
    seed: Seed = 0,
    progress: Progress | None = None,
) -> "xr.Dataset":
    """Ablate heads one by one, or together where a tuple is given: Dataset over head, losses in nats per token.

    loss: with the heads ablated; effect, effect_se: less the intact loss, its mean and standard error over sequences
    (paired); intact: the loss without ablation. On random repeats the loss is that of the second copy, its first
    token left out; on given tokens [sequence, token] that of every next token. A mean is taken over one batch.
    ``edits`` are made in both runs; ``progress`` is told (done, of). Raises NoSuchSite, BadRequest, BadPrompt.
    Source: Olsson et al. 2022; ARENA, Intro to mech interp.
    """
    import xarray as xr

    groups = _groups(weights, weights.architecture.heads if heads is None else heads)
    tokens = _tokens(weights, on, sequences, seed, edits)
    period = (tokens.shape[1] - (bos_of(weights) is not None)) // 2 - 1 if isinstance(on, str) else tokens.shape[1] - 1
    lists = [[], *([ablate(head, by=by) for head in group] for group in groups)]
    losses = np.full((len(lists), len(tokens)), np.nan)
    pieces = tokens.split(max(1, LOGITS // (tokens.shape[1] * weights.architecture.vocab)))
    done, total, low = 0, len(pieces) * len(lists), 0
    for piece in pieces:
        trace = run(weights, piece, edits, record=True)
        for batch in reruns(trace, lists):
            found = _losses(batch, period).double().numpy()
            losses[list(batch.places), low : low + len(piece)] = found
            done += len(batch.places)
            if progress is not None:
                progress(done, total)
        low += len(piece)
    intact, ablated = losses[0], losses[1:]
    change = ablated - intact
    count = change.shape[1]
    error = change.std(1, ddof=1) / count**0.5 if count > 1 else np.full(len(change), np.nan)
    return xr.Dataset(
        {
            "loss": ("head", ablated.mean(1)),
            "effect": ("head", change.mean(1)),
            "effect_se": ("head", error),
            "intact": ((), intact.mean()),
        },
        coords={"head": [" + ".join(map(str, group)) for group in groups]},
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "definition": "effect = loss with the heads ablated less the intact loss, nats per token",
            "by": by,
            "on": "second copies of random repeats" if isinstance(on, str) else "given tokens",
            "sequences": count,
            "tokens": tokens.shape[1],
            "seed": seed,
        },
    )


def _groups(weights: Weights, heads: Sequence[HeadName | tuple[HeadName, ...]]) -> list[tuple[Head, ...]]:
    """Every entry as a tuple of heads that exist."""
    named = [entry if isinstance(entry, tuple) else (entry,) for entry in heads]
    found = [tuple(weights.architecture.check(parse_head(head), weights.name) for head in entry) for entry in named]
    if not found or not all(found):
        raise BadRequest("no head was named; give heads such as 'L1.H4', or tuples of them")
    return found


def _tokens(weights: Weights, on: On, sequences: int, seed: int, edits: Sequence[Edit]) -> Tokens:
    if isinstance(on, str):
        if on != "repeats":
            raise BadRequest(f"on={on!r}: expected 'repeats' or tokens [sequence, token]")
        if sequences < 1:
            raise BadRequest(f"sequences={sequences}: expected at least one")
        tokens = random_repeats(weights, sequences, seed=seed)
    else:
        tokens = as_tokens(weights, on)[0]
    if tokens.shape[1] < 2 + 2 * isinstance(on, str):
        raise BadPrompt(f"sequences of {tokens.shape[1]} tokens have nothing to predict; give longer ones")
    return tokens


def _losses(batch: Batch, last: int) -> Float[Tensor, "run sequence"]:
    """Mean cross-entropy of each sequence's last ``last`` tokens in every run, in nats."""
    tokens = batch.trace.tokens
    logits, target = batch.logits[:, -last - 1 : -1], tokens[:, -last:].repeat(len(batch.places), 1)
    loss = F.cross_entropy(logits.flatten(0, 1).float(), target.flatten(), reduction="none")
    return loss.view(target.shape).mean(1).view(len(batch.places), len(tokens))
