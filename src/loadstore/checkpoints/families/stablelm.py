"""StableLM 2: LayerNorms, partial rotary positions, a gated MLP after attention or beside it."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import gated, layer_of
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.key_tables import STABLELM
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import rotary_of
from loadstore.checkpoints.families.scaling import Names
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights

KEYS = {"stablelm": STABLELM}
TYPES = tuple(KEYS)
QUARTER = Names("rope_theta", "partial_rotary_factor", 0.25)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["stablelm"])
    d, d_head = facts.whole("hidden_size"), facts.share("hidden_size", "num_attention_heads")
    if facts.config.get("head_dim") is not None:
        facts.agree("head_dim", d_head, "hidden_size / num_attention_heads")
    facts.layers(facts.whole("num_hidden_layers"))
    width, activation = facts.whole("intermediate_size"), facts.activation("hidden_act")
    shape = architecture(
        facts,
        d_head,
        gated=True,
        norm="layer",
        eps=facts.number("layer_norm_eps"),
        rotary=rotary_of(facts, d_head, QUARTER),
        mlp=Mlp(width, gated=True, activation=activation, parallel=facts.flag("use_parallel_residual")),
    )
    layer = partial(_layer, shape, biased=facts.flag("use_qkv_bias"))
    return decoder(checkpoint, facts, shape, layer, lambda read: read.norm("norm", d, centres=True))


def _layer(shape: Architecture, read: Reader, at: str, *, biased: bool) -> Layer:
    assert shape.mlp is not None
    norm = after = read.norm(f"{at}input_layernorm", shape.d_model, centres=True)
    if not shape.mlp.parallel:
        after = read.norm(f"{at}post_attention_layernorm", shape.d_model, centres=True)
    mlp = gated(read, f"{at}mlp.", shape, after)
    return layer_of(read, f"{at}self_attn.", shape, norm, mlp, inputs=biased, output=False)
