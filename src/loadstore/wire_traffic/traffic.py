"""The traffic of wires: how much signal each carries on a corpus.

Let δ be the part of q, k or v from a writer's store minus its mean (means exclude the first position):

    traffic²(Q) = E_i Var_{j∼A_i}( δq_i · k_j /√d_head )       traffic²(K) the same with q_i · δk_j
    traffic²(V) = E_j ‖ δv_j W_O ‖²        MLP: E ‖δ W_in‖²    unembedding: E ‖δ W_U‖², W_U centred

On Q and K this is the variance of the change of scores, as softmax sees it, in squared nats. The factorised form is
tr(Σ_w b), exact if the writer is independent of the other side. Derivation: docs/traffic.md.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from loadstore.corpora.corpus import Source
from loadstore.execution.attention import overflow
from loadstore.model.globs import matching
from loadstore.model.opened import counted
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.sites import Reader, Writer
from loadstore.wire_traffic.exact import exact as token_by_token
from loadstore.wire_traffic.factorised import factorised
from loadstore.wire_traffic.given import given_moments
from loadstore.wire_traffic.moments import Moments

if TYPE_CHECKING:
    import xarray as xr

FACTORISED = (
    "traffic = sqrt(tr(Sigma_w b)), factorised: on Q and K the correlation of a writer's stores with the other side "
    "at the same token is neglected"
)
EXACT = "traffic token by token, exact"


def traffic(
    weights: Weights,
    corpus: "Source | Moments" = "default",
    *,
    writers: str | Sequence[str] = "*",
    readers: str | Sequence[str] = "*",
    exact: bool = False,
    tokens: int | None = None,
    length: int | None = None,
    progress: Progress | None = None,
) -> "xr.Dataset":
    """Traffic of every wire on a corpus: Dataset over (writer, reader) with traffic, share, own and standard_error.

    Args:
        weights: The model.
        corpus: The shipped corpus, a folder, a file, texts, token ids, or a result of ``moments``.
        writers: Globs of writers.
        readers: Globs of readers.
        exact: Compute Q and K token by token (slower; V, MLPs and the unembedding are exact already).
        tokens: Read at most this many tokens of the corpus.
        length: The length of a piece, in tokens.
        progress: Called with (done, total) counts.

    Returns:
        ``traffic`` in nats on Q and K, in units of the stream on V, of an MLP's hidden units, of logits at the
        unembedding. ``share`` = tr(Cov(u_w, x) b)/tr(Σ_x b), where x is the reader's whole input: signed, sums to 1
        over writers. ``own`` = tr(Σ_w b)/tr(Σ_x b). ``standard_error`` of traffic, over documents (32 groups of them if
        there are more), to first order; NaN for a single document. A pair without a wire is NaN; a constant carries 0.

    Raises:
        NoSuchSite, BadRequest, BadPrompt, Undefined: Globs match nothing, or the corpus cannot be read or measured.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> texts = ["the cat sat on the mat. the dog sat on the log.", "one two three one two three"]
        >>> traffic = ls.traffic(model, texts, readers="L1.H4.K")
        >>> traffic.traffic.dims
        ('writer', 'reader')
    """
    import xarray as xr

    network = wiring(weights)
    sources = matching(network.writers, writers, network.writer)
    targets = matching(network.readers, readers, network.reader)
    kept = given_moments(weights, corpus, readers=readers, tokens=tokens, length=length, progress=progress)
    measured = factorised(kept, sources, targets, progress)
    if exact:
        measured = token_by_token(kept, sources, targets, measured, progress)
    _refuse_overflow(measured["theta"], network.between(sources, targets), sources, targets, weights)
    load, groups = np.sqrt(np.clip(measured["theta"], 0, None)), kept.groups
    spread = np.sqrt(np.square(measured["pull"]).sum(0) * groups / max(1, groups - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {
            "traffic": load,
            "share": measured["cross"] / measured["total"],
            "own": measured["theta"] / measured["total"],
            "standard_error": np.where(load > 0, spread / (2 * load), spread) if groups > 1 else load * np.nan,
        }
    return xr.Dataset(
        {name: (("writer", "reader"), value) for name, value in values.items()},
        coords={"writer": [str(w) for w in sources], "reader": [str(r) for r in targets]},
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "corpus": kept.corpus,
            "documents": kept.documents,
            "tokens": len(kept.tokens),
            "definition": (EXACT if exact else FACTORISED) + counted(weights),
        },
    )


def _refuse_overflow(
    squared: np.ndarray, exists: np.ndarray, writers: Sequence[Writer], readers: Sequence[Reader], model: Weights
) -> None:
    """Raise Undefined if the squared traffic of an existing wire is not finite."""
    bad = np.argwhere(exists & ~np.isfinite(squared))
    if len(bad):
        row, column = bad[0]
        raise overflow(model.dtype, f"in the traffic of {writers[row]} → {readers[column]}")
