"""GPT-OSS: attention sinks, windows in every other layer, YaRN, and experts with biases and a clipped activation."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import layer_of, two_norms
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.experts import stacked
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import score_scale, turns_of
from loadstore.checkpoints.families.routed_key_tables import GPT_OSS
from loadstore.checkpoints.families.scaling import FULL, SLIDING, Names
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Experts, Layer, MlpLayer, Norm
from loadstore.model.mixture import Mixture
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights

KEYS = {"gpt_oss": GPT_OSS}
TYPES = tuple(KEYS)
NAMES = Names("rope_theta", "partial_rotary_factor", 1.0, partial=False, usual_base=150_000.0)
ROPE = {
    **{"rope_type": "yarn", "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": False},
    "original_max_position_embeddings": 4096,
}


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["gpt_oss"])
    if facts.config["rope_parameters"] is None and not facts.config.get("rope_scaling"):
        facts = replace(facts, config={**facts.config, "rope_parameters": ROPE})
    d, d_head, n_layers = facts.whole("hidden_size"), facts.whole("head_dim"), facts.whole("num_hidden_layers")
    kinds = facts.layers(n_layers, (FULL, SLIDING)) or [(SLIDING, FULL)[layer % 2] for layer in range(n_layers)]
    window = facts.whole("sliding_window") if SLIDING in kinds else None
    rotary, strength = turns_of(facts, d_head, NAMES)
    count, width = facts.whole("num_local_experts"), facts.whole("intermediate_size")
    alpha, limit = facts.number("swiglu_alpha"), facts.number("swiglu_limit")
    shape = architecture(
        facts,
        d_head,
        gated=True,
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=rotary,
        windows=None if window is None else tuple(window if kind == SLIDING else None for kind in kinds),
        score_scale=score_scale(d_head, strength),
        mlp=Mlp(count * width, gated=True, activation="silu", slope=alpha, clip=limit),
        experts=Mixture(count, facts.whole("num_experts_per_tok"), width, normalised=True),
    )
    layer = partial(_layer, shape, biased=facts.flag("attention_bias"))
    return decoder(checkpoint, facts, shape, layer, lambda read: read.norm("norm", d, centres=False))


def _layer(shape: Architecture, read: Reader, at: str, *, biased: bool) -> Layer:
    norm, after = two_norms(read, at, shape, centres=False)
    mlp = _mlp(read, f"{at}mlp.", shape, after)
    layer = layer_of(read, f"{at}self_attn.", shape, norm, mlp, inputs=biased, output=biased)
    return replace(layer, sinks=read(f"{at}self_attn.sinks", shape.n_heads))


def _mlp(read: Reader, at: str, shape: Architecture, norm: Norm) -> MlpLayer:
    assert shape.experts is not None
    count = shape.experts.count
    whole = read.has(f"{at}experts.gate_up_proj")
    expert = _alternating(read, at, shape) if whole else stacked(read, at, shape, biased=True)
    W_router = read(f"{at}router.weight", count, shape.d_model).mT
    stored = tuple(expert(index) for index in range(count))
    experts = Experts(W_router, stored, b_router=read(f"{at}router.bias", count))
    return MlpLayer(W_router[:, :0], W_router[:, :0].mT, W_router[:, :0], norm=norm, experts=experts)


def _alternating(read: Reader, at: str, shape: Architecture) -> Callable[[int], MlpLayer]:
    """An expert by its number, from four tensors of all, in which columns of gate and input alternate."""
    assert shape.experts is not None
    d, count, width = shape.d_model, shape.experts.count, shape.experts.width
    inputs = read(f"{at}experts.gate_up_proj", count, d, 2 * width)
    b_in = read(f"{at}experts.gate_up_proj_bias", count, 2 * width)
    outputs, b_out = read(f"{at}experts.down_proj", count, width, d), read(f"{at}experts.down_proj_bias", count, d)
    return lambda e: MlpLayer(inputs[e, :, 1::2], outputs[e], inputs[e, :, ::2], b_in[e, 1::2], b_in[e, ::2], b_out[e])
