"""Gemma 3, its text models: norms before and after blocks, of queries and keys too, and two kinds of layers.

Layers with a sliding window turn by a base of their own. Gains are 1 + w; GGUF stores them so, Hugging Face w. The
embedding is multiplied by √d_model, rounded to float32 as the reference rounds it.
"""

from dataclasses import replace
from functools import partial
from typing import Any, cast

import torch

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import gated, layer_of
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.key_tables import GEMMA3
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import rotary_of
from loadstore.checkpoints.families.scaling import FULL, SLIDING, Names
from loadstore.errors import BadCheckpoint
from loadstore.model.architecture import Architecture
from loadstore.model.finite import damaged, is_finite
from loadstore.model.layers import Layer, Norm
from loadstore.model.rotary import Rotary
from loadstore.model.weights import Weights

KEYS = {"gemma3_text": GEMMA3}
TYPES = tuple(KEYS)
EVERY = 6  # by default the last of so many layers sees all keys
BASES = {  # by kind of layer
    FULL: Names("rope_theta", "partial_rotary_factor", 1.0, partial=False, usual_base=1_000_000.0),
    SLIDING: Names("rope_local_base_freq", "partial_rotary_factor", 1.0, partial=False),
}


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS[facts.kind])
    d, d_head = facts.whole("hidden_size"), facts.whole("head_dim")
    facts.share("hidden_size", "num_attention_heads")
    windows = windows_of(facts, facts.whole("num_hidden_layers"), EVERY)
    whole, local = (_rotary(facts, kind, d_head) for kind in (FULL, SLIDING))
    shape = architecture(
        facts,
        d_head,
        gated=True,
        act="hidden_activation",
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=whole,
        windows=windows,
        local_rotary=local if local != whole and windows is not None else None,
        score_scale=score_scale(facts, d_head),
        embedding_scale=embedding_scale(d),
    )
    layer = partial(gemma_layer, facts, shape, inner=True)
    return decoder(checkpoint, facts, shape, layer, lambda read: added_norm(facts, read, "norm", d))


def embedding_scale(d: int) -> float:
    """What a row of W_E is multiplied by, as the reference rounds it."""
    return torch.tensor(d**0.5, dtype=torch.float32).item()


def score_scale(facts: Facts, d_head: int) -> float | None:
    """What q·k is multiplied by, None for 1/√d_head."""
    scalar = facts.whole("query_pre_attn_scalar")
    return None if scalar == d_head else scalar**-0.5


def windows_of(facts: Facts, n_layers: int, every: int) -> tuple[int | None, ...] | None:
    """The window of every layer: of those that its config lists as sliding, or of all but the last of so many."""
    listed = facts.layers(n_layers, (FULL, SLIDING))
    needed = ["sliding_window"] if listed else ["sliding_window", "sliding_window_pattern"]
    for key in needed:  # the reference needs a window even where no layer slides
        if facts.config.get(key, every) is None:
            raise BadCheckpoint(f"{facts.checkpoint.path}: its config says {key} = null; state a number")
    if listed is None:
        every = facts.whole("sliding_window_pattern", every)
        listed = tuple(FULL if (index + 1) % every == 0 else SLIDING for index in range(n_layers))
    window = facts.whole("sliding_window")
    if SLIDING not in listed:
        return None
    return tuple(window if kind == SLIDING else None for kind in listed)


def _rotary(facts: Facts, kind: str, d_head: int) -> Rotary:
    """The rotary positions of one kind of layer, from its own object of parameters or from keys of the config.

    Scaling outside such an object is that of the layers that see all keys.
    """
    config, names = dict(facts.config), BASES[kind]
    stated: object = config.pop("rope_parameters", None)
    if not isinstance(stated, dict | None) or (isinstance(stated, dict) and set(stated) - {FULL, SLIDING}):
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its config's rope_parameters are not an object of {FULL} and {SLIDING}, one "
            "for each kind of layer"
        )
    by_kind = cast("dict[str, Any]", stated or {})
    if empty := [name for name, own in by_kind.items() if own is None]:
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its config's rope_parameters say {empty[0]} = null; remove it, or give a value"
        )
    others = {base.base for base in BASES.values()} - {names.base}
    if kind == SLIDING:
        others |= {"rope_scaling"}
    config = {key: value for key, value in config.items() if key not in others}
    return rotary_of(replace(facts, config=config | {"rope_parameters": by_kind.get(kind)}), d_head, names)


def added_norm(facts: Facts, read: Reader, name: str, width: int, *, centres: bool = False) -> Norm:
    """A gain of 1 + w, in at least float32, or as it is in a layout that has added the 1.

    Raises BadCheckpoint where a gain that is computed here is not finite.
    """
    gain, bias = read(f"{name}.weight", width), read.maybe(f"{name}.bias", width) if centres else None
    if facts.layout.added:
        return Norm(gain, bias, centres)
    if not is_finite(gain):  # what is computed here has no place in the file that a later look could name
        raise damaged(read.checkpoint.path, f"{read.prefix}{name}.weight")
    return Norm(1.0 + gain.to(torch.promote_types(gain.dtype, torch.float32)), bias, centres)


def gemma_layer(facts: Facts, shape: Architecture, read: Reader, at: str, *, inner: bool) -> Layer:
    """A layer with norms before and after its blocks; ``inner``: of queries and keys too."""

    def norm(name: str, size: int = shape.d_model) -> Norm:
        return added_norm(facts, read, f"{at}{name}", size)

    mlp = gated(read, f"{at}mlp.", shape, norm("pre_feedforward_layernorm"), norm("post_feedforward_layernorm"))
    biased = facts.flag("attention_bias")
    return layer_of(
        read,
        f"{at}self_attn.",
        shape,
        norm("input_layernorm"),
        mlp,
        inputs=biased,
        output=biased,
        q_norm=norm("self_attn.q_norm", shape.d_head) if inner else None,
        k_norm=norm("self_attn.k_norm", shape.d_head) if inner else None,
        after_heads=norm("post_attention_layernorm"),
    )
