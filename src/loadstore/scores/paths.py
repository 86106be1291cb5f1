"""Paths through several heads, and what a head does from position to position: weights alone, patterns left open.

    virtual head      W_OV¹ W_OV² …              what a token's store becomes when it is moved again and again
    full path         W_E W_OV¹ W_OV² … W_U      token that is attended to first × token that is promoted
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
from loadstore.scores.vocabulary import HeadName, accuracy, at_most_vocab, eigenvalue_score, embedded, unembedding
from loadstore.sites import POS, SIDES, Head, Reader, parse_head

if TYPE_CHECKING:
    import xarray as xr


def virtual_head(weights: Weights, heads: Sequence[HeadName], norms: Norms = "fold") -> Factored:
    """W_OV of heads in order, each reading on V what the one before stored: one factored map, d_head wide.

    Raises NoSuchSite, NoSuchWire where a head does not reach the next, BadRequest for none.
    """
    named = _in_order(weights, heads)
    product = ov(weights, named[0], norms)
    for head in named[1:]:
        product = product @ ov(weights, head, norms)
    return product


def full_path(weights: Weights, heads: Sequence[HeadName], norms: Norms = "fold") -> Factored:
    """W_E W_OV¹ W_OV² … W_U, W_U centred over the vocabulary; raises what ``virtual_head`` raises."""
    move = virtual_head(weights, heads, norms)
    return precise(Factored(embedded(weights, move.left), move.right @ unembedding(weights, norms)))


def path(
    weights: Weights, heads: Sequence[HeadName], *, norms: Norms = "fold", k: Sequence[int] = (1, 5)
) -> "xr.Dataset":
    """Whether a path through heads copies: Dataset over k, accuracy of the full path's diagonal, and eigenvalues.

    Args:
        weights: The model.
        heads: Heads in order of depth.
        norms: ``"fold"`` the norms into the matrices, or ``"ignore"`` them.
        k: As in ``copying``.

    Returns:
        What ``copying`` returns, and ``kept`` = ‖W_OV¹ W_OV² …‖/∏ ‖W_OV‖: of two heads the subspace score of the wire
        between them.

    Raises:
        NoSuchSite, NoSuchWire, BadRequest: Heads that are not there, or not connected in this order.

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
    """Scores from position to position, W_pos W_QK W_posᵀ/√d_head: dims query key; NaN where the mask forbids.

    Args:
        weights: The model.
        head: The head.
        norms: ``"fold"`` the norms into the matrices, or ``"ignore"`` them.

    Returns:
        The scores in nats: dims query key.

    Raises:
        NoSuchSite: No such head.
        Undefined: A model whose positions are not stored (rotary, none).

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
    return xr.DataArray(scores.masked_fill(~seen, torch.nan).numpy(), dims=("query", "key"), attrs=attrs)


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
