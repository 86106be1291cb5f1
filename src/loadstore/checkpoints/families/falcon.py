"""Falcon: rotary positions, one key and value for all heads or for groups, mostly attention and MLP in parallel."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.alibi_key_tables import FALCON
from loadstore.checkpoints.families.attention import fused_layer, plain
from loadstore.checkpoints.families.decoder import Around, decoder
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import WHOLE, rotary_of
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights

KEYS = {"falcon": FALCON}
TYPES = tuple(KEYS)
AROUND = Around("transformer.", "word_embeddings.weight", "h")
ONE, TWO = ("input_layernorm", "input_layernorm"), ("ln_attn", "ln_mlp")
AFTER = ("input_layernorm", "post_attention_layernorm")


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["falcon"])
    where, config = checkpoint.path, facts.config
    if config["alibi"]:
        raise NotThisModel(f"{where}: Falcon with ALiBi is not read: its biases are rounded to bfloat16")
    if "head_dim" in config:
        raise BadCheckpoint(f"{where}: its config says head_dim, which follows from hidden_size; leave it out")
    for name in {"attention_dropout", "hidden_dropout"} & config.keys():
        facts.number(name)  # null is a value of the reference's class, but not of its forward pass
    width = "hidden_size" if config.get("n_embed") is None else "n_embed"  # an older name, which goes first
    d, n_layers, n_heads = facts.whole(width), facts.whole("num_hidden_layers"), facts.whole("num_attention_heads")
    d_head, norms = facts.share(width, "num_attention_heads"), _norms(facts)
    facts.layers(n_layers)
    kv = 1 if config["multi_query"] and not config["new_decoder_architecture"] else facts.whole("num_kv_heads", n_heads)
    if kv != n_heads and not config["new_decoder_architecture"] and not config["multi_query"]:
        raise BadCheckpoint(f"{where}: its config says num_kv_heads = {kv} without groups of queries; leave it out")
    activation, parallel = facts.activation("activation"), norms is not AFTER
    shape = Architecture(
        n_layers=n_layers,
        n_heads=n_heads,
        n_kv_heads=kv,
        d_model=d,
        d_head=d_head,
        vocab=facts.whole("vocab_size"),
        context=facts.whole("max_position_embeddings"),
        positions="rotary",
        norm="layer",
        eps=facts.number("layer_norm_epsilon"),
        rotary=rotary_of(facts, d_head, WHOLE),
        mlp=Mlp(facts.whole("ffn_hidden_size", 4 * d), gated=False, activation=activation, parallel=parallel),
    )
    layer = partial(_layer, facts, shape, norms)
    return decoder(checkpoint, facts, shape, layer, lambda read: read.norm("ln_f", d, centres=True), around=AROUND)


def _norms(facts: Facts) -> tuple[str, str]:
    """The norms before attention and the MLP. Raises BadCheckpoint on flags that the reference has no norms for."""
    new, parallel = bool(facts.config["new_decoder_architecture"]), bool(facts.config["parallel_attn"])
    count = facts.whole("num_ln_in_parallel_attn", 2 if new else 1)
    if not new and not (parallel and count == 2):
        return ONE if parallel else AFTER
    if new and parallel and count in (1, 2):
        return ONE if count == 1 else TWO
    raise BadCheckpoint(
        f"{facts.checkpoint.path}: its config says num_ln_in_parallel_attn = {count} with new_decoder_architecture = "
        f"{new} and parallel_attn = {parallel}, which do not go together"
    )


def _layer(facts: Facts, shape: Architecture, norms: tuple[str, str], read: Reader, at: str) -> Layer:
    biased = bool(facts.config["bias"])
    norm, after = (read.norm(f"{at}{name}", shape.d_model, centres=True) for name in norms)
    mlp = plain(read, shape, (f"{at}mlp.dense_h_to_4h", f"{at}mlp.dense_4h_to_h"), after, biased=biased)
    return fused_layer(read, f"{at}self_attention.", shape, norm, mlp, biased=biased, apart=facts.layout.apart)
