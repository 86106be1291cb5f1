"""OLMo 1: LayerNorms without parameters. OLMo 2: RMSNorms after blocks only, and of queries and keys across heads."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import across, gated, layer_of
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.kin_key_tables import OLMO, OLMO2
from loadstore.checkpoints.families.rope import WHOLE, head_of, rotary_of
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer, Norm
from loadstore.model.weights import Weights

KEYS = {"olmo": OLMO, "olmo2": OLMO2}
TYPES = tuple(KEYS)
EPS = 1e-5  # of OLMo 1: no key states it
PARAMETERLESS = Norm(centres=True)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS[facts.kind])
    d, n_heads, second = facts.whole("hidden_size"), facts.whole("num_attention_heads"), facts.kind == "olmo2"
    d_head = head_of(facts, d // n_heads)
    facts.layers(facts.whole("num_hidden_layers"))
    shape = architecture(
        facts,
        d_head,
        gated=True,
        norm="none" if second else "layer",
        final_norm="rms" if second else None,
        eps=facts.number("rms_norm_eps") if second else EPS,
        rotary=rotary_of(facts, d_head, WHOLE),
    )
    layer = partial(_second if second else _first, shape, biased=facts.flag("attention_bias"))
    return decoder(
        checkpoint, facts, shape, layer, lambda read: read.norm("norm", d, centres=False) if second else PARAMETERLESS
    )


def _first(shape: Architecture, read: Reader, at: str, *, biased: bool) -> Layer:
    mlp = gated(read, f"{at}mlp.", shape, PARAMETERLESS)
    return layer_of(read, f"{at}self_attn.", shape, PARAMETERLESS, mlp, inputs=biased, output=biased)


def _second(shape: Architecture, read: Reader, at: str, *, biased: bool) -> Layer:
    def after(name: str) -> Norm:
        return read.norm(f"{at}{name}", shape.d_model, centres=False)

    mlp = gated(read, f"{at}mlp.", shape, None, after("post_feedforward_layernorm"))
    return layer_of(
        read,
        f"{at}self_attn.",
        shape,
        None,
        mlp,
        inputs=biased,
        output=biased,
        q_norm=across(read, f"{at}self_attn.q_norm", shape, shape.n_heads),
        k_norm=across(read, f"{at}self_attn.k_norm", shape, shape.kv_heads),
        after_heads=after("post_attention_layernorm"),
    )
