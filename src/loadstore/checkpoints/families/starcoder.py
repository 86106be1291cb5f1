"""StarCoder 2: LayerNorms, rotary positions, grouped queries, an MLP without a gate; biases everywhere or nowhere."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import layer_of, plain, two_norms
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.key_tables import STARCODER2
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import WHOLE, head_of, rotary_of
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.weights import Weights

KEYS = {"starcoder2": STARCODER2}
TYPES = tuple(KEYS)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["starcoder2"])
    d, n_layers = facts.whole("hidden_size"), facts.whole("num_hidden_layers")
    d_head, biased = head_of(facts, d // facts.whole("num_attention_heads")), facts.flag("use_bias")
    facts.layers(n_layers)
    window = None if facts.config["sliding_window"] is None else facts.whole("sliding_window")
    shape = architecture(
        facts,
        d_head,
        gated=False,
        norm="layer",
        eps=facts.number("norm_epsilon"),
        rotary=rotary_of(facts, d_head, WHOLE),
        windows=None if window is None else (window,) * n_layers,
    )
    layer = partial(_layer, shape, biased=biased)
    return decoder(checkpoint, facts, shape, layer, lambda read: read.norm("norm", d, centres=True))


def _layer(shape: Architecture, read: Reader, at: str, *, biased: bool) -> Layer:
    norm, after = two_norms(read, at, shape, centres=True)
    mlp = plain(read, shape, (f"{at}mlp.c_fc", f"{at}mlp.c_proj"), after, biased=biased)
    return layer_of(read, f"{at}self_attn.", shape, norm, mlp, inputs=biased, output=biased)
