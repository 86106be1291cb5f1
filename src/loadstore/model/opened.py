"""MLPs whose experts are sites: what each of them stores, when each may load a stream of its own."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.model.architecture import Architecture
from loadstore.model.layers import MlpLayer
from loadstore.model.mixture import EVERY
from loadstore.model.mlp import expert_store, shared_store, used_experts
from loadstore.model.routing import router_scores, routing
from loadstore.model.weights import Weights
from loadstore.model.wiring import mlp_sites
from loadstore.sites import Reader

Loaded: TypeAlias = Callable[[Reader], Float[Tensor, "batch token d_model"]]


class Opened(NamedTuple):
    """What the sites of one MLP store, in the order of the wiring, and the scores and weights of its experts."""

    stored: Float[Tensor, "batch token writer d_model"]
    scores: Float[Tensor, "batch token expert"]
    weights: Float[Tensor, "batch token expert"]


def is_opened(weights: Weights, layer: int) -> bool:
    """Whether the experts of a layer are sites of their own."""
    return layer in weights.experts_as_sites


def opened_store(shape: Architecture, layer: int, mlp: MlpLayer, loaded: Loaded) -> Opened:
    """What experts and shared units store, each from what it loads; ``loaded``: the normed input of each reader."""
    assert mlp.experts is not None
    assert shape.experts is not None
    x = loaded(Reader(layer, -1, "router"))
    scores = router_scores(x, mlp.experts)
    weights, nothing = routing(scores, mlp.experts, shape.experts), torch.zeros_like(x)
    used = set(used_experts(weights))
    stored = [
        expert_store(loaded(Reader(layer, index, "expert")), index, mlp, shape, weights, onto=nothing)
        if index in used
        else nothing
        for index in range(len(mlp.experts))
    ]
    if shape.shared_width:
        stored.append(shared_store(loaded(Reader(layer, -1, "shared")), mlp, shape))
    return Opened(torch.stack(stored, 2), scores, weights)


def place_of(weights: Weights, reader: Reader) -> int | None:
    """Which store of ``opened_store`` an expert or the shared units make; None for the router, which makes none."""
    sites = mlp_sites(weights, reader.layer)[0]
    return next((at for at, site in enumerate(sites) if (site.kind, site.index) == (reader.side, reader.index)), None)


def counted(weights: Weights) -> str:
    """How a definition of numbers of wires counts experts; empty for a model without experts."""
    opened = weights.experts_as_sites
    sites = f"; experts are sites in {', '.join(f'L{layer}' for layer in opened)}" if opened else ""
    return "" if weights.architecture.experts is None else EVERY + sites


def whole_mlps(weights: Weights, what: str) -> None:
    """Raise Undefined if experts are sites, for an analysis that knows MLPs as a whole only."""
    if weights.experts_as_sites:
        raise Undefined(
            f"{what} for MLPs as a whole, and experts of {weights.name} are sites; use the model as it was loaded, "
            "or with_experts([])"
        )
