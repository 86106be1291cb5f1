"""Experts in loadstore's own layout."""

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.own_norms import optional
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Experts, MlpLayer


def read_experts(checkpoint: Checkpoint, shape: Architecture, layer: int) -> Experts | None:
    """The experts of one layer, None where the architecture has none. Raises BadCheckpoint."""
    mixture = shape.experts_of(layer)
    if mixture is None or shape.mlp is None:
        return None
    d, width, gated = shape.d_model, mixture.width, shape.mlp.gated
    at = f"layers.{layer}.mlp.experts."

    def expert(index: int) -> MlpLayer:
        return MlpLayer(
            W_in=checkpoint.take(f"{at}{index}.W_in", d, width),
            W_out=checkpoint.take(f"{at}{index}.W_out", width, d),
            W_gate=checkpoint.take(f"{at}{index}.W_gate", d, width) if gated else None,
            b_in=optional(checkpoint, f"{at}{index}.b_in", width),
            b_gate=optional(checkpoint, f"{at}{index}.b_gate", width),
            b_out=optional(checkpoint, f"{at}{index}.b_out", d),
        )

    return Experts(
        checkpoint.take(f"{at}W_router", d, mixture.count),
        tuple(expert(index) for index in range(mixture.count)),
        optional(checkpoint, f"{at}W_shared", d, 1),
        b_router=optional(checkpoint, f"{at}b_router", mixture.count),
        b_choice=optional(checkpoint, f"{at}b_choice", mixture.count),
    )
