"""OPT: learned positions that begin at the third row of their matrix, LayerNorms before blocks, ReLU."""

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import layer_of, plain
from loadstore.checkpoints.families.gpt_key_tables import OPT
from loadstore.checkpoints.families.huggingface import Facts, Reader, unembedding
from loadstore.checkpoints.families.keys import settled
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights

KEYS = {"opt": OPT}
TYPES = tuple(KEYS)
IGNORED = r"(?!)"
EPS = 1e-5  # no key states it
OFFSET = 2  # rows of the positions before the first


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["opt"])
    n_layers, d = facts.whole("num_hidden_layers"), facts.whole("hidden_size")
    facts.layers(n_layers)
    if facts.config["word_embed_proj_dim"] is not None:
        facts.agree("word_embed_proj_dim", d, "hidden_size, without a projection of the embedding,")
    biased, width = facts.flag("enable_bias"), facts.whole("ffn_dim")
    shape = Architecture(
        n_layers=n_layers,
        n_heads=facts.whole("num_attention_heads"),
        d_model=d,
        d_head=facts.share("hidden_size", "num_attention_heads"),
        vocab=facts.whole("vocab_size"),
        context=facts.whole("max_position_embeddings"),
        positions="learned",
        norm="layer",
        eps=EPS,
        mlp=Mlp(width, gated=False, activation=facts.activation("activation_function")),
    )
    whole = any(name.startswith("model.") for name in checkpoint.tensors)
    read = Reader(checkpoint, "model.decoder." if whole else "decoder.")
    W_E = read("embed_tokens.weight", shape.vocab, d)
    weights = Weights(
        architecture=shape,
        W_E=W_E,
        W_pos=read("embed_positions.weight", shape.context + OFFSET, d)[OFFSET:],
        layers=tuple(_layer(read, shape, f"layers.{index}.", biased=biased) for index in range(n_layers)),
        W_U=unembedding(read, "lm_head.weight", W_E, tied=facts.flag("tie_word_embeddings")),
        final_norm=read.norm("final_layer_norm", d, centres=True),
        name=checkpoint.name,
    )
    read.finish(IGNORED)
    return weights


def _layer(read: Reader, shape: Architecture, at: str, *, biased: bool) -> Layer:
    norm, after = (
        read.norm(f"{at}{name}", shape.d_model, centres=True) for name in ("self_attn_layer_norm", "final_layer_norm")
    )
    mlp = plain(read, shape, (f"{at}fc1", f"{at}fc2"), after, biased=biased)
    return layer_of(read, f"{at}self_attn.", shape, norm, mlp, inputs=biased, output=biased, out="out_proj")
