"""What most architectures of GGUF state alike, in the words of a config.json, and the layout of their files."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from loadstore.checkpoints.families.gguf_keys import one_fact
from loadstore.checkpoints.families.gguf_read import LAYER, RMS
from loadstore.checkpoints.families.layout import Layout
from loadstore.checkpoints.gguf import GGUF
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.model.rotary import Pairs
from loadstore.quote import quote

FACTORS = "rope_freqs.weight"
FACTORED = ("llama", "arcee", "granite", "smollm3")  # llama.cpp's converter writes factors for no other of these
MOST_FACTORS = 1 << 12


def sizes(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Sizes under the keys of Llama; the reader of the config reports those that are missing or wrong.

    Values must be as wide as keys.
    """
    heads, d_head = own.get("attention.head_count"), width_of_head(own)
    if own.get("attention.value_length", d_head) != d_head:
        raise NotThisModel(f"{file.path}: its values are wider or narrower than its keys, which is not supported")
    return {
        "num_hidden_layers": own.get("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": own.get("attention.head_count_kv", heads),
        "hidden_size": own.get("embedding_length"),
        "head_dim": d_head,
        "intermediate_size": own.get("feed_forward_length"),
        "max_position_embeddings": own.get("context_length"),
    }


def turning(
    file: GGUF, kind: str, own: dict[str, Any], yarn: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Sizes and rotary positions, of an architecture that divides scores by the root of a head's width."""
    check_scale(file.path, kind, own)
    return sizes(file, own) | {"rope_parameters": rotary(file.path, kind, own, yarn)} | more


def normed(file: GGUF, kind: str, own: dict[str, Any], yarn: dict[str, Any] | None = None) -> dict[str, Any]:
    """The same with the ε of RMSNorms."""
    return turning(file, kind, own, yarn, rms_norm_eps=rms(file, kind, own))


def plain_sizes(file: GGUF, kind: str, own: dict[str, Any], *, grouped: bool = False) -> None:
    """Refuse heads that are not as wide as their share, and groups of heads unless they are ``grouped``."""
    check_scale(file.path, kind, own)
    sizes(file, own)
    d, heads, d_head = own.get("embedding_length"), own.get("attention.head_count"), own.get("attention.key_length")
    if d_head is not None:
        shared = {f"{kind}.attention.key_length": d_head, "embedding_length / head_count": ratio(d, heads)}
        one_fact(file.path, **shared)
    if not grouped:
        one_fact(file.path, **{name: own.get(name) for name in ("attention.head_count", "attention.head_count_kv")})


def width_of_head(own: dict[str, Any]) -> Any:
    """The width of a head, stated or shared; None if it cannot be determined."""
    stated = own.get("attention.key_length")
    return ratio(own.get("embedding_length"), own.get("attention.head_count")) if stated is None else stated


def rms(file: GGUF, kind: str, own: dict[str, Any]) -> Any:
    """The ε of RMSNorms."""
    return needed(file.path, kind, own, RMS)


def layer_norm(file: GGUF, kind: str, own: dict[str, Any]) -> Any:
    """The ε of LayerNorms."""
    return needed(file.path, kind, own, LAYER)


def check_scale(path: Path, kind: str, own: dict[str, Any]) -> None:
    """Refuse a scale of scores other than one over the root of the head's width."""
    scale, d_head = own.get("attention.scale", 0), width_of_head(own)
    root = d_head**-0.5 if type(d_head) is int and d_head > 0 else 0.0
    if scale != 0 and not (isinstance(scale, float) and math.isclose(scale, root, rel_tol=1e-6)):
        key = f"{kind}.attention.scale"
        raise NotThisModel(
            f"{path} states {key} = {quote(scale, 40)}, which is not supported; loadstore uses {root:.6g}, one "
            f"over the square root of the head's width; if that makes no difference, load(…, ignore=['{key}'])"
        )


def biased(file: GGUF) -> tuple[bool, bool]:
    """Whether the first layer has biases in its attention, and in its MLP."""
    attention = any(f"blk.0.attn_{part}.bias" in file.stored for part in ("q", "k", "v", "qkv", "output"))
    return attention, any(f"blk.0.ffn_{part}.bias" in file.stored for part in ("gate", "up", "down"))


def single(value: float) -> float:
    """A number as a file keeps it, in float32."""
    return float(np.float32(value))


def ratio(d: object, heads: object) -> int | None:
    """A share, None where it cannot be computed."""
    return d // heads if type(d) is int and type(heads) is int and heads > 0 else None


def needed(path: Path, kind: str, own: dict[str, Any], name: str) -> Any:
    """A fact that has no default. Raises BadCheckpoint."""
    if name not in own:
        raise BadCheckpoint(f"{path} does not state {kind}.{name}, which has no default; download it again")
    return own[name]


def rotary(path: Path, kind: str, own: dict[str, Any], yarn: dict[str, Any] | None = None) -> dict[str, Any]:
    """Base and scaling of rotary positions, in the words of a config.json.

    llama.cpp scales linearly where the kind is not stated, and takes ``scale_linear`` for the factor's old name.
    ``yarn``: what the architecture's YaRN has beside the numbers that the file states; None where it has none.
    """
    names = ("rope.scaling.factor", "rope.scale_linear")
    factor: object = one_fact(path, **{f"{kind}.{name}": own.get(name) for name in names})
    scaling: object = own.get("rope.scaling.type", "linear")
    base = {"rope_theta": own.get("rope.freq_base", 10_000.0)}
    if scaling == "yarn":
        if yarn is None:  # llama.cpp's has other numbers than that of Hugging Face
            raise NotThisModel(
                f"{path}: rotary scaling 'yarn' is not supported in GGUF for a {kind} model; supported are none, linear"
            )
        stated = {
            "factor": factor,
            "original_max_position_embeddings": own.get("rope.scaling.original_context_length"),
            "beta_fast": own.get("rope.scaling.yarn_beta_fast"),
            "beta_slow": own.get("rope.scaling.yarn_beta_slow"),
        }
        given = {name: value for name, value in stated.items() if value is not None}
        return base | {"rope_type": "yarn"} | given | yarn
    plain = scaling == "none" or (scaling == "linear" and type(factor) is not bool and factor in (None, 0, 1))
    return base | {"rope_type": "default"} if plain else base | {"rope_type": scaling, "factor": factor}


def layout_of(
    file: GGUF, kind: str, own: dict[str, Any], pairs: Pairs | None, *, added: bool = False, apart: bool = False
) -> Layout:
    """The layout of a file; arguments beside its facts as in ``Layout``. All dimensions turn unless it counts some."""
    factors: tuple[float, ...] | None = None
    if FACTORS in file.stored and kind in FACTORED:
        tensor = file.tensors()[FACTORS]
        if tensor.numel() > MOST_FACTORS:
            raise BadCheckpoint(
                f"{file.path}: {FACTORS} has {tensor.numel()} entries; it is damaged; download it again"
            )
        factors = tuple(tensor.flatten().tolist())
    turned: object = own.get("rope.dimension_count", width_of_head(own))
    if turned is not None and type(turned) is not int:
        raise BadCheckpoint(
            f"{file.path}: {kind}.rope.dimension_count = {quote(turned, 40)}, expected a whole number; download it "
            "again"
        )
    return Layout(pairs, factors, turned, added, apart)
