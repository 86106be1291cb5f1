"""Llama and what is built like it (SmolLM2, Mistral, Qwen 2 and 3): rotary positions, RMSNorms, a gated MLP.

The kin differ in facts only: biases of Q, K and V (Qwen 2), norms of queries and keys (Qwen 3), a sliding window in
some layers or all (Mistral, Qwen 2), scaled frequencies (Llama 3).
"""

from functools import partial

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.attention import gated, layer_of, two_norms
from loadstore.checkpoints.families.decoder import architecture, decoder
from loadstore.checkpoints.families.huggingface import Facts, Reader
from loadstore.checkpoints.families.key_tables import LLAMA, MISTRAL, QWEN2, QWEN3
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import WHOLE, head_of, score_scale, turns_of
from loadstore.checkpoints.families.scaling import FULL, SLIDING
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer, Norm
from loadstore.model.weights import Weights

KEYS = {"llama": LLAMA, "mistral": MISTRAL, "qwen2": QWEN2, "qwen3": QWEN3}
TYPES = tuple(KEYS)


def build(checkpoint: Checkpoint, facts: Facts) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts = settled(facts, KEYS[facts.kind])
    d, n_heads = facts.whole("hidden_size"), facts.whole("num_attention_heads")
    if facts.kind == "llama":
        facts.share("hidden_size", "num_attention_heads")
    d_head = head_of(facts, d // n_heads)
    rotary, strength = turns_of(facts, d_head, WHOLE)
    shape = architecture(
        facts,
        d_head,
        gated=True,
        norm="rms",
        eps=facts.number("rms_norm_eps"),
        rotary=rotary,
        score_scale=score_scale(d_head, strength),
        windows=_windows(facts, facts.whole("num_hidden_layers")),
    )
    layer = partial(_layer, facts, shape)
    return decoder(checkpoint, facts, shape, layer, lambda read: read.norm("norm", d, centres=False))


def _windows(facts: Facts, n_layers: int) -> tuple[int | None, ...] | None:
    """The sliding window of every layer: Mistral slides all, Qwen those that its config lists, or else numbers."""
    if facts.kind == "llama":
        facts.layers(n_layers)
        return None
    listed = facts.layers(n_layers, (FULL, SLIDING))
    slides = facts.kind == "mistral" or facts.flag("use_sliding_window")
    if not slides or facts.config["sliding_window"] is None:
        if listed is not None and SLIDING in listed:
            raise BadCheckpoint(
                f"{facts.checkpoint.path}: its config says layer_types = {SLIDING}, but states no window that is used; "
                "set sliding_window (and use_sliding_window, for Qwen), or list full_attention"
            )
        return None
    window = facts.whole("sliding_window")
    if facts.kind == "mistral":
        if listed is not None and FULL in listed:
            raise NotThisModel(
                f"{facts.checkpoint.path}: its config says layer_types = {FULL}, which is not supported in a Mistral "
                f"model with sliding_window = {window}, where every layer slides"
            )
        return (window,) * n_layers
    first = facts.whole("max_window_layers") if facts.config["max_window_layers"] != 0 else 0
    slid = (
        [index >= first for index in range(n_layers)] if listed is None else [is_slid == SLIDING for is_slid in listed]
    )
    return tuple(window if is_slid else None for is_slid in slid)


def _layer(facts: Facts, shape: Architecture, read: Reader, at: str) -> Layer:
    inputs = facts.kind == "qwen2" or bool(facts.config.get("attention_bias"))  # Qwen 2 always has these

    def gain(name: str) -> Norm | None:
        full = f"{at}self_attn.{name}.weight"
        return Norm(read(full, shape.d_head), centres=False) if facts.kind == "qwen3" else None

    norm, after = two_norms(read, at, shape, centres=False)
    return layer_of(
        read,
        f"{at}self_attn.",
        shape,
        norm,
        gated(read, f"{at}mlp.", shape, after, biased=bool(facts.config.get("mlp_bias"))),
        inputs=inputs,
        output=inputs and facts.kind != "qwen2",
        q_norm=gain("q_norm"),
        k_norm=gain("k_norm"),
    )
