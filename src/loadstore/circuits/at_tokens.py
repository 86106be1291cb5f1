"""Attributions of wires at each token, and at each named place of a template (an address)."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.circuits.backward import gradients
from loadstore.circuits.context import Context
from loadstore.circuits.methods import run_at

AtTokens: TypeAlias = Float[Tensor, "batch writer reader token"]


def attributions_at_tokens(context: Context, points: int) -> AtTokens:
    """The attribution of each wire at each token of the reader's input, by the path of masks."""
    live, shape = context.live, context.pairs.clean.shape
    attributions = context.base.final.new_zeros(shape[0], *live.exists.shape, shape[1])
    nodes, shares = np.polynomial.legendre.leggauss(points)
    for node, share in zip(nodes, shares, strict=True):
        run = run_at(context, (float(node) + 1) / 2)
        for readers, gradient in gradients(run):
            before = live.before(readers[0].layer, readers[0].side)
            columns = [live.place_of_reader[reader] for reader in readers]
            product = torch.einsum("bwtd,brtd->bwrt", run.differences[:, :before], gradient)
            attributions[:, :before, columns, context.first :] += product * (float(share) / 2)
    return attributions


def place_names(places: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The names of all places, by first occurrence; () unless every pair has names."""
    return tuple(dict.fromkeys(name for names in places for name in names)) if all(places) else ()


def at_places(context: Context, names: Sequence[str], points: int) -> Float[Tensor, "writer reader place"]:
    """The sum over pairs of the attribution of each wire at each named place.

    Args:
        context: The pairs; each needs a name for every token.
        names: The places.
        points: The number of gradients along the path of masks.
    """
    at_tokens = attributions_at_tokens(context, points)
    attributions = at_tokens.new_zeros(*at_tokens.shape[1:3], len(names))
    index = {name: column for column, name in enumerate(names)}
    for row, own in enumerate(context.pairs.places):
        where = torch.tensor([index[name] for name in own], device=attributions.device)
        attributions.index_add_(2, where, at_tokens[row, :, :, : len(own)])
    return attributions
