"""MLPs with experts: tensors of each expert, or of all, as live models of ``transformers`` and GGUF have."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from loadstore.checkpoints.families.attention import gated
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Experts, MlpLayer, Norm
from loadstore.model.mixture import Mixture
from loadstore.model.mlp_facts import Mlp


@dataclass(frozen=True)
class Named:
    """The names of the tensors of an MLP with experts.

    ``at`` stands before the experts of a layer; ``gate``, ``up`` and ``down`` are an expert's matrices; ``router`` is
    the router. ``shared`` stands before the units that every token uses, and ``shared_gate`` is their gate, empty
    where they have none. ``choice`` is the bias that only chooses, empty where there is none.
    """

    at: str = "mlp."
    gate: str = "gate_proj"
    up: str = "up_proj"
    down: str = "down_proj"
    router: str = "gate"
    shared: str = "shared_expert."
    shared_gate: str = "shared_expert_gate"
    choice: str = ""


QWEN = Named()
MIXTRAL = Named("block_sparse_moe.", "w1", "w3", "w2")
DEEPSEEK = Named(shared="shared_experts.", shared_gate="", choice="gate.e_score_correction_bias")


def with_experts(facts: Facts, mixture: Mixture, shared: int = 0) -> Mlp:
    """The MLP of every layer; ``shared``: the number of units that every token uses."""
    width = mixture.count * mixture.width + shared
    return Mlp(width, gated=True, activation=facts.activation("hidden_act"))


def mlp_of(read: Reader, at: str, shape: Architecture, norm: Norm, named: Named = QWEN) -> MlpLayer:
    """The MLP of one layer: ``routed`` where it has experts, else the gated MLP of Llama.

    Args:
        read: The file.
        at: The layer, such as ``layers.0.``.
        shape: The architecture, whose mixture says which layers have experts.
        norm: The norm before the MLP.
        named: How a file calls the tensors of an MLP with experts.
    """
    layer = int(at.split(".")[-2])
    if shape.experts_of(layer) is None:
        return gated(read, f"{at}mlp.", shape, norm, width=shape.plain_width(layer))
    return routed(read, at, shape, norm, named)


def routed(read: Reader, at: str, shape: Architecture, norm: Norm, named: Named = QWEN) -> MlpLayer:
    """The experts, the router and, where there are any, the units that every token uses; arguments as in ``mlp_of``."""
    assert shape.experts is not None
    d, count, usual = shape.d_model, shape.experts.count, f"{at}{QWEN.at}"
    if read.has(f"{usual}experts.gate_up_proj"):
        inside, expert = usual, _sliced(read, usual, shape)
    elif read.has(f"{usual}experts.gate_proj.weight"):
        inside, expert = usual, stacked(read, usual, shape)
    else:
        inside = f"{at}{named.at}"
        expert = _single(read, inside, shape, named)
    W_router = read(f"{inside}{named.router}.weight", count, d).mT
    b_choice = read(f"{inside}{named.choice}", count) if named.choice else None
    experts = Experts(W_router, tuple(expert(index) for index in range(count)), b_choice=b_choice)
    if not shape.shared_width:
        none = W_router[:, :0]
        return MlpLayer(W_in=none, W_gate=none, W_out=none.mT, norm=norm, experts=experts)
    if named.shared_gate:
        experts = replace(experts, W_shared=read(f"{inside}{named.shared_gate}.weight", 1, d).mT)
    return gated(read, f"{inside}{named.shared}", shape, norm, experts=experts)


def _single(read: Reader, at: str, shape: Architecture, named: Named) -> Callable[[int], MlpLayer]:
    assert shape.experts is not None
    d, width = shape.d_model, shape.experts.width

    def matrix(index: int, name: str, *size: int) -> Tensor:
        return read(f"{at}experts.{index}.{name}.weight", *size).mT

    return lambda index: MlpLayer(
        W_in=matrix(index, named.up, width, d),
        W_gate=matrix(index, named.gate, width, d),
        W_out=matrix(index, named.down, d, width),
    )


def _sliced(read: Reader, at: str, shape: Architecture) -> Callable[[int], MlpLayer]:
    assert shape.experts is not None
    d, count, width = shape.d_model, shape.experts.count, shape.experts.width
    inputs = read(f"{at}experts.gate_up_proj", count, 2 * width, d).mT
    outputs = read(f"{at}experts.down_proj", count, d, width).mT
    return lambda index: MlpLayer(W_in=inputs[index, :, width:], W_gate=inputs[index, :, :width], W_out=outputs[index])


def stacked(read: Reader, at: str, shape: Architecture, *, biased: bool = False) -> Callable[[int], MlpLayer]:
    """An expert by its number, from three tensors of all experts, as GGUF stores them; ``at``: before ``experts``."""
    assert shape.experts is not None
    d, count, width = shape.d_model, shape.experts.count, shape.experts.width
    sizes = {"gate_proj": (width, d), "up_proj": (width, d), "down_proj": (d, width)}
    gate, up, down = (read(f"{at}experts.{name}.weight", count, *size).mT for name, size in sizes.items())
    if not biased:
        return lambda index: MlpLayer(W_in=up[index], W_gate=gate[index], W_out=down[index])
    b_gate, b_up, b_down = (read(f"{at}experts.{name}.bias", count, size[0]) for name, size in sizes.items())
    return lambda index: MlpLayer(
        W_in=up[index],
        W_gate=gate[index],
        W_out=down[index],
        b_in=b_up[index],
        b_gate=b_gate[index],
        b_out=b_down[index],
    )
