"""How much signal a wire carries on given tokens: the exact form, token by token, for Q, K and V wires.

With δq_i the part of q_i that the writer's store less its mean makes (the first position left out of the mean),

    traffic²(Q) = E_i Var_{j∼A_i}( δq_i · k_j /√d_head )       traffic²(K) the same with q_i · δk_j
    traffic²(V) = E_j ‖ δv_j W_O ‖²

On Q and K this is the variance of the change of scores that a softmax can see, in squared nats.
"""

from jaxtyping import Float
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.models.edits import Cut
from loadstore.models.trace import Trace
from loadstore.models.wiring import wiring
from loadstore.prompts.decomposition import deviations
from loadstore.sites import Reader


def reader_traffic(trace: Trace, reader: Reader | str) -> dict[str, float]:
    """Traffic of every wire into one side of a head. Raises Undefined for the unembedding and for cut runs."""
    reader = wiring(trace.weights).reader(reader)
    if reader.is_unembed or reader.is_mlp or any(isinstance(edit, Cut) for edit in trace.edits):
        raise Undefined("traffic is measured on the Q, K and V wires of a run without cuts")
    return {writer: traffic_of(trace, reader, change) for writer, change in deviations(trace, reader)}


def traffic_of(trace: Trace, reader: Reader, change: Float[Tensor, "batch token d_head"]) -> float:
    """Traffic of one wire whose part of q, k or v, less its mean, is ``change``."""
    layer = trace.record.layers[reader.layer]
    if reader.side == "V":
        stored = change @ trace.weights.head(reader.head).W_O
        return float(stored[:, 1:].square().sum(-1).mean().sqrt())
    scale = trace.weights.architecture.d_head**-0.5
    if reader.side == "Q":
        scores = change @ layer.k[:, :, reader.index].mT * scale
    else:
        scores = layer.q[:, :, reader.index] @ change.mT * scale
    pattern = layer.pattern[:, reader.index]
    mean = (pattern * scores).sum(-1, keepdim=True)
    return float((pattern * (scores - mean).square()).sum(-1).mean().sqrt())
