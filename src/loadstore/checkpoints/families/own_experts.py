"""Experts in loadstore's own layout."""

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.own_norms import optional
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Experts, MlpLayer


def read_experts(checkpoint: Checkpoint, shape: Architecture, prefix: str) -> Experts | None:
    """The experts of one layer, None where the architecture has none. Raises BadCheckpoint."""
    if shape.experts is None or shape.mlp is None:
        return None
    d, width, gated = shape.d_model, shape.experts.width, shape.mlp.gated
    at = f"{prefix}mlp.experts."

    def expert(index: int) -> MlpLayer:
        return MlpLayer(
            W_in=checkpoint.take(f"{at}{index}.W_in", d, width),
            W_out=checkpoint.take(f"{at}{index}.W_out", width, d),
            W_gate=checkpoint.take(f"{at}{index}.W_gate", d, width) if gated else None,
        )

    return Experts(
        checkpoint.take(f"{at}W_router", d, shape.experts.count),
        tuple(expert(index) for index in range(shape.experts.count)),
        optional(checkpoint, f"{at}W_shared", d, 1),
    )
