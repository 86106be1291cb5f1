"""How far patterns move: total variation, a head's sink being one more key.

½ Σ_j |A_ij − A′_ij|  +  ½ |Σ_j A_ij − Σ_j A′_ij|      the second term is the sink's, 0 without one
"""

from jaxtyping import Float
from torch import Tensor

from loadstore.model.weights import Weights


def variation(
    weights: Weights, layer: int, before: Float[Tensor, "*any query key"], after: Float[Tensor, "*any query key"]
) -> Float[Tensor, "*any query"]:
    """Total variation between two patterns of one head of a layer, for every query."""
    change = before - after
    moved = change.abs().sum(-1)
    if weights.layers[layer].sinks is not None:
        moved = moved + change.sum(-1).abs()
    return 0.5 * moved
