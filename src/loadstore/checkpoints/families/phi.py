"""Phi (phi-1, phi-1.5, phi-2): attention and MLP beside each other behind one LayerNorm, partial rotary positions.

Everything has a bias, the unembedding too.
"""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import layer_of, plain
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.key_tables import PHI
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import HALF, head_of, rotary_of
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights

KEYS = {"phi": PHI}
TYPES = tuple(KEYS)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["phi"])
    d, width = facts.whole("hidden_size"), facts.whole("intermediate_size")
    d_head = head_of(facts, d // facts.whole("num_attention_heads"))
    facts.layers(facts.whole("num_hidden_layers"))
    shape = architecture(
        facts,
        d_head,
        gated=False,
        norm="layer",
        eps=facts.number("layer_norm_eps"),
        rotary=rotary_of(facts, d_head, HALF),
        mlp=Mlp(width, gated=False, activation=facts.activation("hidden_act"), parallel=True),
    )
    layer = partial(_layer, shape)
    return decoder(
        checkpoint, facts, shape, layer, lambda read: read.norm("final_layernorm", d, centres=True), biased=True
    )


def _layer(shape: Architecture, read: Reader, at: str) -> Layer:
    norm = read.norm(f"{at}input_layernorm", shape.d_model, centres=True)
    mlp = plain(read, shape, (f"{at}mlp.fc1", f"{at}mlp.fc2"), norm, biased=True)
    return layer_of(read, f"{at}self_attn.", shape, norm, mlp, inputs=True, output=True, out="dense")
