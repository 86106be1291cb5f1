"""Paths through several heads, and a head's positional scores, from the weights alone, with patterns left open.

    virtual head      W_OV¹ W_OV² …              map of a token's store that several heads move in turn
    full path         W_E W_OV¹ W_OV² … W_U      first attended token × promoted token
    positional QK     W_pos W_QK W_posᵀ /√d_head position of the query × position of the key

Norms are folded as everywhere. Source: Elhage et al. 2021 (virtual attention heads).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from loadstore.errors import BadRequest, Undefined
from loadstore.linear.factored import Factored
from loadstore.model.ports import Norms, PosWriting, ov, reading
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.scores.moved import texts
from loadstore.scores.options import as_norms
from loadstore.scores.streaming import precise, strongest_entries
from loadstore.scores.vocabulary import HeadName, accuracy, at_most_vocab, eigenvalue_score, embedded, promoted
from loadstore.sites import POS, SIDES, Head, Reader, parse_head

if TYPE_CHECKING:
    import xarray as xr


def virtual_head(weights: Weights, heads: Sequence[HeadName], norms: Norms = "fold") -> Factored:
    """The product of the heads' W_OV in order, each head reading the previous one's store on V; factored, d_head wide.

    Raises NoSuchSite, NoSuchWire if a head does not reach the next, BadRequest for an empty path.
    """
    named = _in_order(weights, heads)
    product = ov(weights, named[0], norms)
    for head in named[1:]:
        product = product @ ov(weights, head, norms)
    return product


def full_path(weights: Weights, heads: Sequence[HeadName], norms: Norms = "fold") -> Factored:
    """W_E W_OV¹ W_OV² … W_U, with W_U centred over the vocabulary. Raises the same errors as ``virtual_head``."""
    move = virtual_head(weights, heads, norms)
    return precise(Factored(embedded(weights, move.left), promoted(weights, move.right, norms)))


def path(
    weights: Weights, heads: Sequence[HeadName], *, norms: Norms = "fold", k: Sequence[int] = (1, 5)
) -> "xr.Dataset":
    """Test whether a path through heads copies: accuracy of the full path's diagonal over k, and eigenvalues.

    Args:
        weights: The model.
        heads: Heads in order of depth.
        norms: ``"fold"`` folds the norms into the matrices, ``"ignore"`` omits them.
        k: As in ``copying``.

    Returns:
        The result of ``copying``, and ``kept`` = ‖W_OV¹ W_OV² …‖/∏ ‖W_OV‖. For two heads, ``kept`` is the subspace
        score of the wire between them.

    Raises:
        NoSuchSite, NoSuchWire, BadRequest: Heads do not exist, or are not connected in this order.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> ls.vocabulary.path(model, ["L0.H7", "L1.H4"]).accuracy.dims
        ('k',)
    """
    norms = as_norms(norms)
    named = _in_order(weights, heads)
    circuit = full_path(weights, named, norms)
    sizes = [float(_double(ov(weights, head, norms)).norm()) for head in named]
    whole, most = float(_double(virtual_head(weights, named, norms)).norm()), float(np.prod(sizes))
    path_name = " → ".join(map(str, named))
    return (
        accuracy(weights, {"": circuit}, k, circuit, "share of tokens whose own logit is among the k largest")
        .assign(eigenvalue_score=eigenvalue_score(circuit), kept=whole / most if most > 0 else float("nan"))
        .assign_attrs(heads=path_name, norms=norms, title=f"Copying along {path_name}")
    )


def positional_qk(weights: Weights, head: HeadName, *, norms: Norms = "fold") -> "xr.DataArray":
    """Scores from position to position, W_pos W_QK W_posᵀ/√d_head: dims query key; NaN at masked pairs.

    Args:
        weights: The model.
        head: The head.
        norms: ``"fold"`` folds the norms into the matrices, ``"ignore"`` omits them.

    Returns:
        The scores in nats: dims query key.

    Raises:
        NoSuchSite: The head does not exist.
        Undefined: The model does not store positions (rotary, alibi, none).

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> scores = ls.vocabulary.positional_qk(model, "L0.H7")
        >>> int(scores.isel(query=20).argmax())
        19
    """
    import xarray as xr

    head = weights.architecture.check(parse_head(head), weights.name)
    if not weights.architecture.has_pos:
        raise Undefined(
            f"{weights.name} has {weights.architecture.positions} positions, which no writer stores: there is no W_pos"
        )
    pos = PosWriting(weights, POS)
    positions = pos.map().double()
    query, key = (
        positions @ side.folded(as_norms(norms), bypassing=pos.bypasses_norm).double()
        for side in (reading(weights, Reader(head.layer, head.index, name)) for name in SIDES[:2])
    )
    scores = (query @ key.mT * weights.architecture.attention_scale).cpu()
    count, window = len(scores), weights.architecture.window(head.layer)
    seen = torch.ones(count, count, dtype=torch.bool).tril()
    seen = seen if window is None else seen & torch.ones(count, count, dtype=torch.bool).triu(1 - window)
    attrs = {"head": str(head), "units": "nats", "model": weights.name}
    return xr.DataArray(scores.masked_fill(~seen, torch.nan).cpu().numpy(), dims=("query", "key"), attrs=attrs)


def entries(weights: Weights, circuit: Factored, top: int = 10) -> "xr.Dataset":
    """The largest entries of a vocabulary map with their tokens: Dataset over place, largest first."""
    import xarray as xr

    value, row, column = strongest_entries(circuit, at_most_vocab(weights, top, "top"))
    return xr.Dataset(
        {
            "value": ("place", value.cpu().numpy()),
            "row": ("place", row.cpu().numpy()),
            "column": ("place", column.cpu().numpy()),
            "row_text": ("place", texts(weights, row.tolist())),
            "column_text": ("place", texts(weights, column.tolist())),
        },
        coords={"place": np.arange(1, top + 1)},
    )


def _in_order(weights: Weights, heads: Sequence[HeadName]) -> list[Head]:
    if isinstance(heads, str) or not heads:
        raise BadRequest("a path is a list of heads in order, such as ['L0.H7', 'L1.H4']")
    named = [weights.architecture.check(parse_head(head), weights.name) for head in heads]
    for earlier, other in pairwise(named):
        wiring(weights).wire(str(earlier), Reader(other.layer, other.index, "V"))
    return named


def _double(matrix: Factored) -> Factored:
    return Factored(matrix.left.double(), matrix.right.double())
