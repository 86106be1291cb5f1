"""StarCoder 2: LayerNorms, rotary positions, grouped queries, an MLP without a gate; biases everywhere or nowhere."""

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import layer_of
from loadstore.checkpoints.families.huggingface import Facts, Reader, some_bias, unembedding
from loadstore.checkpoints.families.key_tables import STARCODER2
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import WHOLE, RopeFacts, head_of, rotary_of
from loadstore.model.architecture import Architecture, Mlp
from loadstore.model.weights import Layer, MlpLayer, Weights

KEYS = {"starcoder2": STARCODER2}
TYPES = tuple(KEYS)
IGNORED = r".*\.rotary_emb\.inv_freq"


def build(checkpoint: Checkpoint, facts: Facts, rope: RopeFacts | None = None) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["starcoder2"])
    n_layers, n_heads, d = (facts.whole(name) for name in ("num_hidden_layers", "num_attention_heads", "hidden_size"))
    d_head, biased = head_of(facts, d // n_heads), facts.flag("use_bias")
    facts.layers(n_layers)
    window = None if facts.config["sliding_window"] is None else facts.whole("sliding_window")
    shape = Architecture(
        n_layers=n_layers,
        n_heads=n_heads,
        n_kv_heads=facts.whole("num_key_value_heads"),
        d_model=d,
        d_head=d_head,
        vocab=facts.whole("vocab_size"),
        context=facts.whole("max_position_embeddings"),
        positions="rotary",
        norm="layer",
        eps=facts.number("norm_epsilon"),
        rotary=rotary_of(facts, d_head, WHOLE, rope),
        mlp=Mlp(facts.whole("intermediate_size"), gated=False, activation=facts.activation("hidden_act")),
        windows=None if window is None else (window,) * n_layers,
    )
    read = Reader(checkpoint, "model.")
    W_E = read("embed_tokens.weight", shape.vocab, d)
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
    d, width = shape.d_model, 0 if shape.mlp is None else shape.mlp.width
    mlp = MlpLayer(
        W_in=read(f"{at}mlp.c_fc.weight", width, d).mT,
        W_out=read(f"{at}mlp.c_proj.weight", d, width).mT,
        b_in=some_bias(read.maybe(f"{at}mlp.c_fc.bias", width)) if biased else None,
        b_out=some_bias(read.maybe(f"{at}mlp.c_proj.bias", d)) if biased else None,
        norm=read.norm(f"{at}post_attention_layernorm", d, centres=True),
    )
    norm = read.norm(f"{at}input_layernorm", d, centres=True)
    return layer_of(read, f"{at}self_attn.", shape, norm, mlp, inputs=biased, output=biased)
