"""The memory map of a model: where each writer stores, and which later writers and readers use that subspace.

Regions: memory/region.py. Overlaps: memory/overlap.py. Loads: traffic² of a wire divided by the reader's total,
tr(Σ_w b)/tr(Σ_x b), so that readers with different units are comparable. Docs: docs/memory.md.
"""

from collections.abc import Sequence

import numpy as np

from loadstore.bounds import Count
from loadstore.errors import BadRequest
from loadstore.memory.depth import later
from loadstore.memory.map_value import MemoryMap
from loadstore.memory.overlap import overlaps
from loadstore.memory.region import SHARE, regions
from loadstore.memory.stores import varying
from loadstore.model.globs import matching
from loadstore.model.opened import whole_mlps
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.wire_traffic.given import Corpora, given_moments
from loadstore.wire_traffic.traffic import traffic

LEVEL = 0.01  # family-wise, over all pairs of a region and a later one
DEFINITION = (
    "region: the smallest subspace with {share:g} of the covariance of what a writer stores, means and first positions "
    "left out; overlap: mean squared cosine of two regions' principal angles, beside that of random ones; load: "
    "traffic^2 over all that the reader loads"
)


def memory_map(
    weights: Weights,
    corpus: Corpora = None,
    *,
    writers: str | Sequence[str] = "*",
    share: float = SHARE,
    top: Count = 3,
    directions: Count = 1,
    tokens: int | None = None,
    length: int | None = None,
    progress: Progress | None = None,
) -> MemoryMap:
    """Map where every writer stores on a corpus, which later writers store there, and which readers load most of it.

    Args:
        weights: The model.
        corpus: The shipped one (None), a folder, a file, texts, token ids, or saved ``moments``.
        writers: Globs; constants are left out, since they do not vary.
        share: The fraction of a writer's variance that its region holds, above 0 and below 1.
        top: The number of readers to list for each region.
        directions: The number of directions of each region to decode.
        tokens: The number of tokens at which to stop adding documents.
        length: Tokens of a piece of text.
        progress: Called with the number of steps done and the total.

    Raises:
        NoSuchSite, BadRequest, BadPrompt, Undefined: A writer is unknown, the share is outside (0, 1), or the corpus is
            unusable.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> texts = ["the cat sat on the mat. the dog sat on the log.", "one two three one two three"]
        >>> memory = ls.memory_map(model, texts)
        >>> memory.regions[0].writer, memory.regions[0].rows.shape[1] == model.architecture.d_model
        ('embed', True)
    """
    if not 0 < share < 1:
        raise BadRequest(f"share={share}: expected a part of the variance above 0 and below 1, such as .9")
    whole_mlps(weights, "a memory map is drawn")
    network = wiring(weights)
    chosen = matching(network.writers, writers, network.writer)
    everyone = varying(weights)
    rows = [index for index, writer in enumerate(everyone) if writer in chosen]
    mapped = tuple(everyone[index] for index in rows)
    if not mapped:
        raise BadRequest(f"{', '.join(map(str, chosen))}: a constant does not vary, so it has no region; name others")
    kept = given_moments(weights, corpus, readers="*", tokens=tokens, length=length, progress=progress)
    every_region = regions(kept, everyone, share, {str(writer): directions for writer in mapped})
    loads = traffic(weights, kept, writers=[str(writer) for writer in mapped], progress=progress)["own"]
    follows = later(weights, everyone)[rows]
    compared = int(follows.sum())
    readers: list[str] = [str(reader) for reader in loads.reader.values]
    return MemoryMap(
        tuple(every_region[index] for index in rows),
        tuple(map(str, everyone)),
        overlaps([region.rows for region in every_region], weights.architecture.d_model).of(rows),
        follows,
        loads.values,
        tuple(readers),
        tuple(_loudest(readers, row, top) for row in loads.values),
        {
            "model": weights.name,
            "bos": weights.begins,
            "corpus": kept.corpus,
            "documents": kept.documents,
            "tokens": len(kept.tokens),
            "share_of_variance": share,
            "pairs": compared,
            "p_threshold": LEVEL / max(1, compared),
            "definition": DEFINITION.format(share=share),
        },
    )


def _loudest(readers: list[str], loads: np.ndarray, top: int) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-np.nan_to_num(loads, nan=-1.0), kind="stable")[:top]
    return tuple((readers[index], float(loads[index])) for index in order if loads[index] > 0)
