"""Gemma 2: norms before and after blocks, soft caps of scores and logits, every other layer with a window."""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.gemma import added_norm, embedding_scale, gemma_layer, score_scale, windows_of
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.families.key_tables import GEMMA2
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import WHOLE, rotary_of
from loadstore.errors import BadCheckpoint
from loadstore.model.weights import Weights
from loadstore.quote import quote

KEYS = {"gemma2": GEMMA2}
TYPES = tuple(KEYS)
EVERY = 2  # by default the last of so many layers sees all keys


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["gemma2"])
    d, d_head = facts.whole("hidden_size"), facts.whole("head_dim")
    facts.share("hidden_size", "num_attention_heads")
    shape = architecture(
        facts,
        d_head,
        gated=True,
        act="hidden_activation",
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=rotary_of(facts, d_head, WHOLE),
        windows=windows_of(facts, facts.whole("num_hidden_layers"), EVERY),
        score_scale=score_scale(facts, d_head),
        embedding_scale=embedding_scale(d),
        score_cap=_cap(facts, "attn_logit_softcapping"),
        logit_cap=_cap(facts, "final_logit_softcapping"),
    )
    layer = partial(gemma_layer, facts, shape, inner=False)
    return decoder(checkpoint, facts, shape, layer, lambda read: added_norm(facts, read, "norm", d))


def _cap(facts: Facts, name: str) -> float | None:
    """A soft cap; null is none."""
    cap = facts.config[name]
    if cap is not None and not (type(cap) is float and cap > 0):
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its config says {name} = {quote(cap, 40)}, expected a number above 0 with a "
            "point, as in 30.0, or null"
        )
    return cap
