"""Subspace scores of every wire, each with its exact null and, on request, a control or another null."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from loadstore.bounds import Seed
from loadstore.linear.discovery import adjusted
from loadstore.model.points import Point
from loadstore.model.ports import Norms
from loadstore.model.weights import Weights
from loadstore.model.where import Globs, asked_for
from loadstore.model.wiring import wiring
from loadstore.scores.cores import meets
from loadstore.scores.groups import Group, groups, pieces, precision
from loadstore.scores.measures import OF_A_WIRE
from loadstore.scores.options import Control, Counts, Null, ask
from loadstore.scores.relative import relative
from loadstore.scores.resume import Kept, question_of
from loadstore.scores.siblings import among_heads, with_siblings
from loadstore.threads import threads_for

if TYPE_CHECKING:
    import xarray as xr

DEFINITION = (
    "score = ||A B||_F / (||A||_F ||B||_F), A what the writer writes, B what the reader reads; "
    "null = a Haar-random rotation between them; alignment = 0 at chance, 1 at the ceiling, -1 at the floor"
)


@threads_for(0)
def subspace_scores(
    weights: Weights,
    *,
    writers: str | Sequence[str] = "*",
    readers: str | Sequence[str] = "*",
    where: Globs | None = None,
    norms: Norms = "fold",
    offset: int | range | None = None,
    null: Null = "rotation",
    stream: Mapping[Point, Tensor] | None = None,
    frequencies: Counts | None = None,
    control: Control = "none",
    seed: Seed = 0,
    resume: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> "xr.Dataset":
    """Score every wire: Dataset over (writer, reader) with score, chance, z, p, q, ceiling, alignment and relative.

    Args:
        weights: The model.
        writers: Globs of writers.
        readers: Globs of readers.
        where: Globs of wires, ``"L0.H* -> L1.*.K"``.
        norms: ``"fold"`` folds each norm into the matrix after it; ``"ignore"`` gives the raw product that other tools
            print.
        offset: Under rotary positions, one offset = query − key for Q and K (NaN if it is outside a layer's window),
            or a range to average over. None: average uniformly over all offsets within a layer's reach.
        null: ``"rotation"``; ``"heads"`` adds ``p_heads``, the share of pairs of heads of the same layers that are at
            least as aligned; ``"stream"`` compares with rotations that keep the stream's second moment at the reader's
            point: every number is that of A S^-½ and S^½ B. How to choose: docs/which-null.md.
        stream: For ``null="stream"``, from ``ls.statistics.stream_moments``.
        frequencies: A count for every id of the vocabulary [vocab]; weights the rows of embed by √frequency.
        control: ``"reversed"`` reverses the coordinates of the writers' rows, ``"haar"`` rotates them at random.
        seed: The seed of ``"haar"``.
        resume: A file to save to every few seconds and on interruption; it is removed at the end. Asking the same
            question again continues from it.
        progress: Called with (done, total) counts of wires.

    Returns:
        ``q`` is p adjusted for all requested wires (Benjamini–Hochberg). ``relative`` is the log score minus the
        writer's and the reader's main effects. Pairs that are not connected or not requested are NaN.

    Raises:
        NoSuchSite: A glob matches nothing.
        BadRequest: An option is invalid.

    Source: Elhage et al. 2021.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> scores = ls.subspace_scores(model, readers="L1.H4.K")
        >>> scores.alignment.isel(reader=0).to_series().idxmax()
        'L0.H7'
    """
    import xarray as xr

    asked = ask(weights, norms, control, seed, offset, null, stream, frequencies)
    network = wiring(weights)
    sources, targets, chosen = asked_for(network, writers, readers, where)
    kept = sources, targets
    scored = with_siblings(network, *kept) if asked.null == "heads" else kept
    met = [meets(weights, reader, asked.offsets) for reader in scored[1]]
    wanted = network.between(*scored) & met
    if asked.null != "heads":
        wanted &= chosen
    question = "" if resume is None else question_of(weights, asked, [*scored[0], *scored[1]], wanted)
    computed = Kept(None if resume is None else Path(resume), question, OF_A_WIRE, wanted)
    try:
        for group in groups(weights, *scored, asked.norms, wanted & ~computed.done):
            for piece in pieces(weights, group, asked):
                computed.put(piece.rows, piece.columns, piece.values)
                if progress is not None:
                    progress(int(computed.done.sum()), int(wanted.sum()))
    except BaseException:
        computed.save()
        raise
    computed.finish()
    values = dict(computed.values)
    if asked.null == "heads":
        values["p_heads"] = among_heads(*scored, values["alignment"])
        cells = np.ix_([site in kept[0] for site in scored[0]], [site in kept[1] for site in scored[1]])
        values = {name: np.where(chosen, value[cells], np.nan) for name, value in values.items()}
    values["q"] = adjusted(values["p"])
    values["relative"] = relative(values["score"])
    return xr.Dataset(
        {name: (("writer", "reader"), value) for name, value in values.items()},
        coords={"writer": [str(w) for w in kept[0]], "reader": [str(r) for r in kept[1]]},
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "definition": DEFINITION + asked.definition(weights),
            "norms": asked.norms,
            "control": asked.control,
            "seed": asked.seed,
            "null": asked.null,
            "precision": _precision(weights, groups(weights, *scored, asked.norms, wanted)),
        },
    )


def _precision(weights: Weights, parts: Sequence[Group]) -> str:
    """The dtypes in which matrices were multiplied; sums of products are in double precision."""
    formats = {str(precision(weights, group)).removeprefix("torch.") for group in parts}
    return " and ".join(sorted(formats))
