"""Routers and experts of DeepSeek V2 and V3 and of GPT-OSS, block by block, against those of ``transformers``."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.experts import DEEPSEEK, routed
from loadstore.checkpoints.families.huggingface import Reader
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Experts, MlpLayer, Norm
from loadstore.model.mixture import Mixture
from loadstore.model.mlp import mlp_sum
from loadstore.model.mlp_facts import Mlp
from loadstore.model.routing import router_scores, routing

D, WIDTH, COUNT, SHARED = 16, 6, 8, 2 * 6
V3: dict[str, Any] = {"normalised": True, "scheme": "sigmoid", "judged_by": 2, "scale": 2.5}
V2: dict[str, Any] = {"normalised": False, "scale": 1.5}
CASES: dict[str, tuple[str, Mixture]] = {
    "V3": ("deepseek_v3", Mixture(COUNT, 3, WIDTH, groups=4, chosen_groups=2, **V3)),
    "V3, one group": ("deepseek_v3", Mixture(COUNT, 4, WIDTH, **V3)),
    "V3, not normalised": (
        "deepseek_v3",
        Mixture(COUNT, 2, WIDTH, groups=2, chosen_groups=1, **V3 | {"normalised": False}),
    ),
    "V2": ("deepseek_v2", Mixture(COUNT, 3, WIDTH, groups=4, chosen_groups=2, **V2)),
    "V2, greedy": ("deepseek_v2", Mixture(COUNT, 2, WIDTH, **V2)),
    "GPT-OSS": ("gpt_oss", Mixture(COUNT, 3, WIDTH, normalised=True)),
}


def block_of(kind: str, mixture: Mixture) -> nn.Module:
    """The reference's MLP with experts and random weights; buffers are random too."""
    from transformers import AutoConfig
    from transformers.models.deepseek_v2.modeling_deepseek_v2 import DeepseekV2Moe
    from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3MoE
    from transformers.models.gpt_oss.modeling_gpt_oss import GptOssMLP

    facts: dict[str, Any] = {"hidden_size": D, "num_attention_heads": 2, "num_experts_per_tok": mixture.chosen}
    if kind == "gpt_oss":
        facts |= {"num_local_experts": COUNT, "intermediate_size": WIDTH}
    else:
        facts |= {"n_routed_experts": COUNT, "moe_intermediate_size": WIDTH, "n_shared_experts": SHARED // WIDTH}
        facts |= {"n_group": mixture.groups, "topk_group": mixture.chosen_groups, "norm_topk_prob": mixture.normalised}
        facts |= {"routed_scaling_factor": mixture.scale}
        facts |= {"topk_method": "group_limited_greedy" if mixture.groups > 1 else "greedy"}
    config = AutoConfig.for_model(kind, **facts)
    config._experts_implementation = "eager"
    block = {"deepseek_v2": DeepseekV2Moe, "deepseek_v3": DeepseekV3MoE, "gpt_oss": GptOssMLP}[kind](config).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in block.state_dict().values():
            tensor.copy_(torch.randn(tensor.shape, generator=generator, dtype=torch.float64) * 0.7)
    return block


def ours(kind: str, block: nn.Module, shape: Architecture) -> MlpLayer:
    """The same MLP as loadstore reads it."""
    norm = Norm(centres=False)
    tensors = {f"layers.0.mlp.{name}": tensor for name, tensor in block.state_dict().items()}
    if kind == "gpt_oss":
        return of_gpt_oss({name.removeprefix("layers.0.mlp."): tensor for name, tensor in tensors.items()}, norm)
    named = DEEPSEEK if kind == "deepseek_v3" else replace(DEEPSEEK, choice="")
    read = Reader(Checkpoint(Path("m.safetensors"), tensors, {}, None), "model.")
    mlp = routed(read, "layers.0.", shape, norm, named)
    read.finish("nothing")
    return mlp


def of_gpt_oss(tensors: dict[str, Tensor], norm: Norm) -> MlpLayer:
    """Gate and linear part take turns, and matrices are stored as rows are multiplied."""
    inputs, biases = tensors["experts.gate_up_proj"], tensors["experts.gate_up_proj_bias"]
    stored = [
        MlpLayer(
            W_in=inputs[index, :, 1::2],
            W_gate=inputs[index, :, ::2],
            W_out=tensors["experts.down_proj"][index],
            b_in=biases[index, 1::2],
            b_gate=biases[index, ::2],
            b_out=tensors["experts.down_proj_bias"][index],
        )
        for index in range(COUNT)
    ]
    experts = Experts(tensors["router.weight"].mT, tuple(stored), b_router=tensors["router.bias"])
    none = experts.W_router[:, :0]
    return MlpLayer(W_in=none, W_gate=none, W_out=none.mT, norm=norm, experts=experts)


@pytest.mark.parametrize("name", CASES)
def test_a_block_stores_what_that_of_the_reference_stores(name: str) -> None:
    kind, mixture = CASES[name]
    oss = kind == "gpt_oss"
    facts = {"slope": 1.702, "clip": 7.0} if oss else {}
    mlp = Mlp(COUNT * WIDTH + (0 if oss else SHARED), gated=True, activation="silu", **facts)
    shape = Architecture(1, 1, D, 2, 5, 8, "none", mlp=mlp, experts=mixture)
    block = block_of(kind, mixture)
    layer = ours(kind, block, shape)
    x = torch.randn(2, 9, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2
    with torch.no_grad():
        expected = block(x)
    stored = mlp_sum(x, layer, shape)
    near = 1e-10 if oss else 1e-4  # routers of DeepSeek are in float32
    torch.testing.assert_close(stored, expected[0] if oss else expected, rtol=near, atol=near)
    assert layer.experts is not None
    weights = routing(router_scores(x, layer.experts), layer.experts, mixture)
    assert ((weights != 0).sum(-1) == mixture.chosen).all()
    assert len(weights.flatten(0, 1).argmax(-1).unique()) > 3
