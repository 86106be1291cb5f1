"""What a HookedTransformer config states: facts that tensors cannot, and facts that must agree with them.

Values may be JSON or text (``"2"``, ``"True"``); what would change a number and is not computed is an error.
"""

import math
from pathlib import Path
from typing import Any

from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.model.architecture import NormKind
from loadstore.quote import quote

Config = dict[str, Any]
NORMS: dict[str, NormKind] = {"None": "none", "LN": "layer", "LNPre": "layer", "RMS": "rms", "RMSPre": "rms"}
UNSET = "-1"
OFF = ("False", "None")
NO_CAP = ("None", "0", "0.0", "-1", "-1.0")
SUPPORTED: dict[str, tuple[str, ...]] = {  # the values of each that the forward pass computes, the usual one first
    "attention_dir": ("causal",),
    "use_attn_scale": ("True",),
    "scale_attn_by_inverse_layer_idx": OFF,
    "use_local_attn": OFF,
    "attn_scores_soft_cap": NO_CAP,
    "output_logits_soft_cap": NO_CAP,
    "use_qk_norm": OFF,
    "clip_qkv": ("None",),
    "use_logn_attn": OFF,
    "use_attention_sinks": OFF,
    "use_normalization_before_and_after": OFF,
    "post_embedding_ln": OFF,
    "num_experts": ("None",),
    "load_in_4bit": OFF,
    "use_NTK_by_parts_rope": OFF,
    "use_dynamic_ntk_rope": OFF,
    "use_yarn_rope": OFF,
    "rotary_scaling_factor": ("1.0", "1", "None"),
}


def agreed(config: Config, measured: dict[str, int | bool], path: Path) -> None:
    """Raise BadCheckpoint where the config states something else than was found in the tensors."""
    for key, value in measured.items():
        if str(config.get(key, value)) not in (str(value), UNSET):
            raise BadCheckpoint(
                f"{path}: its config says {key} = {quote(config[key], 40)}, its tensors say {value}; they belong to "
                "different models"
            )


def check(config: Config, sizes: dict[str, int | bool], path: Path) -> None:
    """Raise BadCheckpoint where sizes contradict the tensors, NotThisModel on a variant that is not computed."""
    agreed(config, sizes, path)
    for key, values in SUPPORTED.items():
        if str(config.get(key, values[0])) not in values:
            raise NotThisModel(
                f"{path}: its config says {key} = {quote(config[key], 40)}; supported is {values[0]} only"
            )
    _check_scale(config, sizes["d_head"], path)


def _check_scale(config: Config, d_head: int, path: Path) -> None:
    scale = number(config, "attn_scale", -1.0, path)  # −1 is how the format says that none was chosen
    if scale != -1.0 and not math.isclose(scale, math.sqrt(d_head), rel_tol=1e-6):
        raise NotThisModel(
            f"{path}: its config says attn_scale = {scale:g}; supported is √d_head = {math.sqrt(d_head):g} only"
        )


def norms_of(config: Config, *, has: bool, biased: bool, path: Path) -> tuple[NormKind, NormKind]:
    """The norm of the layers and the last one; ``has``: there are norm tensors, ``biased``: with β.

    Raises where config and tensors do not agree, or where neither distinguishes a LayerNorm from an RMSNorm.
    """
    if not {"normalization_type", "normalization"} & set(config):
        if has and not biased:
            raise NotThisModel(
                f"{path} has norms with gains only and does not state their kind; add a config.json beside it with "
                "normalization_type 'LN' (centres) or 'RMS' (does not)"
            )
        kind = "LN" if has else "None"
    else:
        kind = str(config.get("normalization_type", config.get("normalization")))
        if kind not in NORMS:
            raise NotThisModel(f"{path}: norm '{quote(kind, 40)}' is not supported; supported are {', '.join(NORMS)}")
        if has != (kind in ("LN", "RMS")):
            raise BadCheckpoint(
                f"{path}: its config says norm {kind}, but it has {'' if has else 'no '}norm tensors (ln1, ln_final); "
                "they belong to different models"
            )
    last = "rms" if NORMS[kind] == "layer" and truth(config, "final_rms", path) else NORMS[kind]
    return NORMS[kind], last


def eps_of(config: Config, path: Path) -> float:
    """The ε of the norms, by default 1e-5. Raises BadCheckpoint if it is not a number, or if two keys disagree."""
    stated = {number(config, key, 1e-5, path) for key in ("eps", "ln_eps") if key in config}
    if len(stated) > 1:
        raise BadCheckpoint(f"{path}: its config contradicts itself: eps and ln_eps are {sorted(stated)}")
    return stated.pop() if stated else 1e-5


def number(config: Config, key: str, default: float, path: Path) -> float:
    """A number that the config states, or the default. Raises BadCheckpoint when it is none."""
    try:
        return float(config.get(key, default))
    except (TypeError, ValueError, OverflowError):
        raise BadCheckpoint(
            f"{path}: its config says {key} = {quote(config[key], 40)}, expected a number; correct it"
        ) from None


def whole(config: Config, key: str, path: Path) -> int | None:
    """A whole number that the config states, or None. Raises BadCheckpoint when it is something else."""
    if str(config.get(key)) == "None":
        return None
    value = number(config, key, 0.0, path)
    if not value.is_integer():
        raise BadCheckpoint(f"{path}: its config says {key} = {value:g}, expected a whole number; correct it")
    return int(value)


def truth(config: Config, key: str, path: Path) -> bool:
    """A flag that the config states; absent is no. Raises NotThisModel when it is neither true nor false."""
    flag = str(config.get(key))
    if flag not in ("None", "True", "False"):
        raise NotThisModel(f"{path}: its config says {key} = {quote(flag, 40)}; expected true or false")
    return flag == "True"
