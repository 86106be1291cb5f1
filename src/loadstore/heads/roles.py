"""The roles of each head, measured on random repeats or on text, with standard errors over sequences."""

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Literal, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import torch
import torch.nn.functional as F

from loadstore.axes import Tokens
from loadstore.bounds import Seed, Sequences
from loadstore.errors import BadRequest
from loadstore.execution.edits import Edit
from loadstore.execution.forward import forward
from loadstore.execution.overflow import finite
from loadstore.execution.record import Record
from loadstore.execution.run import as_tokens
from loadstore.heads.patterns import ROLES, mass_on, role_masks
from loadstore.model.weights import Weights
from loadstore.progress import Progress
from loadstore.threads import threads_for

if TYPE_CHECKING:
    import xarray as xr

On: TypeAlias = Literal["repeats", "random"] | Tokens
BATCH = 8
IS_ROLE = 0.5  # a head has a role if more than half of its attention is on the role's keys
LONGEST = 256  # random tokens, or the context if that is shorter
_MEASURED: "WeakKeyDictionary[Weights, dict[int, xr.Dataset]]" = WeakKeyDictionary()
_MEASURING = Lock()
_SO_FAR: "WeakKeyDictionary[Weights, tuple[int, int]]" = WeakKeyDictionary()
WAIT = 0.5  # seconds between reports to a caller that waits for a measurement in another thread


def bos_of(weights: Weights) -> int | None:
    """The BOS id of the model, if it has one."""
    return None if weights.tokens is None else weights.tokens.bos


def random_tokens(weights: Weights, sequences: int, length: int, seed: Seed = 0) -> Tokens:
    """Sequences of ``length`` distinct random tokens. A model's BOS comes first and is counted in the length."""
    generator = torch.Generator().manual_seed(seed)
    bos = bos_of(weights)
    ids = torch.arange(weights.architecture.vocab)
    pool = ids if bos is None else ids[ids != bos]
    body = length if bos is None else length - 1
    if body < 1 or body > len(pool) or length > weights.architecture.context:
        raise BadRequest(
            f"{length} distinct tokens do not fit {weights.name}: vocabulary {weights.architecture.vocab}, "
            f"context {weights.architecture.context}"
        )
    rows = torch.stack([pool[torch.randperm(len(pool), generator=generator)[:body]] for _ in range(sequences)])
    return rows if bos is None else torch.cat([torch.full((sequences, 1), bos), rows], 1)


def random_repeats(weights: Weights, sequences: int, period: int | None = None, seed: Seed = 0) -> Tokens:
    """BOS (if the model has one) and a block of ``period`` distinct random tokens, twice; by default up to 50."""
    has_bos = bos_of(weights) is not None
    room = (weights.architecture.context - has_bos) // 2
    period = min(50, room, weights.architecture.vocab - has_bos) if period is None else period
    if not 1 <= period <= room:
        raise BadRequest(f"period {period} does not fit twice into {weights.name}'s context: at most {room}")
    once = random_tokens(weights, sequences, period + has_bos, seed)
    return torch.cat([once, once[:, int(has_bos) :]], 1)


@threads_for(0)
def head_roles(
    weights: Weights,
    on: On = "repeats",
    *,
    sequences: Sequences = 20,
    seed: Seed = 0,
    progress: Progress | None = None,
) -> "xr.Dataset":
    """Role scores of every head: Dataset over head, per role its mean over sequences and ``<role>_se``.

    previous, current, first, duplicate, induction: the mean attention on the role's keys over the queries that have one
    (``heads.patterns.role_masks``). Keys outside a layer's window are excluded.

    Args:
        weights: The model.
        on: Random repeats, random tokens (256, or the context if that is shorter), or given tokens [sequence,
            token].
        sequences: How many random sequences.
        seed: The seed of the sequences.
        progress: Called with (done, total) counts of sequences.

    Returns:
        A probability for each head and role; NaN for a role without such a query. Standard errors are over sequences.

    Source: ARENA, Intro to mech interp; Olsson et al. 2022.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> roles = ls.head_roles(model, sequences=2)
        >>> str(roles.previous.idxmax("head").item())
        'L0.H7'
    """
    import xarray as xr

    tokens = _tokens(weights, on, sequences, seed)
    bos = bos_of(weights)
    scores = {role: [] for role in ROLES}
    for index, batch in enumerate(tokens.split(BATCH)):
        if progress is not None:
            progress(index * BATCH, len(tokens))
        record = Record()
        with torch.no_grad():
            finite(weights, batch, (), forward(weights, batch, record=record))
        shape = weights.architecture
        windows = [shape.window(layer) for layer in range(shape.n_layers)]
        masks = {window: role_masks(batch, bos, window) for window in set(windows)}
        patterns = [layer.pattern for layer in record.layers]
        for role in ROLES:
            masses = [
                mass_on(pattern, masks[window][role])[0] for pattern, window in zip(patterns, windows, strict=True)
            ]
            scores[role].append(torch.cat(masses, 1))
    data: dict[str, tuple[str, np.ndarray]] = {}
    for role in ROLES:
        mean, error = _mean_and_error(torch.cat(scores[role]).double().numpy())
        data[role], data[f"{role}_se"] = ("head", mean), ("head", error)
    return xr.Dataset(
        data,
        coords={"head": [str(head) for head in weights.architecture.heads]},
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "definition": "mean attention on the role's keys over the queries that have one",
            "on": on if isinstance(on, str) else "given tokens",
            "sequences": tokens.shape[0],
            "tokens": tokens.shape[1],
            "seed": seed,
        },
    )


def measured_roles(weights: Weights, seed: Seed = 0, progress: Progress | None = None) -> "xr.Dataset":
    """The default ``head_roles``, which determine the role names of heads; measured once per model and seed.

    Reports, programs, pictures, circuits and the explorer all name heads by these. ``progress`` is called with
    sequences, also while another thread measures them. Raises BadRequest where random repeats do not fit the model.
    """

    def report(done: int, of: int) -> None:
        _SO_FAR[weights] = done, of
        if progress is not None:
            progress(done, of)

    while not _MEASURING.acquire(timeout=WAIT):
        if progress is not None and weights in _SO_FAR:
            progress(*_SO_FAR[weights])
    try:
        kept = _MEASURED.setdefault(weights, {})
        if seed not in kept:
            kept[seed] = head_roles(weights, seed=seed, progress=report)
        return kept[seed].copy()
    finally:
        _MEASURING.release()


def named(roles: "xr.Dataset") -> dict[str, list[tuple[str, float]]]:
    """The heads of each role and their scores, strongest first: more than half of the attention on the role's keys."""
    heads: dict[str, list[tuple[str, float]]] = {}
    for role in ROLES:
        scores = zip(roles["head"].values.tolist(), roles[role].values.tolist(), strict=True)
        heads[role] = sorted(((name, s) for name, s in scores if s > IS_ROLE), key=lambda pair: -pair[1])
    return heads


def strongest_role(roles: "xr.Dataset") -> dict[str, str]:
    """The role with the highest score, for each head that has a role."""
    best: dict[str, tuple[float, str]] = {}
    for role, heads in named(roles).items():
        for head, score in heads:
            best[head] = max(best.get(head, (0.0, "")), (score, role), key=lambda scored: scored[0])
    return {head: role for head, (_, role) in best.items()}


def as_on(text: str) -> Literal["repeats", "random"]:
    """Parse the ``on`` option. Raises BadRequest."""
    if text == "repeats" or text == "random":
        return text
    raise BadRequest(f"on={text!r}: expected 'repeats', 'random' or tokens [sequence, token]")


def _tokens(weights: Weights, on: On, sequences: int, seed: int) -> Tokens:
    if not isinstance(on, str):
        return as_tokens(weights, on)[0]
    if as_on(on) == "repeats":
        return random_repeats(weights, sequences, seed=seed)
    return random_tokens(weights, sequences, min(LONGEST, weights.architecture.context), seed)


def _mean_and_error(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over sequences in which the role occurs, and its standard error (NaN for fewer than two)."""
    defined = ~np.isnan(values)
    count = defined.sum(0)
    total = np.where(defined, values, 0).sum(0)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    squares = np.where(defined, (values - mean) ** 2, 0).sum(0)
    error = np.full(total.shape, np.nan)
    many = count > 1
    error[many] = np.sqrt(squares[many] / (count[many] - 1) / count[many])
    return mean, error


def second_copy_loss(weights: Weights, tokens: Tokens, edits: Sequence[Edit] = ()) -> float:
    """Mean cross-entropy (nats) on the second copy of ``random_repeats``, except its first token."""
    period = (tokens.shape[1] - (bos_of(weights) is not None)) // 2
    with torch.no_grad():
        logits = forward(weights, tokens, edits)[:, -period:-1]
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return float(F.cross_entropy(wide.flatten(0, 1), tokens[:, 1 - period :].flatten()))
