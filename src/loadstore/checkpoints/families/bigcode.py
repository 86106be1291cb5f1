"""GPT-BigCode (StarCoder 1, SantaCoder): GPT-2 with one key and value for all heads, Q, K and V in one matrix."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import fused_layer, plain
from loadstore.checkpoints.families.decoder import GPT, decoder
from loadstore.checkpoints.families.gpt_key_tables import BIGCODE
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights

KEYS = {"gpt_bigcode": BIGCODE}
TYPES = tuple(KEYS)
IGNORED = r"(.*\.)?attn\.(bias|masked_bias)|(transformer\.)?bias"


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["gpt_bigcode"])
    n_layers, n_heads, d = facts.whole("n_layer"), facts.whole("n_head"), facts.whole("n_embd")
    facts.layers(n_layers)
    shape = Architecture(
        n_layers=n_layers,
        n_heads=n_heads,
        n_kv_heads=1 if facts.flag("multi_query") else n_heads,
        d_model=d,
        d_head=facts.share("n_embd", "n_head"),
        vocab=facts.whole("vocab_size"),
        context=facts.whole("n_positions"),
        positions="learned",
        norm="layer",
        eps=facts.number("layer_norm_epsilon"),
        mlp=Mlp(facts.whole("n_inner", 4 * d), gated=False, activation=facts.activation("activation_function")),
        score_scale=None if facts.flag("scale_attn_weights") else 1.0,
    )
    return decoder(
        *(checkpoint, facts, shape, partial(_layer, facts, shape), lambda read: read.norm("ln_f", d, centres=True)),
        around=GPT,
        ignored=IGNORED,
    )


def _layer(facts: Facts, shape: Architecture, read: Reader, at: str) -> Layer:
    norm, after = (read.norm(f"{at}{name}", shape.d_model, centres=True) for name in ("ln_1", "ln_2"))
    mlp = plain(read, shape, (f"{at}mlp.c_fc", f"{at}mlp.c_proj"), after, biased=True)
    return fused_layer(
        read, f"{at}attn.", shape, norm, mlp, biased=True, apart=facts.layout.apart, names=("c_attn", "c_proj")
    )
