"""Estimates how much each wire matters for a task from a few gradients; circuits are cut from this ranking."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch

from loadstore.bounds import Within
from loadstore.circuits.at_tokens import at_places, place_names
from loadstore.circuits.context import Context, contexts
from loadstore.circuits.digests import digest
from loadstore.circuits.live import live
from loadstore.circuits.measured import ROUNDING
from loadstore.circuits.methods import Attributions, Method, attributions
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.reads import Norms
from loadstore.circuits.replaced import Ablation
from loadstore.circuits.task import Task
from loadstore.errors import BadRequest
from loadstore.model.mixture import HELD

if TYPE_CHECKING:
    import xarray as xr

Points = Annotated[int, Within(1, 1_000)]


def attribute(
    task: Task,
    *,
    method: Method = "mask",
    ablation: Ablation = "counterfactual",
    norms: Norms = "free",
    places: bool = False,
    points: Points = 5,
    tolerance: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> "xr.Dataset":
    """Attribute the effect of a task to wires, on the ``find`` pairs.

    Args:
        task: The task; its ``find`` pairs are used.
        method: ``"mask"`` integrates the gradient while the masks of all wires rise together from 0 to 1; ``"eap"``
            takes the gradient at the clean run, ``"eap-ig"`` its mean over interpolated embeddings.
        points: The number of gradients along the path.
        tolerance: For ``"mask"``: add gradients until the attributions miss at most this fraction of the total
            effect.
        ablation: The values of wires outside: the counterfactual run, or its mean over the pairs at each position.
        norms: ``"free"``: norms use the scales of each run; ``"frozen"``: those of the clean run.
        places: Also return the attributions at each named place of the task's templates, by the path of masks.
        progress: Called with the number of pairs done and the total.

    Returns:
        A Dataset over ``wire`` (coordinates ``writer``, ``reader``), live wires in depth order: ``attribution``, the
        mean over pairs of the absolute value, in units of the metric; ``signed``, the mean; ``standard_error`` of
        ``attribution``; with ``places`` also ``at_place`` [wire place], means over pairs. Attributes: ``total``, the
        mean effect m(all) − m(none); ``remainder``, the sum over pairs of |sum over wires − effect|, divided by the
        sum of |effect|.

    Raises:
        BadRequest: Zero ablation (an RMSNorm has no derivative there), a metric that does not change, or ``places``
            for pairs without named places.
        Undefined: The tolerance is not reached.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> task = ls.task(model, "induction", pairs=16)
        >>> ranked = ls.attribute(task, points=2)
        >>> ranked.sizes["wire"], ranked.attrs["method"]
        (529, 'mask')
    """
    ranked = attribute_pairs(task.find, task.name, method, points, tolerance, ablation, norms, progress)
    if places:
        ranked = ranked.assign(at_place=(("wire", "place"), _placed(task.find, points, ablation, norms)))
        ranked = ranked.assign_coords(place=list(place_names(task.find.places)))
    return ranked.assign_attrs(task_pairs=len(task.clean), seed=task.seed)


def _placed(pairs: Pairs, points: int, ablation: Ablation, norms: Norms) -> np.ndarray:
    """Mean attributions over pairs [wire, place]."""
    names = place_names(pairs.places)
    if not names:
        raise BadRequest("places=True: the pairs have no named places; those of generated tasks have")
    parts = [at_places(context, names, points) for context in contexts(pairs, ablation, norms)]
    return torch.stack(parts).double().sum(0).cpu()[live(pairs.model).exists].numpy() / len(pairs)


def attribute_pairs(
    pairs: Pairs,
    name: str,
    method: Method = "mask",
    points: int = 5,
    tolerance: float | None = None,
    ablation: Ablation = "counterfactual",
    norms: Norms = "free",
    progress: Callable[[int, int], None] | None = None,
) -> "xr.Dataset":
    """Like ``attribute``, for any pairs."""
    import xarray as xr

    if ablation == "zero":
        raise BadRequest("zero ablation has no derivative where an RMSNorm reads nothing; use counterfactual or mean")
    if tolerance is not None and not 0 < tolerance < 1:
        raise BadRequest(f"tolerance={tolerance}: expected a number between 0 and 1")
    sums = _Sums()
    for context in contexts(pairs, ablation, norms):
        sums.add(context, attributions(context, method, points, tolerance))
        if progress is not None:
            progress(sums.pairs, len(pairs))
    sums.check(pairs)
    wires = live(pairs.model)
    places = wires.exists.nonzero()
    writers, readers = (np.array([str(site) for site in sites]) for sites in (wires.writers, wires.readers))
    mean, square, signed = (
        each.cpu()[wires.exists].numpy() / len(pairs) for each in (sums.size, sums.square, sums.signed)
    )
    error = np.sqrt(np.maximum(square - mean**2, 0) / max(1, len(pairs) - 1))
    return xr.Dataset(
        {
            "attribution": ("wire", mean),
            "signed": ("wire", signed),
            "standard_error": ("wire", error if len(pairs) > 1 else np.full_like(error, np.nan)),
        },
        coords={"writer": ("wire", writers[places[:, 0]]), "reader": ("wire", readers[places[:, 1]])},
        attrs={
            "model": pairs.model.name,
            "model_digest": digest(pairs.model),
            "bos": pairs.model.begins,
            "task": name,
            "metric": str(pairs.metric),
            "pairs": len(pairs),
            "method": method,
            "points": points if tolerance is None else f"adaptive, {tolerance:g}",
            "ablation": ablation,
            "norms": norms,
            "total": sums.total / len(pairs),
            "remainder": sums.missing / sums.moved,
            "one_norm_for_heads": sorted(wires.together),
            "definition": "mean over pairs of |attribution|; signed: their mean (docs/circuits.md)"
            + ("" if pairs.model.architecture.experts is None else HELD),
        },
    )


class _Sums:
    """Attributions of tiles of pairs, added up in float64."""

    def __init__(self) -> None:
        self.size = self.square = self.signed = torch.zeros(())
        self.total = self.missing = self.moved = self.rounding = 0.0
        self.pairs = 0

    def add(self, context: Context, attributions: Attributions) -> None:
        wide = attributions.double()
        self.size = self.size + wide.abs().sum(0)
        self.square = self.square + wide.pow(2).sum(0)
        self.signed = self.signed + wide.sum(0)
        effect = (context.all - context.none).detach().double()
        self.total += float(effect.sum())
        self.moved += float(effect.abs().sum())
        size = (context.all.abs() + context.none.abs()).detach().double()
        self.rounding += ROUNDING * torch.finfo(context.all.dtype).eps * float(size.sum())
        self.missing += float((wide.sum((1, 2)) - effect).abs().sum())
        self.pairs += len(context.pairs)

    def check(self, pairs: Pairs) -> None:
        """Raise BadRequest if the metric is the same in the clean and the counterfactual runs."""
        if not self.moved > self.rounding:
            raise BadRequest(
                f"the metric ({pairs.metric}) is the same for clean and counterfactual prompts, so no wire can matter; "
                "give targets that the prompts decide between"
            )
