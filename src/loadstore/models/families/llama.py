"""Llama and what is built like it (SmolLM2, Mistral, Qwen 2 and 3): rotary positions, RMSNorms, a gated MLP.

The kin differ in facts only: biases of Q, K and V (Qwen 2), norms of queries and keys (Qwen 3), a sliding window in
some layers or all (Mistral, Qwen 2), scaled frequencies (Llama 3).
"""

from typing import Any, cast

from torch import Tensor

from loadstore.errors import BadCheckpoint
from loadstore.models.architecture import Architecture, Mlp
from loadstore.models.checkpoint import Checkpoint
from loadstore.models.families.huggingface import (
    Facts,
    Reader,
    biases_of,
    heads_of,
    outputs_of,
    some_bias,
    unembedding,
)
from loadstore.models.families.rope import RopeFacts, rotary_of
from loadstore.models.quote import quote
from loadstore.models.weights import Layer, MlpLayer, Norm, Weights

TYPES = ("llama", "mistral", "qwen2", "qwen3")
IGNORED = r".*\.rotary_emb\.inv_freq"
BOTH = ("full_attention", "sliding_attention")
LAYERS = {"mistral": ("sliding_attention",), "qwen2": BOTH, "qwen3": BOTH}  # the kinds of layers that a type can have


def build(checkpoint: Checkpoint, facts: Facts, rope: RopeFacts | None = None) -> Weights:
    """Name the tensors. Raises NotThisModel on unsupported facts, BadCheckpoint on damage."""
    facts.refuse_others(LAYERS.get(str(facts.config.get("model_type")), ("full_attention",)))
    n_layers, n_heads = facts.whole("num_hidden_layers"), facts.whole("num_attention_heads")
    d, width = facts.whole("hidden_size"), facts.whole("intermediate_size")
    d_head = facts.whole("head_dim", default=max(1, d // n_heads))
    shape = Architecture(
        n_layers=n_layers,
        n_heads=n_heads,
        n_kv_heads=facts.whole("num_key_value_heads", default=n_heads),
        d_model=d,
        d_head=d_head,
        vocab=facts.whole("vocab_size"),
        context=facts.whole("max_position_embeddings"),
        positions="rotary",
        norm="rms",
        eps=facts.number("rms_norm_eps", default=1e-6),
        rotary=rotary_of(facts, d_head, rope=rope),
        mlp=Mlp(width, gated=True, activation=facts.activation("hidden_act", "silu")),
        windows=_windows(facts, n_layers),
    )
    read = Reader(checkpoint, "model.")
    W_E = read("embed_tokens.weight", shape.vocab, d)
    weights = Weights(
        architecture=shape,
        W_E=W_E,
        W_pos=None,
        layers=tuple(_layer(read, facts, shape, width, f"layers.{index}.") for index in range(n_layers)),
        W_U=unembedding(read, "lm_head.weight", W_E, tied=facts.flag("tie_word_embeddings", default=False)),
        final_norm=read.norm("norm", d, centres=False),
        name=checkpoint.name,
    )
    read.finish(IGNORED)
    return weights


def _windows(facts: Facts, n_layers: int) -> tuple[int | None, ...] | None:
    """The sliding window of every layer: Mistral slides all, Qwen those that its config lists or numbers."""
    kind = facts.config.get("model_type")
    if kind == "llama" or (kind != "mistral" and not facts.flag("use_sliding_window", default=False)):
        return None
    if facts.config.get("sliding_window") is None:
        return None
    window = facts.whole("sliding_window")
    stated: Any = facts.config.get("layer_types")
    if stated is None:
        first = facts.whole("max_window_layers", default=0) if kind != "mistral" else 0
        return tuple(window if layer >= first else None for layer in range(n_layers))
    if not isinstance(stated, list) or len(cast("list[Any]", stated)) != n_layers:
        raise BadCheckpoint(f"{facts.checkpoint.path}: layer_types = {quote(stated, 60)}, expected {n_layers} of them")
    return tuple(window if one == "sliding_attention" else None for one in cast("list[Any]", stated))


def _layer(read: Reader, facts: Facts, shape: Architecture, width: int, at: str) -> Layer:
    h, kv, d, e = shape.n_heads, shape.kv_heads, shape.d_model, shape.d_head

    def gain(name: str) -> Norm | None:
        full = f"{at}self_attn.{name}.weight"
        needed = facts.config.get("model_type") == "qwen3"
        return Norm(read(full, e), centres=False) if needed or read.has(full) else None

    def bias(name: str, width: int) -> Tensor | None:
        """A bias that the config does not deny; one that it denies is left over, which is an error."""
        stated = facts.flag("mlp_bias" if name.startswith("mlp") else "attention_bias", default=True)
        return read.maybe(f"{at}{name}.bias", width) if stated else None

    return Layer(
        W_Q=heads_of(read(f"{at}self_attn.q_proj.weight", h * e, d), h),
        W_K=heads_of(read(f"{at}self_attn.k_proj.weight", kv * e, d), kv),
        W_V=heads_of(read(f"{at}self_attn.v_proj.weight", kv * e, d), kv),
        W_O=outputs_of(read(f"{at}self_attn.o_proj.weight", d, h * e), h),
        b_Q=biases_of(bias("self_attn.q_proj", h * e), h),
        b_K=biases_of(bias("self_attn.k_proj", kv * e), kv),
        b_V=biases_of(bias("self_attn.v_proj", kv * e), kv),
        b_O=some_bias(bias("self_attn.o_proj", d)),
        norm=read.norm(f"{at}input_layernorm", d, centres=False),
        q_norm=gain("q_norm"),
        k_norm=gain("k_norm"),
        mlp=MlpLayer(
            W_in=read(f"{at}mlp.up_proj.weight", width, d).mT,
            W_gate=read(f"{at}mlp.gate_proj.weight", width, d).mT,
            W_out=read(f"{at}mlp.down_proj.weight", d, width).mT,
            b_in=some_bias(bias("mlp.up_proj", width)),
            b_gate=some_bias(bias("mlp.gate_proj", width)),
            b_out=some_bias(bias("mlp.down_proj", d)),
            norm=read.norm(f"{at}post_attention_layernorm", d, centres=False),
        ),
    )
