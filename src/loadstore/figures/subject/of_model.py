"""Results that depend on a model alone, each computed once for report, notebook and explorer."""

from typing import TYPE_CHECKING

from loadstore.circuits.program import roles_of
from loadstore.figures.subject.results import results_of
from loadstore.heads.roles import head_roles
from loadstore.model.weights import Weights
from loadstore.progress import Progress
from loadstore.scores.scores import subspace_scores

if TYPE_CHECKING:
    import xarray as xr


def roles(weights: Weights) -> "xr.Dataset":
    """Role scores of all heads on random repeats."""
    return results_of(weights).once("roles", lambda: head_roles(weights))


def role_names(weights: Weights) -> dict[str, str]:
    """The strongest role of each head that has one, by the head's name."""
    return results_of(weights).once("role names", lambda: roles_of(weights))


def scores(weights: Weights, progress: Progress | None = None) -> "xr.Dataset":
    """Subspace scores of all wires."""
    return results_of(weights).once("scores", lambda: subspace_scores(weights, progress=progress))
