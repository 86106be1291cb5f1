"""The order of wires by attribution, and the number of wires for a given size."""

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from loadstore.circuits.connected import connected
from loadstore.circuits.digests import check_model
from loadstore.circuits.live import Live
from loadstore.errors import BadRequest
from loadstore.model.weights import Weights
from loadstore.quote import quote

if TYPE_CHECKING:
    import xarray as xr

RANKINGS = ("paths", "attribution", "signed", "positive")


class Ends(NamedTuple):
    """The writers and readers of wires, in depth order of the writers, and the layers with one norm for all heads."""

    writers: Sequence[str]
    readers: Sequence[str]
    together: Collection[int] = ()

    @staticmethod
    def of(wires: Live) -> "Ends":
        """The ends of all live wires."""
        rows, columns = (axis.tolist() for axis in wires.exists.nonzero().unbind(1))
        writers, readers = [str(writer) for writer in wires.writers], [str(reader) for reader in wires.readers]
        return Ends([writers[row] for row in rows], [readers[column] for column in columns], sorted(wires.together))


def count_of(size: float | int, wires: int) -> int:
    """The number of wires for a share or a count. Raises BadRequest."""
    if isinstance(size, bool) or not math.isfinite(size) or size <= 0:
        raise BadRequest(f"size={size}: expected a share of the wires (.01) or a count (100)")
    if isinstance(size, int):
        if size > wires:
            raise BadRequest(f"size={size}: the model has {wires:,} live wires")
        return size
    if size > 1:
        raise BadRequest(f"size={size}: a share is at most 1.0; a count is a whole number")
    return max(1, round(size * wires))


def ranking(ranked: "xr.Dataset", by: str = "paths") -> np.ndarray:
    """The indices of the wires, strongest first; ties in depth order.

    Args:
        ranked: The Dataset from ``attribute``.
        by: ``"paths"``: the mean over pairs of positive parts or that of negative parts, whichever is larger; a wire
            enters the order once it lies on a path from the embedding to the logits (circuits/connected.py).
            ``"attribution"``: the mean of absolute values. ``"signed"``: the absolute value of the mean, as in
            EAP-IG and MIB's CMD. ``"positive"``: the mean itself, as in MIB's CPR.

    Raises:
        BadRequest: ``by`` is unknown, or the Dataset is not from ``attribute``.
    """
    if by not in RANKINGS or "signed" not in ranked or "attribution" not in ranked:
        raise BadRequest(
            f"by={quote(repr(by), 60)}: expected one of {', '.join(RANKINGS)}, of a Dataset that ls.attribute returned"
        )
    ends = _ends(ranked) if by == "paths" else Ends([], [])
    return order_of(ranked.attribution.values, ranked.signed.values, ends, by)


def check_ranking(ranked: "xr.Dataset", weights: Weights) -> None:
    """Raise BadRequest unless a Dataset is from ``attribute``, and NotThisModel unless it is of this model."""
    if "attribution" not in ranked or "model_digest" not in ranked.attrs:
        raise BadRequest("ranked: expected a Dataset that ls.attribute returned")
    check_model(str(ranked.attrs.get("model")), ranked.attrs["model_digest"], weights)


def order_of(size: np.ndarray, signed: np.ndarray, ends: Ends, by: str) -> np.ndarray:
    """The indices of wires, strongest first, from the means over pairs of |attribution| and of attribution."""
    value = {"paths": size + np.abs(signed), "attribution": size, "signed": np.abs(signed), "positive": signed}[by]
    order = np.argsort(-value, kind="stable")
    return connected(order, ends.writers, ends.readers, ends.together) if by == "paths" else order


def _ends(ranked: "xr.Dataset") -> Ends:
    together = ranked.attrs.get("one_norm_for_heads", ())
    return Ends(ranked.writer.values.tolist(), ranked.reader.values.tolist(), together)


def mask_of_first(wires: Live, order: np.ndarray, count: int) -> Bool[Tensor, "writer reader"]:
    """The first ``count`` live wires of an order as a matrix."""
    mask = torch.zeros_like(wires.exists)
    rows, columns = wires.exists.nonzero()[torch.from_numpy(order[:count].copy())].unbind(1)
    mask[rows, columns] = True
    return mask
