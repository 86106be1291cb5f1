"""The moments that an analysis works on: those of a corpus, or the ones that the caller has measured already."""

from collections.abc import Sequence
from typing import TypeAlias

from loadstore.checkpoints.digest import digest_of
from loadstore.corpora.corpus import DEFAULT, Source
from loadstore.errors import BadRequest
from loadstore.model.weights import Weights
from loadstore.progress import Progress
from loadstore.wire_traffic.moments import Moments, moments

Corpora: TypeAlias = Source | Moments | None


def given_moments(
    weights: Weights,
    corpus: Corpora,
    *,
    readers: str | Sequence[str] = "*",
    tokens: int | None = None,
    length: int | None = None,
    progress: Progress | None = None,
) -> Moments:
    """Run a corpus (None: the shipped one), or return the moments given.

    Raises:
        BadRequest, BadPrompt, Undefined: The moments are those of other weights, or the errors of
            ``ls.statistics.moments`` and of the corpus.
    """
    if isinstance(corpus, Moments):
        measured = corpus.weights
        if measured.experts_as_sites != weights.experts_as_sites:
            raise BadRequest(
                f"the moments are those of other sites: experts of {measured.name} are sites in one of the two models "
                "only; measure them on this model, with ls.statistics.moments(model)"
            )
        if measured is not weights and digest_of(measured) != digest_of(weights):
            raise BadRequest(
                f"the moments are those of other weights ({measured.name}) than the model ({weights.name}); measure "
                "them on this model, with ls.statistics.moments(model)"
            )
        return corpus
    source = DEFAULT if corpus is None else corpus
    return moments(weights, source, readers=readers, tokens=tokens, length=length, progress=progress)
