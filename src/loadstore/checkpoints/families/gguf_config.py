"""The facts of a GGUF file in the words of a config.json, and what only a GGUF file states of rotary positions."""

import math
from pathlib import Path
from typing import Any

from loadstore.checkpoints.families.gguf_keys import LAYER, RMS, one_fact
from loadstore.checkpoints.families.rope import RopeFacts
from loadstore.checkpoints.families.scaling import FULL, SLIDING
from loadstore.checkpoints.gguf import GGUF
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.quote import quote

FACTORS = "rope_freqs.weight"
MOST_FACTORS = 1 << 12
LARGEST = 62  # layers of Gemma 3 27B


def config_of(file: GGUF, kind: str, own: dict[str, Any]) -> dict[str, Any]:
    """Return the facts in the words of a config.json; its reader reports facts that are missing or wrong."""
    rows = file.stored["token_embd.weight"].shape[0] if "token_embd.weight" in file.stored else None
    vocab = one_fact(file.path, **{f"{kind}.vocab_size": own.get("vocab_size"), "rows of token_embd.weight": rows})
    tied = {"vocab_size": vocab, "tie_word_embeddings": "output.weight" not in file.stored}
    heads, d = own.get("attention.head_count"), own.get("embedding_length")
    d_head = own.get("attention.key_length")
    _common(file.path, kind, own)
    if kind == "gpt2":
        if d_head is not None:
            one_fact(
                file.path, **{"gpt2.attention.key_length": d_head, "embedding_length / head_count": _ratio(d, heads)}
            )
        one_fact(file.path, **{name: own.get(name) for name in ("attention.head_count", "attention.head_count_kv")})
        return tied | {
            "n_layer": own.get("block_count"),
            "n_head": heads,
            "n_embd": d,
            "n_inner": own.get("feed_forward_length"),
            "n_positions": own.get("context_length"),
            "layer_norm_epsilon": _needed(file.path, kind, own, LAYER),
        }
    if kind == "gemma3":
        return tied | _gemma(file, own)
    slides = own.get("attention.sliding_window") or None
    return tied | {
        **_biases(file, kind, slides=slides is not None),
        # Every layer slides where a window is stated, as Mistral's do.
        "model_type": "mistral" if slides and kind == "llama" else kind,
        "num_hidden_layers": own.get("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": own.get("attention.head_count_kv", heads),
        "hidden_size": d,
        "head_dim": _ratio(d, heads) if d_head is None else d_head,
        "intermediate_size": own.get("feed_forward_length"),
        "max_position_embeddings": own.get("context_length"),
        "rms_norm_eps": _needed(file.path, kind, own, RMS),
        "sliding_window": slides,
        "rope_parameters": _rotary(file.path, kind, own),
    }


def _gemma(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Facts of Gemma 3. llama.cpp lets all layers but every sixth slide, and turns those by 10,000 by default.

    Its scale of scores is 1/√d_head, except that of the model of 62 layers, which has 1/√(d_model / heads).
    """
    heads, d, layers = (own.get(name) for name in ("attention.head_count", "embedding_length", "block_count"))
    d_head = _ratio(d, heads) if own.get("attention.key_length") is None else own["attention.key_length"]
    whole = _rotary(file.path, "gemma3", own)
    local = {"rope_type": "default", "rope_theta": own.get("rope.freq_base_swa", 10_000.0)}
    return {
        "model_type": "gemma3_text",
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": own.get("attention.head_count_kv", heads),
        "hidden_size": d,
        "head_dim": d_head,
        "query_pre_attn_scalar": _ratio(d, heads) if layers == LARGEST else d_head,
        "intermediate_size": own.get("feed_forward_length"),
        "max_position_embeddings": own.get("context_length"),
        "rms_norm_eps": _needed(file.path, "gemma3", own, RMS),
        "sliding_window": _needed(file.path, "gemma3", own, "attention.sliding_window"),
        "rope_parameters": {FULL: whole, SLIDING: local},
    }


def _biases(file: GGUF, kind: str, *, slides: bool) -> dict[str, Any]:
    """Which biases there are, and whether Qwen's layers slide, in the words of each family."""
    attention = any(f"blk.0.attn_{part}.bias" in file.stored for part in ("q", "k", "v", "output"))
    inside = any(f"blk.0.ffn_{part}.bias" in file.stored for part in ("gate", "up", "down"))
    if kind == "llama":
        return {} if slides else {"attention_bias": attention, "mlp_bias": inside}
    window = {"use_sliding_window": slides, "max_window_layers": 0}
    return window if kind == "qwen2" else window | {"attention_bias": attention}


def _common(path: Path, kind: str, own: dict[str, Any]) -> None:
    """Heads as every family computes them: values as wide as keys, scores divided by the root of that width."""
    d_head: object = own.get("attention.key_length")
    if d_head is None:
        d_head = _ratio(own.get("embedding_length"), own.get("attention.head_count"))
    if own.get("attention.value_length", d_head) != d_head:
        raise NotThisModel(f"{path}: its values are wider or narrower than its keys, which is not supported")
    scale: object = own.get("attention.scale", 0)
    root = d_head**-0.5 if type(d_head) is int and d_head > 0 else 0.0
    if scale != 0 and not (isinstance(scale, float) and math.isclose(scale, root, rel_tol=1e-6)):
        key = f"{kind}.attention.scale"
        raise NotThisModel(
            f"{path} states {key} = {quote(scale, 40)}, which is not supported; loadstore uses {root:.6g}, one "
            f"over the square root of the head's width; if that makes no difference, load(…, ignore=['{key}'])"
        )


def _ratio(d: object, heads: object) -> int | None:
    return d // heads if type(d) is int and type(heads) is int and heads > 0 else None


def _needed(path: Path, kind: str, own: dict[str, Any], name: str) -> Any:
    if name not in own:
        raise BadCheckpoint(f"{path} does not state {kind}.{name}, which has no default; download it again")
    return own[name]


def _rotary(path: Path, kind: str, own: dict[str, Any]) -> dict[str, Any]:
    """Base and scaling of rotary positions, in the words of a config.json.

    llama.cpp scales linearly where the kind is not stated, and takes ``scale_linear`` for the factor's old name.
    """
    names = ("rope.scaling.factor", "rope.scale_linear")
    factor: object = one_fact(path, **{f"{kind}.{name}": own.get(name) for name in names})
    scaling: object = own.get("rope.scaling.type", "linear")
    if scaling == "yarn":  # llama.cpp's has other numbers than that of Hugging Face
        raise NotThisModel(f"{path}: rotary scaling 'yarn' is not supported in GGUF; supported are none, linear")
    plain = scaling == "none" or (scaling == "linear" and type(factor) is not bool and factor in (None, 0, 1))
    rotary = {"rope_type": "default" if plain else scaling, "rope_theta": own.get("rope.freq_base", 10_000.0)}
    return rotary if plain else rotary | {"factor": factor}


def turns_of(file: GGUF, kind: str, own: dict[str, Any]) -> RopeFacts:
    """Rotary facts that no config.json states; llama.cpp orders Q and K of a Llama so that pairs are neighbours."""
    factors: tuple[float, ...] | None = None
    if FACTORS in file.stored:
        tensor = file.tensors()[FACTORS]
        if tensor.numel() > MOST_FACTORS:
            raise BadCheckpoint(
                f"{file.path}: {FACTORS} has {tensor.numel()} entries; it is damaged; download it again"
            )
        factors = tuple(tensor.flatten().tolist())
    turned: object = own.get("rope.dimension_count")
    if turned is not None and type(turned) is not int:
        raise BadCheckpoint(
            f"{file.path}: {kind}.rope.dimension_count = {quote(turned, 40)}, expected a whole number; download it "
            "again"
        )
    return RopeFacts("adjacent" if kind == "llama" else "halves", factors, turned)
