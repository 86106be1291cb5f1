"""What a HookedTransformer config states: facts that tensors cannot, and facts that must agree with them.

Values may be JSON or text (``"2"``, ``"True"``); what would change a number and is not supported is an error.
"""

from pathlib import Path
from typing import Any

from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.models.architecture import NormKind, Positions
from loadstore.models.quote import quote

Config = dict[str, Any]
NORMS: dict[str, NormKind] = {"None": "none", "LN": "layer", "LNPre": "layer"}
SUPPORTED = {  # the only value of each that the forward pass computes
    "attention_dir": "causal",
    "use_attn_scale": "True",
    "scale_attn_by_inverse_layer_idx": "False",
    "use_local_attn": "False",
    "final_rms": "False",
    "attn_only": "True",
}


def check(config: Config, sizes: dict[str, int], path: Path) -> None:
    """Raise BadCheckpoint where sizes contradict the tensors, NotThisModel on a variant that is not computed."""
    for key, found in sizes.items():
        if key in config and str(config[key]) != str(found):
            raise BadCheckpoint(
                f"{path}: its config says {key} = {quote(config[key], 40)}, its tensors say {found}; "
                "one of the two belongs to another model"
            )
    for key, value in SUPPORTED.items():
        if str(config.get(key, value)) != value:
            raise NotThisModel(f"{path}: its config says {key} = {quote(config[key], 40)}; supported is {value} only")


def positions_of(config: Config, path: Path) -> Positions | None:
    """The scheme that a config states, or None. Raises NotThisModel on another scheme or a contradiction."""
    kind, flag = config.get("positional_embedding_type"), str(config.get("shortformer_pos"))
    if kind not in (None, "standard", "shortformer"):
        raise NotThisModel(f"{path}: positions '{quote(kind, 40)}' are not supported; use standard or shortformer")
    if flag not in ("None", "True", "False"):
        raise NotThisModel(f"{path}: its config says shortformer_pos = {quote(flag, 40)}; expected true or false")
    if (flag, kind) in (("True", "standard"), ("False", "shortformer")):
        raise NotThisModel(f"{path}: its config contradicts itself: shortformer_pos = {flag}, positions {kind!r}")
    if kind == "shortformer" or flag == "True":
        return "shortformer"
    return None if (kind, flag) == (None, "None") else "learned"


def norm_of(config: Config, *, has: bool, path: Path) -> NormKind:
    """The norm that config and tensors agree on; ``has``: there are norm tensors. Raises where they do not."""
    if not {"normalization_type", "normalization"} & set(config):
        return "layer" if has else "none"
    kind = str(config.get("normalization_type", config.get("normalization")))
    if kind not in NORMS:
        raise NotThisModel(f"{path}: norm '{quote(kind, 40)}' is not supported; supported are None, LN and LNPre")
    if has != (kind == "LN"):
        raise BadCheckpoint(
            f"{path}: its config says norm {kind}, but it has {'' if has else 'no '}norm tensors (ln1, ln_final); "
            "one of the two belongs to another model"
        )
    return NORMS[kind]


def eps_of(config: Config, path: Path) -> float:
    """The ε of the norms, 1e-5 where it is not stated. Raises BadCheckpoint when it is no number."""
    try:
        return float(config.get("eps", 1e-5))
    except (TypeError, ValueError, OverflowError):
        raise BadCheckpoint(f"{path}: its config says eps = {quote(config['eps'], 40)}, expected a number") from None
