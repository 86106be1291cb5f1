"""Cohere (Command R): attention and MLP beside each other behind one LayerNorm without a bias, adjacent rotary pairs.

Queries and keys may have LayerNorms with a gain for each head. The multiplier of logits is in the last norm's gain.
"""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import gated, layer_of
from loadstore.checkpoints.families.decoder import architecture, decoder, scaled
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.kin_key_tables import COHERE
from loadstore.checkpoints.families.rope import head_of, rotary_of
from loadstore.checkpoints.families.scaling import Names
from loadstore.errors import BadCheckpoint
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer, Norm
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights

KEYS = {"cohere": COHERE}
TYPES = tuple(KEYS)
NAMES = Names("rope_theta", "partial_rotary_factor", 1.0, partial=False, usual_base=500_000.0)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["cohere"])
    d, width, scale = facts.whole("hidden_size"), facts.whole("intermediate_size"), facts.number("logit_scale")
    d_head = head_of(facts, d // facts.whole("num_attention_heads"))
    facts.layers(facts.whole("num_hidden_layers"))
    if not scale > 0 or type(facts.config["logit_scale"]) is not float:  # the reference takes no whole number
        raise BadCheckpoint(
            f"{checkpoint.path}: its config says logit_scale = {facts.config['logit_scale']}, "
            "expected a number above 0 with a decimal point"
        )
    shape = architecture(
        facts,
        d_head,
        gated=True,
        norm="layer",
        eps=facts.number("layer_norm_eps"),
        rotary=rotary_of(facts, d_head, NAMES, "adjacent"),
        mlp=Mlp(width, gated=True, activation=facts.activation("hidden_act"), parallel=True),
    )
    normed = bool(facts.config["use_qk_norm"])
    layer = partial(_layer, shape, biased=facts.flag("attention_bias"), normed=normed)
    return decoder(
        checkpoint, facts, shape, layer, lambda read: scaled(read, read.norm("norm", d, centres=True), scale)
    )


def _layer(shape: Architecture, read: Reader, at: str, *, biased: bool, normed: bool) -> Layer:
    def of_each(name: str, heads: int) -> Norm | None:
        return Norm(read(f"{at}self_attn.{name}.weight", heads, shape.d_head)) if normed else None

    norm = read.norm(f"{at}input_layernorm", shape.d_model, centres=True)
    return layer_of(
        read,
        f"{at}self_attn.",
        shape,
        norm,
        gated(read, f"{at}mlp.", shape, norm),
        inputs=biased,
        output=biased,
        q_norm=of_each("q_norm", shape.n_heads),
        k_norm=of_each("k_norm", shape.kv_heads),
    )
