"""DeepSeek V2 and V3: heads that load through a latent, experts beside units that every token uses."""

from dataclasses import replace
from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import two_norms
from loadstore.checkpoints.families.decoder import IGNORED, architecture, decoder
from loadstore.checkpoints.families.deepseek_routing import mlps_of
from loadstore.checkpoints.families.experts import DEEPSEEK, mlp_of
from loadstore.checkpoints.families.huggingface import Facts, Reader, outputs_of, some_bias
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.latents import keys_and_values, queries
from loadstore.checkpoints.families.rope import WHOLE, head_of, rotary_of, score_scale
from loadstore.checkpoints.families.routed_key_tables import DEEPSEEK_V2, DEEPSEEK_V3
from loadstore.checkpoints.families.scaling import growth, scaling_of
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.weights import Weights

KEYS = {"deepseek_v2": DEEPSEEK_V2, "deepseek_v3": DEEPSEEK_V3}
TYPES = tuple(KEYS)
PREDICTED, MOST = "num_nextn_predict_layers", 16  # layers that predict later tokens, which are not read


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS[facts.kind])
    third, n_layers = facts.kind == "deepseek_v3", facts.whole("num_hidden_layers")
    facts.layers(n_layers)
    turned, d_value = facts.whole("qk_rope_head_dim"), facts.whole("v_head_dim")
    d_head, n_heads = turned + facts.whole("qk_nope_head_dim"), facts.whole("num_attention_heads")
    head_of(facts, turned)  # which refuses a head_dim of null
    for name, value, why in (
        ("head_dim", turned, "qk_rope_head_dim"),
        ("qk_head_dim", d_head, "qk_nope_head_dim + qk_rope_head_dim"),
        ("num_key_value_heads", n_heads, "num_attention_heads"),
    ):
        if facts.config.get(name) is not None:
            facts.agree(name, value, why)
    pairs = "adjacent" if not third or facts.flag("rope_interleave") else "halves"
    scaling = scaling_of(facts, WHOLE)
    stretch = growth(scaling.factor, scaling.all_dimensions)
    shape = architecture(
        facts,
        d_head,
        gated=True,
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=rotary_of(facts, turned, WHOLE, pairs),
        score_scale=score_scale(d_head, stretch) if scaling.all_dimensions else None,
        d_value=None if d_value == d_head else d_value,
        **mlps_of(facts, n_layers),
    )
    d, layer = shape.d_model, partial(_layer, facts, shape, turned)
    predicted = 0 if facts.config.get(PREDICTED, 1 if third else 0) in (0, None) else facts.whole(PREDICTED, 1)
    predicting = "|".join(str(n_layers + index) for index in range(min(predicted, MOST)))
    ignored = rf"{IGNORED}|model\.layers\.({predicting})\..*" if predicting else IGNORED
    return decoder(checkpoint, facts, shape, layer, lambda read: read.norm("norm", d, centres=False), ignored=ignored)


def _layer(facts: Facts, shape: Architecture, turned: int, read: Reader, at: str) -> Layer:
    d, n_heads, biased = shape.d_model, shape.n_heads, facts.flag("attention_bias")
    norm, after = two_norms(read, at, shape, centres=False)
    named = DEEPSEEK if facts.kind == "deepseek_v3" else replace(DEEPSEEK, choice="")
    inside, out = f"{at}self_attn.", f"{at}self_attn.o_proj"
    rank = facts.whole("q_lora_rank") if facts.config["q_lora_rank"] is not None else None
    return Layer(
        **queries(read, inside, shape, turned, rank, biased=biased),
        **keys_and_values(read, inside, shape, turned, facts.whole("kv_lora_rank"), biased=biased),
        W_O=outputs_of(read(f"{out}.weight", d, n_heads * shape.value_width), n_heads),
        b_O=some_bias(read.maybe(f"{out}.bias", d)) if biased else None,
        norm=norm,
        mlp=mlp_of(read, at, shape, after, named),
    )
