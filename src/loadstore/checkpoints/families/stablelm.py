"""StableLM 2: LayerNorms, partial rotary positions, a gated MLP after attention or beside it."""

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import gated, layer_of
from loadstore.checkpoints.families.huggingface import Facts, Reader, unembedding
from loadstore.checkpoints.families.key_tables import STABLELM
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import RopeFacts, rotary_of
from loadstore.checkpoints.families.scaling import Names
from loadstore.model.architecture import Architecture, Mlp
from loadstore.model.weights import Layer, Weights

KEYS = {"stablelm": STABLELM}
TYPES = tuple(KEYS)
IGNORED = r".*\.rotary_emb\.inv_freq"
QUARTER = Names("rope_theta", "partial_rotary_factor", 0.25)


def build(checkpoint: Checkpoint, facts: Facts, rope: RopeFacts | None = None) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["stablelm"])
    n_layers, d = facts.whole("num_hidden_layers"), facts.whole("hidden_size")
    d_head, parallel = facts.share("hidden_size", "num_attention_heads"), facts.flag("use_parallel_residual")
    facts.layers(n_layers)
    activation = facts.activation("hidden_act")
    shape = Architecture(
        n_layers=n_layers,
        n_heads=facts.whole("num_attention_heads"),
        n_kv_heads=facts.whole("num_key_value_heads"),
        d_model=d,
        d_head=d_head,
        vocab=facts.whole("vocab_size"),
        context=facts.whole("max_position_embeddings"),
        positions="rotary",
        norm="layer",
        eps=facts.number("layer_norm_eps"),
        rotary=rotary_of(facts, d_head, QUARTER, rope),
        mlp=Mlp(facts.whole("intermediate_size"), gated=True, activation=activation, parallel=parallel),
    )
    read = Reader(checkpoint, "model.")
    W_E = read("embed_tokens.weight", shape.vocab, d)
    biased = facts.flag("use_qkv_bias")
    weights = Weights(
        architecture=shape,
        W_E=W_E,
        W_pos=None,
        layers=tuple(_layer(read, shape, f"layers.{index}.", biased=biased) for index in range(n_layers)),
        W_U=unembedding(read, "lm_head.weight", W_E, tied=facts.flag("tie_word_embeddings")),
        final_norm=read.norm("norm", d, centres=True),
        name=checkpoint.name,
    )
    read.finish(IGNORED)
    return weights


def _layer(read: Reader, shape: Architecture, at: str, *, biased: bool) -> Layer:
    d, facts = shape.d_model, shape.mlp
    assert facts is not None
    norm = read.norm(f"{at}input_layernorm", d, centres=True)
    after = norm if facts.parallel else read.norm(f"{at}post_attention_layernorm", d, centres=True)
    mlp = gated(read, f"{at}mlp.", d, facts.width, after)
    return layer_of(read, f"{at}self_attn.", shape, norm, mlp, inputs=biased, output=False)
