"""The change of loss when heads are ablated, on second copies of random repeats or on text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from loadstore.axes import Logits, Tokens
from loadstore.bounds import Seed, Sequences
from loadstore.causal.engine import LOGITS, reruns
from loadstore.errors import BadPrompt, BadRequest
from loadstore.execution.edits import ablate
from loadstore.execution.extent import tokens_of
from loadstore.execution.kinds import Asked
from loadstore.execution.options import By
from loadstore.execution.plan import heads_matching
from loadstore.execution.run import as_prompts, run
from loadstore.execution.trace import Trace
from loadstore.heads.roles import bos_of, random_repeats
from loadstore.model.globs import is_glob
from loadstore.model.weights import Weights
from loadstore.progress import Progress
from loadstore.sites import Head, parse_head
from loadstore.threads import threads_for

if TYPE_CHECKING:
    import xarray as xr

HeadName = Head | str
On: TypeAlias = Literal["repeats"] | Tokens | Sequence[str] | Sequence[Sequence[int]]


@threads_for(0)
def ablation_effects(
    weights: Weights,
    heads: str | Sequence[HeadName | tuple[HeadName, ...]] | None = None,
    *,
    by: By = "mean",
    on: On = "repeats",
    edits: Sequence[Asked] = (),
    sequences: Sequences = 20,
    seed: Seed = 0,
    progress: Progress | None = None,
) -> "xr.Dataset":
    """Ablate heads, one by one or together as a tuple: Dataset over head, losses in nats per token.

    Args:
        weights: The model.
        heads: Names, globs such as ``"L1.H*"``, and tuples of names; all heads if None.
        by: ``"mean"`` over one batch, ``"zero"`` or ``"resample"``.
        on: Random repeats, or prompts [sequence, token] of any lengths.
        edits: Edits applied in both runs.
        sequences: How many random repeats.
        seed: The seed of the repeats.
        progress: Called with (done, total).

    Returns:
        loss: with the heads ablated; effect, effect_se: that loss minus the intact loss, its mean and standard error
        over sequences (paired); intact: the loss without ablation. On random repeats the loss is over the second copy
        except its first token; on given prompts it is over every next token.

    Raises:
        NoSuchSite, BadRequest, BadPrompt: A head does not exist, or options or prompts are invalid.

    Source: Olsson et al. 2022; ARENA, Intro to mech interp.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> effects = ls.experiments.ablation_effects(model, ["L0.H7", "L0.H4"], sequences=2)
        >>> bool(effects.effect.sel(head="L0.H7") > effects.effect.sel(head="L0.H4"))
        True
    """
    import xarray as xr

    groups = _groups(weights, weights.architecture.heads if heads is None else heads)
    tokens, lengths = _tokens(weights, on, sequences, seed)
    period = (tokens.shape[1] - (bos_of(weights) is not None)) // 2 - 1 if isinstance(on, str) else tokens.shape[1] - 1
    lists = [[ablate(head, by=by) for head in group] for group in groups]
    intact, ablated = np.full(len(tokens), np.nan), np.full((len(lists), len(tokens)), np.nan)
    pieces = tokens.split(max(1, LOGITS // (tokens.shape[1] * weights.architecture.vocab)))
    done, total, low = 0, len(pieces) * len(lists), 0
    for piece in pieces:
        ends = lengths[low : low + len(piece)]
        rows = [row[:end] for row, end in zip(piece.tolist(), ends, strict=True)]
        trace = run(weights, piece if min(ends) == piece.shape[1] else rows, edits, record=True)
        intact[low : low + len(piece)] = _losses(trace, trace.all_logits, period)
        for batch in reruns(trace, lists):
            measured = _losses(trace, batch.logits, period).reshape(len(batch.places), len(piece))
            ablated[list(batch.places), low : low + len(piece)] = measured
            done += len(batch.places)
            if progress is not None:
                progress(done, total)
        low += len(piece)
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
            "definition": "effect = loss with the heads ablated minus the intact loss, nats per token",
            "by": by,
            "on": "second copies of random repeats" if isinstance(on, str) else "given tokens",
            "sequences": count,
            "tokens": tokens.shape[1],
            "seed": seed,
        },
    )


def _groups(weights: Weights, heads: str | Sequence[HeadName | tuple[HeadName, ...]]) -> list[tuple[Head, ...]]:
    """Every entry as a tuple of existing heads; a glob gives one entry per head."""
    listed = [heads] if isinstance(heads, str) else list(heads)
    named: list[tuple[HeadName, ...]] = []
    for entry in listed:
        if isinstance(entry, str) and is_glob(entry):
            named += [(head,) for head in heads_matching(weights, entry)]
        else:
            named.append(entry if isinstance(entry, tuple) else (entry,))
    groups = [tuple(weights.architecture.check(parse_head(head), weights.name) for head in entry) for entry in named]
    if not groups or not all(groups):
        raise BadRequest("no head was named; give heads such as 'L1.H4', or tuples of them")
    return groups


def _tokens(weights: Weights, on: On, sequences: int, seed: int) -> tuple[Tokens, tuple[int, ...]]:
    """Token ids, with shorter prompts padded at the end, and the length of each prompt."""
    if isinstance(on, str):
        if on != "repeats":
            raise BadRequest(f"on={on!r}: expected 'repeats' or tokens [sequence, token]")
        if sequences < 1:
            raise BadRequest(f"sequences={sequences}: expected at least one")
        tokens = random_repeats(weights, sequences, seed=seed)
        lengths = (tokens.shape[1],) * len(tokens)
    else:
        tokens, _, lengths = as_prompts(weights, on)
    if min(lengths) < 2 + 2 * isinstance(on, str):
        raise BadPrompt(f"sequences of {min(lengths)} tokens have nothing to predict; give longer ones")
    return tokens, lengths


def _losses(trace: Trace, logits: Logits, last: int) -> Float[np.ndarray, " row"]:
    """Mean cross-entropy of the last ``last`` tokens in each row of one or several runs, in nats."""
    runs = len(logits) // len(trace.tokens)
    before, target = logits[:, -last - 1 : -1], trace.tokens[:, -last:].repeat(runs, 1).to(logits.device)
    each = before.logsumexp(-1) - before.gather(-1, target[..., None])[..., 0]
    if not trace.padded:
        return each.mean(1).double().cpu().numpy()
    real = tokens_of(trace.lengths, trace.tokens.shape[1], logits.device)[:, 1:].repeat(runs, 1)
    return (each.where(real, 0.0).sum(1) / real.sum(1)).double().cpu().numpy()
