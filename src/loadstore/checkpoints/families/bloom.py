"""BLOOM: ALiBi, LayerNorms with biases, Q, K and V in one matrix, and a LayerNorm of the embedding.

That norm is a function of each token alone, so what ``embed`` stores are the normed rows, computed once when the file
is opened. The unembedding is the embedding without it.
"""

from functools import partial

import torch
from torch import Tensor

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.alibi_key_tables import BLOOM
from loadstore.checkpoints.families.attention import fused_layer, plain, two_norms
from loadstore.checkpoints.families.decoder import Around, decoder
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.slopes import slopes
from loadstore.model.architecture import Architecture
from loadstore.model.finite import damaged, is_finite
from loadstore.model.layers import Layer, map_tensors
from loadstore.model.mlp_facts import Mlp
from loadstore.model.norms import normalise
from loadstore.model.weights import Weights

KEYS = {"bloom": BLOOM}
TYPES = tuple(KEYS)
AROUND = Around("transformer.", "word_embeddings.weight", "h")
NORM = "word_embeddings_layernorm"
CONTEXT = 2048  # of the published models, whose configs call it seq_length
TILE = 8192  # tokens


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["bloom"])
    width = "hidden_size" if facts.config.get("n_embed") is None else "n_embed"  # an older name, which goes first
    d, n_layers, n_heads = facts.whole(width), facts.whole("n_layer"), facts.whole("n_head")
    facts.layers(n_layers)
    shape = Architecture(
        n_layers=n_layers,
        n_heads=n_heads,
        d_model=d,
        d_head=facts.share(width, "n_head"),
        vocab=facts.whole("vocab_size"),
        context=facts.whole("seq_length", CONTEXT),
        positions="alibi",
        norm="layer",
        eps=facts.number("layer_norm_epsilon"),
        mlp=Mlp(4 * d, gated=False, activation="gelu_tanh"),
        slopes=slopes(n_heads),
    )
    return decoder(
        *(checkpoint, facts, shape, partial(_layer, facts, shape), lambda read: read.norm("ln_f", d, centres=True)),
        around=AROUND,
        stored=partial(_stored, shape),
    )


def _stored(shape: Architecture, read: Reader, W_E: Tensor) -> Tensor:
    """The rows of the embedding behind their norm, in float32 at least. Raises BadCheckpoint unless they are finite."""
    kind = torch.promote_types(W_E.dtype, torch.float32)
    stored = read.norm(NORM, shape.d_model, centres=True)
    for part, tensor in (("weight", stored.gain), ("bias", stored.bias)):
        if tensor is not None and not is_finite(tensor):
            raise damaged(read.checkpoint.path, f"{read.prefix}{NORM}.{part}")
    norm = map_tensors(stored, lambda tensor: tensor.to(kind))
    rows = torch.cat([normalise(tile.to(kind), norm, shape.eps)[0] for tile in W_E.split(TILE)])
    if not is_finite(rows):
        raise damaged(read.checkpoint.path, f"{read.prefix}{AROUND.embedding}")
    return rows


def _layer(facts: Facts, shape: Architecture, read: Reader, at: str) -> Layer:
    norm, after = two_norms(read, at, shape, centres=True)
    mlp = plain(read, shape, (f"{at}mlp.dense_h_to_4h", f"{at}mlp.dense_4h_to_h"), after, biased=True)
    return fused_layer(read, f"{at}self_attention.", shape, norm, mlp, biased=True, apart=facts.layout.apart)
