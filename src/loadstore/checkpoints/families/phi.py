"""Phi (phi-1, phi-1.5, phi-2): attention and MLP beside each other behind one LayerNorm, partial rotary positions.

Everything has a bias, the unembedding too.
"""

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import layer_of
from loadstore.checkpoints.families.huggingface import Facts, Reader, some_bias, unembedding
from loadstore.checkpoints.families.key_tables import PHI
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import HALF, RopeFacts, head_of, rotary_of
from loadstore.model.architecture import Architecture, Mlp
from loadstore.model.weights import Layer, MlpLayer, Weights

KEYS = {"phi": PHI}
TYPES = tuple(KEYS)
IGNORED = r".*\.rotary_emb\.inv_freq"


def build(checkpoint: Checkpoint, facts: Facts, rope: RopeFacts | None = None) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["phi"])
    n_layers, n_heads = facts.whole("num_hidden_layers"), facts.whole("num_attention_heads")
    d, width = facts.whole("hidden_size"), facts.whole("intermediate_size")
    d_head = head_of(facts, d // n_heads)
    facts.layers(n_layers)
    shape = Architecture(
        n_layers=n_layers,
        n_heads=n_heads,
        n_kv_heads=facts.whole("num_key_value_heads", n_heads),
        d_model=d,
        d_head=d_head,
        vocab=facts.whole("vocab_size"),
        context=facts.whole("max_position_embeddings"),
        positions="rotary",
        norm="layer",
        eps=facts.number("layer_norm_eps"),
        rotary=rotary_of(facts, d_head, HALF, rope),
        mlp=Mlp(width, gated=False, activation=facts.activation("hidden_act"), parallel=True),
    )
    read = Reader(checkpoint, "model.")
    W_E = read("embed_tokens.weight", shape.vocab, d)
    weights = Weights(
        architecture=shape,
        W_E=W_E,
        W_pos=None,
        layers=tuple(_layer(read, shape, width, f"layers.{index}.") for index in range(n_layers)),
        W_U=unembedding(read, "lm_head.weight", W_E, tied=facts.flag("tie_word_embeddings")),
        b_U=some_bias(read("lm_head.bias", shape.vocab)),
        final_norm=read.norm("final_layernorm", d, centres=True),
        name=checkpoint.name,
    )
    read.finish(IGNORED)
    return weights


def _layer(read: Reader, shape: Architecture, width: int, at: str) -> Layer:
    d = shape.d_model
    norm = read.norm(f"{at}input_layernorm", d, centres=True)
    mlp = MlpLayer(
        W_in=read(f"{at}mlp.fc1.weight", width, d).mT,
        b_in=some_bias(read(f"{at}mlp.fc1.bias", width)),
        W_out=read(f"{at}mlp.fc2.weight", d, width).mT,
        b_out=some_bias(read(f"{at}mlp.fc2.bias", d)),
        norm=norm,
    )
    return layer_of(read, f"{at}self_attn.", shape, norm, mlp, inputs=True, output=True, out="dense")
