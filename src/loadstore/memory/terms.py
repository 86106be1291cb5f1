"""Inner products of stores: at one token, and between the tokens that load and those they load from.

    own[w, x]    = E_t ⟨x̂_t, ŵ_t⟩                      across[w, x] = E_j ⟨Σ_{i > j} A_ij x̂_i, ŵ_j⟩

with A the pattern of head x; an MLP loads from no other token, so it has no ``across``. Sums are over one piece of
text at a time, and are kept for each group of documents. Tests: tests/memory/test_lifetimes.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.execution.record import Record
from loadstore.execution.run import run
from loadstore.linear.whitening import whitening
from loadstore.memory.depth import stored_by
from loadstore.model.ports import banks
from loadstore.progress import Progress
from loadstore.sites import Writer
from loadstore.wire_traffic.moments import Moments


@dataclass(frozen=True, eq=False)
class Products:
    """Sums over tokens, by group of documents, and the number of tokens of each group (without first tokens)."""

    own: Float[np.ndarray, "group writer later"]
    across: Float[np.ndarray, "group writer later"]
    size: Float[np.ndarray, "group writer"]
    size_of_later: Float[np.ndarray, " later"]
    size_of_loads: Float[np.ndarray, " later"]
    tokens: Float[np.ndarray, " group"]


def products(
    moments: Moments, writers: Sequence[Writer], others: Sequence[Writer], progress: Progress | None = None
) -> Products:
    """Multiply the stores of ``writers`` with those of ``others``; every piece is run again, for its patterns."""
    groups, places = moments.groups, [others.index(writer) for writer in writers]
    own, across = (np.zeros((groups, len(writers), len(others))) for _ in range(2))
    tokens, sizes, of_loads = np.zeros(groups), np.zeros(len(others)), np.zeros(len(others))
    for group, record in _records(moments, progress):
        stores = stored(moments, others, record)
        rows = stores[places]
        own[group] += _multiplied(rows, stores)
        for at, loads in _loads(moments, others, record, stores):
            across[group][:, at] += _multiplied(rows, loads)
            of_loads[at] += loads.square().sum((1, 2)).double().cpu().numpy()
        tokens[group] += stores.shape[1]
        sizes += stores.square().sum((1, 2)).double().cpu().numpy()
    size = own[:, np.arange(len(writers)), places]
    return Products(own, across, size, sizes, of_loads, tokens)


def whitened(
    moments: Moments, writers: Sequence[Writer], others: Sequence[Writer], progress: Progress | None = None
) -> Float[np.ndarray, "point writer later"]:
    """E⟨x̂ S_l^-½, ŵ S_l^-½⟩/E‖ŵ S_l^-½‖² at every point l, S_l the covariance of the stream there, with its ridge.

    Others that have not stored by then have 0.
    """
    met_at, by_then = stored_by(moments.weights, others)
    places, d = [others.index(writer) for writer in writers], moments.weights.architecture.d_model
    seconds = torch.zeros(len(met_at), d, d, dtype=torch.float64)
    for _, record in _records(moments, progress):
        stores = stored(moments, others, record)
        for row, mask in enumerate(by_then):
            stream = stores[torch.from_numpy(mask)].sum(0).double()
            seconds[row] += stream.mT @ stream
    metrics = [root @ root for root, _ in map(whitening, seconds)]
    sums, sizes = np.zeros((len(met_at), len(writers), len(others))), np.zeros((len(met_at), len(writers)))
    for _, record in _records(moments, progress):
        stores = stored(moments, others, record)
        for row, metric in enumerate(metrics):
            rows = stores[places] @ metric.to(stores.dtype)
            later_rows = np.flatnonzero(by_then[row])
            sums[row][:, later_rows] += _multiplied(rows, stores[later_rows])
            sizes[row] += (rows * stores[places]).double().sum((1, 2)).cpu().numpy()
    return sums / sizes[..., None]


def stored(moments: Moments, writers: Sequence[Writer], record: Record) -> Float[Tensor, "writer token d_model"]:
    """Writers' stores in one recorded run of one prompt, minus their corpus means, without the first token."""
    kept: list[Tensor] = []
    for bank in banks(moments.weights, writers):
        means = torch.stack([moments.means[writer] for writer in bank.writers])
        kept.append((bank.sent(record.inner(bank.writers))[0, 1:] - means).transpose(0, 1))
    return torch.cat(kept)


def met_later(
    pattern: Float[Tensor, "*any token token"], rows: Float[Tensor, "*any token inner"]
) -> Float[Tensor, "*any token inner"]:
    """Σ_{i > j} A_ij row_i for every token j: the sum of the rows at later tokens, weighted by attention to j."""
    return pattern.tril(-1).mT @ rows


def loads(moments: Moments, heads: Sequence[Writer]) -> dict[Writer, Float[Tensor, "token d_head"]]:
    """Σ_{i > j} A_ij ẑ_i, centred, before W_O, at every token j but the first of each piece."""
    of = {bank.writers[0]: bank for head in heads for bank in banks(moments.weights, [head])}
    stores = {head: moments.stored(bank)[moments.later][:, 0] for head, bank in of.items()}
    loaded = {head: torch.zeros_like(rows) for head, rows in stores.items()}
    start = 0
    for _, record in _records(moments, None) if heads else ():
        length = record.layers[0].stream.shape[1] - 1
        span = slice(start, start := start + length)
        for head, rows in stores.items():
            pattern = record.layers[head.layer].pattern[0, head.index, 1:, 1:]
            loaded[head][span] = met_later(pattern, rows[span])
    return {head: rows - rows.mean(0) for head, rows in loaded.items()}


def _records(moments: Moments, progress: Progress | None) -> Iterator[tuple[int, Record]]:
    pieces = moments.pieces()
    for done, (group, piece) in enumerate(pieces, 1):
        if len(piece) > 1:
            yield group, run(moments.weights, piece[None], record=True).record
        if progress is not None:
            progress(done, len(pieces))


def _multiplied(rows: Tensor, others: Tensor) -> Float[np.ndarray, "writer later"]:
    return (rows.flatten(1) @ others.flatten(1).mT).double().cpu().numpy()


def _loads(
    moments: Moments, others: Sequence[Writer], record: Record, stores: Float[Tensor, "writer token d_model"]
) -> list[tuple[list[int], Tensor]]:
    """The indices of each bank of heads, and the attention-weighted stores of the tokens that load from each token."""
    per_bank: list[tuple[list[int], Tensor]] = []
    at = 0
    for bank in banks(moments.weights, others):
        places, at = list(range(at, at + len(bank.writers))), at + len(bank.writers)
        if bank.out is not None:
            heads = [writer.index for writer in bank.writers]
            pattern = record.layers[bank.writers[0].layer].pattern[0, heads, 1:, 1:]
            per_bank.append((places, met_later(pattern, stores[places])))
    return per_bank
