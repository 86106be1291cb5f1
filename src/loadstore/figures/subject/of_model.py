"""Results that depend on a model alone, each computed once for report, notebook and explorer."""

from dataclasses import replace
from typing import TYPE_CHECKING

from loadstore.figures.subject.results import results_of
from loadstore.model.weights import Weights
from loadstore.progress import Progress
from loadstore.scores.scores import subspace_scores

if TYPE_CHECKING:
    import xarray as xr


def scores(weights: Weights, progress: Progress | None = None) -> "xr.Dataset":
    """Subspace scores of all wires."""
    return results_of(weights).once("scores", lambda: subspace_scores(weights, progress=progress))


def negated(weights: Weights) -> Weights:
    """The same model with W_pos negated, or W_E if it has none."""
    if weights.W_pos is None:
        return replace(weights, W_E=-weights.W_E)
    return replace(weights, W_pos=-weights.W_pos)
