"""Qwen 2 and 3 with experts, in all layers or in some. In Qwen 2 some units are used by every token, behind a gate."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import layer_of, two_norms
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.expert_key_tables import QWEN2_MOE, QWEN3_MOE
from loadstore.checkpoints.families.experts import mlp_of, with_experts
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import WHOLE, head_of, rotary_of
from loadstore.checkpoints.families.scaling import FULL, SLIDING
from loadstore.errors import BadCheckpoint
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer, Norm
from loadstore.model.mixture import Mixture
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights

KEYS = {"qwen2_moe": QWEN2_MOE, "qwen3_moe": QWEN3_MOE}
TYPES = tuple(KEYS)
EXPERTS = {"qwen2_moe": ("num_experts", 60), "qwen3_moe": ("num_local_experts", 128)}  # how many, and by default


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS[facts.kind])
    d, second = facts.whole("hidden_size"), facts.kind == "qwen2_moe"
    facts.whole("num_key_value_heads")  # null is not all heads here
    d_head = head_of(facts, d // facts.whole("num_attention_heads"))
    mixture, mlp = _mlps(facts, second=second)
    shape = architecture(
        facts,
        d_head,
        gated=True,
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=rotary_of(facts, d_head, WHOLE),
        windows=_windows(facts, facts.whole("num_hidden_layers")),
        mlp=mlp,
        experts=mixture,
    )
    layer = partial(_layer, facts, shape)
    return decoder(checkpoint, facts, shape, layer, lambda read: read.norm("norm", d, centres=False))


def _mlps(facts: Facts, *, second: bool) -> tuple[Mixture | None, Mlp]:
    """The experts and the MLPs. Layers have none if they are listed, or if only every nth layer has them."""
    layers = range(facts.whole("num_hidden_layers"))
    step, listed = facts.whole("decoder_sparse_step"), facts.listed("mlp_only_layers")
    without = tuple(layer for layer in layers if layer in listed or (layer + 1) % step)
    width = facts.whole("intermediate_size") if without else None
    count, chosen = facts.whole(*EXPERTS[facts.kind]), facts.whole("num_experts_per_tok")
    sizes = (count, chosen, facts.whole("moe_intermediate_size"), facts.flag("norm_topk_prob"))
    shared = facts.whole("shared_expert_intermediate_size") if second else 0
    mixture = Mixture(*sizes, without=without, plain_width=width)
    if width is not None and len(without) == len(layers):
        return None, Mlp(width, gated=True, activation=facts.activation("hidden_act"))
    return mixture, with_experts(facts, mixture, shared)


def _windows(facts: Facts, n_layers: int) -> tuple[int | None, ...] | None:
    """The window of every layer. In Qwen 3 all slide; in Qwen 2 those that are listed, or every other of the first."""
    listed, slides = facts.layers(n_layers, (FULL, SLIDING)), facts.flag("use_sliding_window")
    if facts.kind == "qwen3_moe":
        slides = slides and facts.config["sliding_window"] is not None
        listed = (SLIDING if slides else FULL,) * n_layers
    elif listed is None:
        most = facts.whole("max_window_layers") if facts.config["max_window_layers"] != 0 else 0
        listed = tuple(SLIDING if slides and not at % 2 and at < most else FULL for at in range(n_layers))
    if slides and facts.kind == "qwen2_moe":
        facts.whole("sliding_window")
    if SLIDING not in listed:
        return None
    if not slides:
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its config says layer_types = {SLIDING}, but use_sliding_window is false; set it"
        )
    window = facts.whole("sliding_window")
    return tuple(window if kind == SLIDING else None for kind in listed)


def _layer(facts: Facts, shape: Architecture, read: Reader, at: str) -> Layer:
    norm, after = two_norms(read, at, shape, centres=False)
    third = facts.kind == "qwen3_moe"
    biased = facts.flag("attention_bias" if third else "qkv_bias")
    inner = [Norm(read(f"{at}self_attn.{side}_norm.weight", shape.d_head), centres=False) for side in "qk" if third]
    mlp, (q_norm, k_norm) = mlp_of(read, at, shape, after), inner or (None, None)
    attention = (read, f"{at}self_attn.", shape, norm, mlp)
    return layer_of(*attention, inputs=biased, output=biased and third, q_norm=q_norm, k_norm=k_norm)
