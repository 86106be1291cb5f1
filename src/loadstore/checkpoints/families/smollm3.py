"""SmolLM3: Llama with layers without positions, which may have a window."""

from functools import partial
from typing import Any, cast

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import llama_layer
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.kin_key_tables import SMOLLM3
from loadstore.checkpoints.families.rope import head_of, rotary_of
from loadstore.checkpoints.families.scaling import FULL, SLIDING, Names
from loadstore.errors import BadCheckpoint
from loadstore.model.weights import Weights
from loadstore.quote import quote

KEYS = {"smollm3": SMOLLM3}
TYPES = tuple(KEYS)
NAMES = Names("rope_theta", "partial_rotary_factor", 1.0, partial=False, usual_base=2_000_000.0)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS["smollm3"])
    if type(window := facts.config["sliding_window"]) not in (int, type(None)):
        raise BadCheckpoint(
            f"{checkpoint.path}: its config says sliding_window = {quote(window, 40)}, expected a whole number or null"
        )
    d, n_layers = facts.whole("hidden_size"), facts.whole("num_hidden_layers")
    d_head = head_of(facts, d // facts.whole("num_attention_heads"))
    unturned = _unturned(facts, n_layers)
    shape = architecture(
        facts,
        d_head,
        gated=True,
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=rotary_of(facts, d_head, NAMES),
        windows=_windows(facts, n_layers, unturned),
        unturned=unturned,
    )
    layer = partial(llama_layer, shape, biased=facts.flag("attention_bias"), inside=facts.flag("mlp_bias"))
    return decoder(checkpoint, facts, shape, layer, lambda read: read.norm("norm", d, centres=False))


def _unturned(facts: Facts, n_layers: int) -> tuple[int, ...]:
    """The layers without positions: those with 0 in a list, or the last of every so many."""
    stated: object = facts.config["no_rope_layers"]
    if stated is None:
        every = facts.whole("no_rope_layer_interval")
        return tuple(layer for layer in range(n_layers) if (layer + 1) % every == 0)
    listed = cast("list[Any]", stated) if isinstance(stated, list) else []
    if len(listed) < n_layers or any(type(turns) is not int for turns in listed):
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its config says no_rope_layers = {quote(stated, 60)}, expected a 0 or a 1 for "
            f"each of {n_layers} layers"
        )
    return tuple(layer for layer in range(n_layers) if not listed[layer])


def _windows(facts: Facts, n_layers: int, unturned: tuple[int, ...]) -> tuple[int | None, ...] | None:
    """The window of every layer: of those that are listed as sliding, or of those without positions."""
    listed = facts.layers(n_layers, (FULL, SLIDING))
    if listed is None:
        slides = facts.flag("use_sliding_window") and facts.config["sliding_window"] is not None
        listed = tuple(SLIDING if slides and layer in unturned else FULL for layer in range(n_layers))
    if SLIDING not in listed:
        return None
    window = facts.whole("sliding_window")
    return tuple(window if kind == SLIDING else None for kind in listed)
