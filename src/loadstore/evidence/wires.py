"""Evidence for every wire: alignment (can it carry), traffic (does it carry), effect (does it matter)."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.causal.cutting import cut_each
from loadstore.causal.sweep import Wire
from loadstore.corpora.corpus import Source
from loadstore.errors import BadRequest
from loadstore.execution.run import run
from loadstore.model.weights import Weights
from loadstore.model.where import Globs, asked_for
from loadstore.model.wiring import Wiring, wiring
from loadstore.progress import Progress
from loadstore.scores.measures import UNITS, beside, kind_of
from loadstore.scores.scores import subspace_scores
from loadstore.wire_traffic.given import given_moments
from loadstore.wire_traffic.moments import Moments
from loadstore.wire_traffic.traffic import traffic

if TYPE_CHECKING:
    import xarray as xr

WEIGHED, CARRIED, CUT = beside("scores"), beside("traffic"), beside("effect")


def wires(
    weights: Weights,
    corpus: "Source | Moments" = "default",
    *,
    writers: Globs = "*",
    readers: Globs = "*",
    where: Globs | None = None,
    exact: bool = False,
    top: int | None = None,
    effect: int = 0,
    tokens: int | None = None,
    progress: Progress | None = None,
) -> "xr.Dataset":
    """Compare alignment, traffic and effect of wires: Dataset over wire, by kind of reader, then by traffic.

    Args:
        weights: The model.
        corpus: As in ``ls.traffic``.
        writers: Globs of writers.
        readers: Globs of readers.
        where: Globs of wires, ``"L0.H* -> L1.*.K"``; None for all wires from ``writers`` to ``readers``.
        exact: As in ``ls.traffic``.
        top: Return this many wires for each kind of reader, those with the most traffic; None for all.
        effect: For this many of each kind, measure the effect by a cut on the same corpus.
        tokens: Read at most this many tokens of the corpus.
        progress: Called with (done, total).

    Returns:
        The measures of scores and traffic, and of a cut (NaN if not measured): ``change`` of the reader, ``kl``, and
        ``target``, the change of the log-probability of the next token (nats; means over tokens). Cuts replace stores
        by their means over the corpus.

    Raises:
        BadRequest: A count is negative, or an entry of ``where`` is not a pair or leaves no wire.
        LoadstoreError: As for ``ls.traffic``.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> texts = ["the cat sat on the mat. the dog sat on the log.", "one two three one two three"]
        >>> wires = ls.wires(model, texts, readers="L1.H4.*", top=2)
        >>> wires.sizes["wire"]
        6
    """
    import xarray as xr

    if effect < 0 or (top is not None and top < 1):
        raise BadRequest(f"top={top}, effect={effect}: expected a count of wires, top at least 1")
    network = wiring(weights)
    sources, targets, asked = asked_for(network, writers, readers, where)  # raises before the corpus is measured
    froms, intos = [str(writer) for writer in sources], [str(reader) for reader in targets]
    kept = given_moments(weights, corpus, readers=intos, tokens=tokens, progress=progress)
    table = traffic(weights, kept, writers=froms, readers=intos, exact=exact, progress=progress)
    load = np.where(asked, table.traffic.values, np.nan)
    chosen, measured = _ranked(network, table, load, top, effect)
    columns = {name: np.array([table[name].values[i, j] for i, j in chosen]) for name in CARRIED}
    names = [(str(table["writer"].values[i]), str(table["reader"].values[j])) for i, j in chosen]
    columns |= _aligned(weights, names)
    cuts = [names[index] for index in measured]
    columns |= {name: np.full(len(names), np.nan) for name in CUT}
    for name, values in _effects(weights, kept, cuts, progress).items():
        columns[name][measured] = values
    return xr.Dataset(
        {name: ("wire", columns[name]) for name in (*WEIGHED, *CARRIED, *CUT)},
        coords={
            "writer": ("wire", [writer for writer, _ in names]),
            "reader": ("wire", [reader for _, reader in names]),
            "kind": ("wire", [kind_of(network.reader(reader)) for _, reader in names]),
        },
        attrs={**table.attrs, "wires": int(np.isfinite(load).sum()), "cut": len(cuts)},
    )


def _ranked(
    network: Wiring, table: "xr.Dataset", load: np.ndarray, top: int | None, effect: int
) -> tuple[list[tuple[int, int]], list[int]]:
    """Indices of the wires with a traffic in ``load``, by kind and traffic, and positions of those to cut."""
    kinds = [kind_of(network.reader(str(reader))) for reader in table["reader"].values]
    cells: list[tuple[int, int]] = []
    measured: list[int] = []
    for kind in UNITS:
        columns = [j for j, other in enumerate(kinds) if other == kind]
        strongest = [(i, j) for j in columns for i in range(len(load)) if np.isfinite(load[i, j])]
        strongest = sorted(strongest, key=lambda cell: -load[cell])[:top]
        measured += range(len(cells), len(cells) + min(effect, len(strongest)))
        cells += strongest
    return cells, measured


def _aligned(weights: Weights, names: list[tuple[str, str]]) -> dict[str, np.ndarray]:
    """Scores of the named wires, as one table of their writers and readers."""
    if not names:
        return {measure: np.zeros(0) for measure in WEIGHED}
    writers, readers = (list(dict.fromkeys(ends)) for ends in zip(*names, strict=True))
    scores = subspace_scores(weights, writers=writers, readers=readers)
    rows = {str(name): index for index, name in enumerate(scores["writer"].values)}
    columns = {str(name): index for index, name in enumerate(scores["reader"].values)}
    return {m: np.array([scores[m].values[rows[w], columns[r]] for w, r in names]) for m in WEIGHED}


def _effects(
    weights: Weights, kept: Moments, names: list[tuple[str, str]], progress: Progress | None
) -> dict[str, np.ndarray]:
    """Means over the corpus of the effects of each cut, with pieces weighted by their tokens."""
    network, total = wiring(weights), 0
    cuts: list[Wire] = [network.wire(*name) for name in names]
    sums = np.zeros((len(cuts), len(CUT)))
    pieces = kept.pieces() if cuts else []
    for done, (_, piece) in enumerate(pieces, 1):
        trace = run(weights, piece[None], record=True)
        effects = cut_each(trace, cuts, mean=kept.means.__getitem__)
        sums += len(piece) * np.array([[getattr(effect, name) for name in CUT] for effect in effects])
        total += len(piece)
        if progress is not None:
            progress(done, len(pieces))
    return {name: sums[:, column] / max(1, total) for column, name in enumerate(CUT)}
