"""GPT-Neo: learned positions, scores that are not scaled, and layers that see all keys or the last few in turn."""

from functools import partial
from typing import Any, cast

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import layer_of, plain
from loadstore.checkpoints.families.decoder import GPT, decoder
from loadstore.checkpoints.families.gpt_key_tables import GPTNEO
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.keys import settled
from loadstore.errors import BadCheckpoint
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights
from loadstore.quote import quote

KEYS = {"gpt_neo": GPTNEO}
TYPES = tuple(KEYS)
IGNORED = r".*\.attn\.attention\.(bias|masked_bias)"
USUAL = [[["global", "local"], 12]]


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["gpt_neo"])
    n_layers, d = facts.whole("num_layers"), facts.whole("hidden_size")
    width = facts.whole("intermediate_size", 4 * d)
    facts.layers(n_layers)
    shape = Architecture(
        n_layers=n_layers,
        n_heads=facts.whole("num_heads"),
        d_model=d,
        d_head=facts.share("hidden_size", "num_heads"),
        vocab=facts.whole("vocab_size"),
        context=facts.whole("max_position_embeddings"),
        positions="learned",
        norm="layer",
        eps=facts.number("layer_norm_epsilon"),
        mlp=Mlp(width, gated=False, activation=facts.activation("activation_function")),
        windows=_windows(facts, n_layers),
        score_scale=1.0,
    )
    layer = partial(_layer, shape)
    return decoder(
        *(checkpoint, facts, shape, layer, lambda read: read.norm("ln_f", d, centres=True)), around=GPT, ignored=IGNORED
    )


def _windows(facts: Facts, n_layers: int) -> tuple[int | None, ...] | None:
    """The window of every layer, from a list such as ``[[["global", "local"], 12]]``. Raises BadCheckpoint."""
    stated: Any = USUAL if facts.config["attention_types"] is None else facts.config["attention_types"]
    listed: list[str] = []
    try:
        for kinds, times in stated:
            if type(times) is not int or not 1 <= times <= n_layers:
                raise ValueError(times)
            listed += [*cast("list[str]", kinds)] * times
    except (TypeError, ValueError):
        listed = []
    if len(listed) != n_layers or any(kind not in ("global", "local") for kind in listed):
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its config says attention_types = {quote(stated, 60)}, expected lists of "
            f"'global' and 'local', and how often, for {n_layers} layers"
        )
    facts.agree("attention_layers", listed, "attention_types")
    window = facts.whole("window_size")
    return tuple(window if kind == "local" else None for kind in listed) if "local" in listed else None


def _layer(shape: Architecture, read: Reader, at: str) -> Layer:
    norm, after = (read.norm(f"{at}{name}", shape.d_model, centres=True) for name in ("ln_1", "ln_2"))
    mlp = plain(read, shape, (f"{at}mlp.c_fc", f"{at}mlp.c_proj"), after, biased=True)
    return layer_of(read, f"{at}attn.attention.", shape, norm, mlp, inputs=False, output=True, out="out_proj")
