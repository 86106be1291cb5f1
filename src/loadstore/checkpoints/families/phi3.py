"""Phi-3: Llama with Q, K and V in one matrix and gate and up in another, which may turn a part of a head."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import fused_layer
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.kin_key_tables import PHI3
from loadstore.checkpoints.families.rope import head_of, rotary_of
from loadstore.checkpoints.families.scaling import Names, scaling_of
from loadstore.errors import NotThisModel
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer, MlpLayer
from loadstore.model.weights import Weights

KEYS = {"phi3": PHI3}
TYPES = tuple(KEYS)
NAMES = Names("rope_theta", "partial_rotary_factor", 1.0)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["phi3"])
    d, n_layers = facts.whole("hidden_size"), facts.whole("num_hidden_layers")
    d_head = head_of(facts, d // facts.whole("num_attention_heads"))
    facts.layers(n_layers)
    if (kind := scaling_of(facts, NAMES).kind) != "default":
        raise NotThisModel(f"{checkpoint.path}: rotary scaling '{kind}' is not one of Phi-3; supported: default")
    window = None if facts.config["sliding_window"] is None else facts.whole("sliding_window")
    shape = architecture(
        facts,
        d_head,
        gated=True,
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=rotary_of(facts, d_head, NAMES),
        windows=None if window is None else (window,) * n_layers,
    )
    layer = partial(_layer, shape)
    return decoder(checkpoint, facts, shape, layer, lambda read: read.norm("norm", d, centres=False))


def _layer(shape: Architecture, read: Reader, at: str) -> Layer:
    assert shape.mlp is not None
    d, width = shape.d_model, shape.mlp.width
    gate, up = read(f"{at}mlp.gate_up_proj.weight", 2 * width, d).split(width)
    mlp = MlpLayer(
        W_in=up.mT,
        W_gate=gate.mT,
        W_out=read(f"{at}mlp.down_proj.weight", d, width).mT,
        norm=read.norm(f"{at}post_attention_layernorm", d, centres=False),
    )
    norm = read.norm(f"{at}input_layernorm", d, centres=False)
    return fused_layer(
        read, f"{at}self_attn.", shape, norm, mlp, biased=False, apart=True, names=("qkv_proj", "o_proj")
    )
