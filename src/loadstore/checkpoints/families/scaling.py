"""Base, share and scaling of rotary positions: one answer from all the keys that a config may state them in.

The reference's rule, which older and newer configs share: ``rope_scaling`` where it is stated, else
``rope_parameters``; what that object leaves out is a key of the config itself, else a default. Here all that is stated
must agree, so that no key is passed over.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

from loadstore.checkpoints.families.huggingface import Facts
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.quote import quote, some

BASE = 10_000.0
FULL, SLIDING = "full_attention", "sliding_attention"  # kinds of layers, which may have parameters of their own
USED: dict[str, tuple[str, ...]] = {  # by kind of scaling: the numbers that it needs besides base and share
    "default": (),
    "linear": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
    "yarn": (
        *("factor", "original_max_position_embeddings", "attention_factor", "beta_fast", "beta_slow"),
        *("mscale", "mscale_all_dim", "truncate"),
    ),
}
ALWAYS = ("rope_type", "type", "rope_theta", "partial_rotary_factor")
OLD = "original_max_position_embeddings"
SOLID = (OLD, "truncate", "rope_theta", "partial_rotary_factor")  # of YaRN, which may not be null


class Names(NamedTuple):
    """The keys outside an object that state base and share; the share by default; whether less than a head may turn.

    ``rounds``: an odd number of turning dimensions is rounded up. ``usual_base``: the base by default.
    """

    base: str
    share: str
    usual: float
    partial: bool = True
    rounds: bool = False
    usual_base: float = BASE


@dataclass(frozen=True)
class Scaling:
    """Base, share of a head that turns, and scaling.

    ``low``, ``high``, ``old``: of Llama 3's and YaRN's, there β_slow and β_fast. YaRN alone has ``strength``, by which
    it multiplies what turns, ``all_dimensions``, mscale_all_dim, and may ``truncate`` to whole dimensions.
    """

    kind: str
    base: float
    share: float
    factor: float = 1.0
    low: float = 1.0
    high: float = 1.0
    old: float = 1.0
    strength: float = 1.0
    all_dimensions: float = 0.0
    truncate: bool = True


def scaling_of(facts: Facts, names: Names) -> Scaling:
    """Read a config. Raises NotThisModel for a scaling that is not computed, BadCheckpoint."""
    objects = {name: _object(facts, name) for name in ("rope_scaling", "rope_parameters")}
    stated = {name: settings for name, settings in objects.items() if settings}
    scalings = [_read(facts, names, name, settings) for name, settings in stated.items()] or [
        _read(facts, names, "config", {})
    ]
    if len(scalings) == 2 and scalings[0] != scalings[1]:
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its config says rope_scaling = {quote(objects['rope_scaling'], 60)} and "
            f"rope_parameters = {quote(objects['rope_parameters'], 60)}, which disagree; remove one of them"
        )
    return scalings[0]


def used(stated: dict[str, Any]) -> set[str]:
    """The keys of an object of rotary parameters that its kind of scaling reads."""
    return {FULL, SLIDING, *ALWAYS, *USED.get(str(stated.get("rope_type", stated.get("type", "default"))), ())}


def _object(facts: Facts, name: str) -> dict[str, Any]:
    stated: object = facts.config.get(name)
    if stated is None:
        return {}
    if not isinstance(stated, dict):
        raise BadCheckpoint(f"{facts.checkpoint.path}: its config's {name} is not an object: {quote(stated, 60)}")
    settings = cast("dict[str, Any]", stated)
    if nested := [name for name, value in settings.items() if isinstance(value, dict)]:
        raise NotThisModel(
            f"{facts.checkpoint.path}: its rotary parameters differ by kind of layer ({some(nested)}), which is not "
            "supported"
        )
    return settings


def _read(facts: Facts, names: Names, at: str, stated: dict[str, Any]) -> Scaling:
    """Read one object and complete it; every other key for the same fact must agree."""
    where, kind = facts.checkpoint.path, _kind(facts, stated)
    lengthens = kind == "yarn" and "factor" in stated and stated["factor"] is None  # by the lengths of contexts
    if kind == "yarn":  # whose other keys may be null
        stated = {key: value for key, value in stated.items() if value is not None or key in SOLID}
    if unknown := sorted(set(stated) - {*ALWAYS, *USED[kind]}):
        key = f"{at}.{quote(unknown[0], 60)}"
        raise NotThisModel(
            f"{where}: its config says {key} = {quote(stated[unknown[0]], 40)}, which rotary scaling '{kind}' does not "
            f"use; remove it, or load the model with ignore=['{key}']"
        )

    def number(name: str, outside: tuple[str, ...], default: float | None = None) -> float:
        values = {f"{at}.{name}": stated[name]} if name in stated else {}
        values |= {key: facts.config[key] for key in outside if key in facts.config}
        numbers = {key: facts.finite(key, value) for key, value in values.items()}
        if not numbers and default is None:
            raise BadCheckpoint(f"{where}: its rotary scaling '{kind}' states no {name}, which it needs")
        if len(set(numbers.values())) > 1:
            said = " and ".join(f"{key} = {quote(value, 40)}" for key, value in values.items())
            raise BadCheckpoint(f"{where}: its config says {said}, two keys for one setting; remove one of them")
        return next(iter(numbers.values()), default or 0.0)

    base = number("rope_theta", (names.base,), names.usual_base)
    share = number("partial_rotary_factor", (names.share,), names.usual)
    for key, value in (("rope_theta", base), ("partial_rotary_factor", share)):
        facts.agree(key, value, names.base if key == "rope_theta" else names.share)
    if not names.partial and share != 1:
        raise NotThisModel(
            f"{where}: its config says partial_rotary_factor = {share}, which this family does not have; supported: 1"
        )
    if kind == "default":
        return Scaling(kind, base, share)
    if kind == "linear":
        return Scaling(kind, base, share, number("factor", ()))
    old = number(OLD, (OLD,), facts.number("max_position_embeddings"))
    if kind == "yarn":
        factor = facts.number("max_position_embeddings") / old if lengthens and old > 0 else number("factor", ())
        return _yarn(facts, stated, Scaling(kind, base, share, factor, old=old), number)
    factor = number("factor", ())
    low, high = number("low_freq_factor", ()), number("high_freq_factor", ())
    if min(factor, low, old) <= 0 or high <= low:
        raise BadCheckpoint(
            f"{where}: its rotary parameters are impossible: factor {factor}, low_freq_factor {low}, "
            f"high_freq_factor {high}, {OLD} {old}; expected numbers above 0, the second below the third"
        )
    return Scaling(kind, base, share, factor, low, high, old)


def _yarn(facts: Facts, stated: dict[str, Any], begun: Scaling, number: Callable[..., float]) -> Scaling:
    """The other numbers of YaRN: 0 is none of them, as in the reference."""
    fast, slow = number("beta_fast", (), 32.0) or 32.0, number("beta_slow", (), 1.0) or 1.0
    scale, every, truncates = number("mscale", (), 0.0), number("mscale_all_dim", (), 0.0), stated.get("truncate", True)
    usual = growth(begun.factor, scale) / growth(begun.factor, every) if scale and every else growth(begun.factor)
    strength = number("attention_factor", (), usual)
    possible = min(begun.factor, begun.old, fast, slow, strength) > 0 and begun.base not in (0, 1)
    if not possible or type(truncates) is not bool:
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its rotary parameters are impossible: factor {begun.factor}, {OLD} {begun.old}, "
            f"beta_fast {fast}, beta_slow {slow}, attention_factor {strength}, truncate {quote(truncates, 40)}; "
            "expected numbers above 0, and true or false"
        )
    return replace(begun, low=slow, high=fast, strength=strength, all_dimensions=every, truncate=truncates)


def growth(factor: float, by: float = 1.0) -> float:
    """How much YaRN multiplies for a context that is ``factor`` times as long."""
    return 1.0 if factor <= 1 else 0.1 * by * math.log(factor) + 1.0


def _kind(facts: Facts, stated: dict[str, Any]) -> str:
    """The kind of scaling; the older name of the key, type, must agree with rope_type."""
    kinds = {name: stated[name] for name in ("rope_type", "type") if name in stated}
    if len({str(stated_kind) for stated_kind in kinds.values()}) > 1:
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its config says rope_type = {quote(kinds['rope_type'], 40)} and type = "
            f"{quote(kinds['type'], 40)}, two keys for one setting; remove one of them"
        )
    kind = next(iter(kinds.values()), "default")
    if not isinstance(kind, str) or kind not in USED:
        raise NotThisModel(
            f"{facts.checkpoint.path}: rotary scaling '{quote(kind, 40)}' is not supported; supported are "
            f"{', '.join(USED)}"
        )
    return kind
