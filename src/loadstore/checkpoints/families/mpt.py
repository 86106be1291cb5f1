"""MPT: ALiBi, LayerNorms without biases, no other biases, Q, K and V in one matrix."""

from dataclasses import replace
from functools import partial
from typing import Any, cast

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.alibi_key_tables import MPT, MPT_ATTENTION
from loadstore.checkpoints.families.attention import fused_layer, plain
from loadstore.checkpoints.families.decoder import Around, decoder
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.slopes import halved_slopes
from loadstore.errors import BadCheckpoint
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer, Norm
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights
from loadstore.quote import quote

KEYS = {"mpt": MPT}
TYPES = tuple(KEYS)
AROUND = Around("transformer.", "wte.weight", "blocks")


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["mpt"])
    d, n_layers, n_heads = facts.whole("d_model"), facts.whole("n_layers"), facts.whole("n_heads")
    facts.layers(n_layers)
    inside = _attention(facts)
    shape = Architecture(
        n_layers=n_layers,
        n_heads=n_heads,
        d_model=d,
        d_head=facts.share("d_model", "n_heads"),
        vocab=facts.whole("vocab_size"),
        context=facts.whole("max_seq_len"),
        positions="alibi",
        norm="layer",
        eps=facts.number("layer_norm_epsilon"),
        mlp=Mlp(4 * d, gated=False, activation="gelu"),
        slopes=halved_slopes(n_heads),
        score_scale=None if inside.config["softmax_scale"] is None else inside.number("softmax_scale"),
    )
    return decoder(
        checkpoint, facts, shape, partial(_layer, shape), lambda read: _norm(read, "norm_f", d), around=AROUND
    )


def _attention(facts: Facts) -> Facts:
    """The object ``attn_config``, settled by a table of its own. Raises BadCheckpoint unless it is an object."""
    stated: object = facts.config["attn_config"]
    if not isinstance(stated, dict | None):
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its config says attn_config = {quote(stated, 40)}, expected an object"
        )
    return settled(replace(facts, config=cast("dict[str, Any]", stated or {}), ignore=()), MPT_ATTENTION)


def _norm(read: Reader, name: str, d: int) -> Norm:
    return Norm(read(f"{name}.weight", d))


def _layer(shape: Architecture, read: Reader, at: str) -> Layer:
    norm, after = (_norm(read, f"{at}{name}", shape.d_model) for name in ("norm_1", "norm_2"))
    mlp = plain(read, shape, (f"{at}ffn.up_proj", f"{at}ffn.down_proj"), after, biased=False)
    return fused_layer(read, f"{at}attn.", shape, norm, mlp, biased=False, apart=True, names=("Wqkv", "out_proj"))
