"""How long a writer's store lasts: later writers erase it, leave it untouched or repeat it.

    ρ_w(l) = E⟨Σ_{x: w reaches x, x stored by l} x̂, ŵ⟩/E‖ŵ‖² = Σ_x term[w, x]      −1 erased, 0 untouched, > 0 repeated

at a token of its own, and ``across`` tokens the same with x̂ at the tokens that load from w's, weighted by attention.
Writers with a common cause also correlate; memory/pairs.py decides which terms are reported. Docs: docs/memory.md.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from loadstore.bounds import Count
from loadstore.errors import Undefined
from loadstore.memory.causes import Term, causes
from loadstore.memory.depth import depth_names, later, stored_by
from loadstore.memory.fresh import Fresh, fresh_shares
from loadstore.memory.lifetimes_value import Lifetimes
from loadstore.memory.nulls import Nulls
from loadstore.memory.pairs import Terms, screened
from loadstore.memory.region import SHARE, regions
from loadstore.memory.repair import Repair, frozen_repairs
from loadstore.memory.sample import sample
from loadstore.memory.stores import in_stream
from loadstore.memory.terms import Products, loads, products, whitened
from loadstore.model.globs import matching
from loadstore.model.opened import whole_mlps
from loadstore.model.ports import writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.sites import Reader, Writer
from loadstore.wire_traffic.given import Corpora, given_moments
from loadstore.wire_traffic.moments import Moments
from loadstore.wire_traffic.traffic import traffic

CHECKS, REPAIRS, READERS = 200, 12, 3
DEFINITION = (
    "rho = sum over later writers x of term = E<x, w>/E|w|^2, at w's own token, means and first positions left out: "
    "-1 erased, 0 untouched, above 0 repeated"
)


def lifetimes(
    weights: Weights,
    corpus: Corpora = None,
    *,
    writers: str | Sequence[str] | None = None,
    whiten: bool = False,
    checks: Count = CHECKS,
    tokens: int | None = None,
    length: int | None = None,
    progress: Progress | None = None,
) -> Lifetimes:
    """Measure how later writers change every store over depth, and which of them erase or repeat it.

    Args:
        weights: The model.
        corpus: The shipped one (None), a folder, a file, texts, token ids, or saved ``moments``.
        writers: Globs; None for all writers that store in the stream.
        whiten: Compute ρ and its terms in coordinates in which the stream at each depth has equal variance in all
            directions (pairs are found without whitening). Slow for many writers of a large model.
        checks: The number of pairs to run removals for, both at one token and across tokens, largest term first.
        tokens: The number of tokens at which to stop adding documents.
        length: Tokens of a piece of text.
        progress: Called with the number of steps done and the total.

    Raises:
        NoSuchSite, BadRequest, BadPrompt: A writer is unknown, or the corpus is unusable.
        Undefined: A writer never stores in the stream (shortformer positions) or does not vary (a bias).

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> texts = ["the cat sat on the mat. the dog sat on the log.", "one two three one two three"]
        >>> lifetimes = ls.lifetimes(model, texts, checks=2)
        >>> lifetimes.rho.shape == (len(lifetimes.writers), len(lifetimes.depth))
        True
    """
    whole_mlps(weights, "lifetimes are measured")
    measured, everyone = _chosen(weights, writers), in_stream(weights)
    kept = given_moments(weights, corpus, readers="unembed", tokens=tokens, length=length, progress=progress)
    sums = products(kept, measured, everyone, progress)
    rows = [everyone.index(writer) for writer in measured]
    follows = later(weights, everyone)[rows]
    points, by_then = stored_by(weights, everyone)
    size, count = sums.size.sum(0), sums.tokens.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        plain, across = (np.where(follows, each.sum(0) / size[:, None], np.nan) for each in (sums.own, sums.across))
    term, rho = plain, _summed(plain, by_then, rows)
    error = _error(sums, follows, by_then, rho)
    if whiten:
        term = np.where(follows & by_then[:, None, :], whitened(kept, measured, everyone, progress), np.nan)
        rho = np.stack([_summed(term[row], by_then[[row]], rows)[:, 0] for row in range(len(points))], 1)
        error = np.full(rho.shape, np.nan)
    here = Terms(plain, size / count, sums.size_of_later / count, follows)
    heads = np.array([writing(weights, writer).out is not None for writer in everyone])
    there = Terms(across, size / count, sums.size_of_loads / count, follows & heads, across=True)
    loading = loads(kept, [everyone[column] for column in np.unique(there.large[:, 1])])
    chosen, screen = screened(here, Nulls(kept), measured, everyone, checks)
    loaded, screen_across = screened(there, Nulls(kept, loading), measured, everyone, checks)
    network, trace = wiring(weights), sample(kept)
    asked = [Term(network.writer(p.writer), network.writer(p.later), p.across) for p in (*chosen, *loaded)]
    removals, repairs = causes(trace, asked, progress)
    checked = [replace(pair, causes=each) for pair, each in zip((*chosen, *loaded), removals, strict=True)]
    pairs = tuple(checked[: len(chosen)])
    first = list(repairs)[:REPAIRS]
    frozen = frozen_repairs(trace, first)
    return Lifetimes(
        tuple(map(str, measured)),
        tuple(map(str, everyone)),
        tuple(depth_names(weights, points)),
        rho,
        term,
        _summed(across, by_then, rows),
        across,
        error,
        pairs,
        screen,
        tuple(checked[len(chosen) :]),
        screen_across,
        _fresh(kept, [writer for writer in measured if any(p.reported and p.writer == str(writer) for p in pairs)]),
        {str(writer): Repair(repairs[writer].writing, repairs[writer].scale, frozen[writer]) for writer in first},
        {
            "model": weights.name,
            "bos": weights.begins,
            "corpus": kept.corpus,
            "documents": kept.documents,
            "tokens": len(kept.tokens),
            "whitened": whiten,
            "pieces": len(trace.tokens),
            "piece_tokens": trace.tokens.shape[1],
            "definition": DEFINITION,
        },
    )


def _chosen(weights: Weights, writers: str | Sequence[str] | None) -> tuple[Writer, ...]:
    """The requested writers. Raises NoSuchSite, Undefined."""
    network, every = wiring(weights), in_stream(weights)
    if writers is None:
        return every
    asked = matching(network.writers, writers, network.writer)
    chosen = tuple(writer for writer in every if writer in asked)
    if not chosen:
        raise Undefined(
            f"{asked[0]} has no lifetime: a constant does not vary, and positions that bypass the norm are never in "
            "the stream; ask for embed, heads or MLPs"
        )
    return chosen


def _summed(term: np.ndarray, by_then: np.ndarray, rows: Sequence[int]) -> np.ndarray:
    """ρ [writer, point] from terms [writer, later]; NaN before the writer has stored."""
    rho = np.nan_to_num(term) @ by_then.T
    return np.where(by_then[:, rows].T, rho, np.nan)


def _error(sums: Products, follows: np.ndarray, by_then: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """The standard error of ρ over groups, from each group's residual."""
    groups = len(sums.tokens)
    if groups < 2:
        return np.full(rho.shape, np.nan)
    own = np.where(follows, sums.own, 0.0) @ by_then.T
    residual = own - rho * sums.size[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(np.square(residual).sum(0) * groups / (groups - 1)) / sums.size.sum(0)[:, None]


def _fresh(moments: Moments, writers: Sequence[Writer]) -> tuple[Fresh, ...]:
    """The fresh shares of the readers with the most traffic from each writer. The writers are in depth order."""
    if not writers:
        return ()
    network = wiring(moments.weights)
    within = [r for r in network.readers if r.side not in ("Q", "K") or r.layer in moments.layers]
    parts = traffic(moments.weights, moments, writers=[*map(str, writers)], readers=[*map(str, within)])["own"].values
    fresh: list[Fresh] = []
    for writer, region, row in zip(writers, regions(moments, tuple(writers), SHARE), parts, strict=True):
        order = np.argsort(-np.nan_to_num(row, nan=-1.0), kind="stable")[:READERS]
        loudest: list[Reader] = [within[index] for index in order if row[index] > 0]
        fresh += fresh_shares(moments, writer, region, loudest)
    return tuple(fresh)
