"""Rotary frequencies as configs of Hugging Face state them: base, share of a head, and scaling.

Frequencies are computed in float32 by the same expressions as the reference, so that they are the same numbers.
"""

import math
import sys
from dataclasses import dataclass
from typing import Any, cast

import torch

from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.models.families.huggingface import Facts
from loadstore.models.quote import quote, some
from loadstore.models.rotary import MOST_DIMENSIONS, Pairs, Rotary


@dataclass(frozen=True)
class RopeFacts:
    """Facts about rotary positions that a config.json cannot state, and a GGUF file can.

    ``pairs``: which dimensions make a pair. ``factors``: by how much each pair turns slower, None for 1.
    ``dimensions``: how many dimensions of a head turn, None for the share that the config states.
    """

    pairs: Pairs = "halves"
    factors: tuple[float, ...] | None = None
    dimensions: int | None = None


def rotary_of(facts: Facts, d_head: int, share: float | None = None, rope: RopeFacts | None = None) -> Rotary:
    """Return the rotary positions that a config states. Raises NotThisModel for a scaling that is not computed.

    ``share``: how much of a head turns where the config does not say; None for a family that turns whole heads.
    ``rope``: facts of a GGUF file.
    """
    beyond = rope or RopeFacts()
    stated = _parameters(facts)
    base = _number(facts, stated, "rope_theta", facts.number("rope_theta", "rotary_emb_base", default=10_000.0))
    usual = facts.number("partial_rotary_factor", default=1.0 if share is None else share)
    turning = _number(facts, stated, "partial_rotary_factor", usual)
    if share is None and turning != 1:
        raise NotThisModel(
            f"{facts.checkpoint.path}: its config says partial_rotary_factor = {turning}, which this family does not "
            "have; supported: 1"
        )
    dimensions = int(d_head * turning) if beyond.dimensions is None else beyond.dimensions
    if not 2 <= dimensions <= min(d_head, MOST_DIMENSIONS) or dimensions % 2 or base <= 0:
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: rotary positions over {dimensions} of {d_head} dimensions with base {base} are "
            "impossible"
        )
    frequencies = 1.0 / (base ** (torch.arange(0, dimensions, 2, dtype=torch.int64).float() / dimensions))
    kind = str(stated.get("rope_type", stated.get("type", "default")))
    if kind == "linear":
        frequencies = frequencies / _number(facts, stated, "factor")  # Rotary refuses what a factor of 0 makes
    elif kind == "llama3":
        frequencies = _llama3(facts, stated, frequencies)
    elif kind != "default":
        raise NotThisModel(
            f"{facts.checkpoint.path}: rotary scaling '{quote(kind, 40)}' is not supported; supported are default, "
            "linear and llama3"
        )
    if beyond.factors is not None:  # what llama.cpp has worked out of Llama 3's scaling
        frequencies = frequencies / _factors(facts, beyond.factors, len(frequencies))
    return Rotary(tuple(frequencies.tolist()), beyond.pairs, single=True)


def _parameters(facts: Facts) -> dict[str, Any]:
    """Return rope_scaling (older configs) or rope_parameters (new ones); empty where neither is stated."""
    stated: object = facts.config.get("rope_scaling") or facts.config.get("rope_parameters") or {}
    if not isinstance(stated, dict):
        raise BadCheckpoint(f"{facts.checkpoint.path}: its rotary parameters are no object: {quote(stated, 60)}")
    known = cast("dict[str, Any]", stated)
    if nested := [name for name, one in known.items() if isinstance(one, dict)]:
        raise NotThisModel(
            f"{facts.checkpoint.path}: its rotary parameters differ by kind of layer ({some(nested)}), which is not "
            "supported"
        )
    return known


def _number(facts: Facts, stated: dict[str, Any], name: str, default: float | None = None) -> float:
    value = stated.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise BadCheckpoint(f"{facts.checkpoint.path}: its rotary parameters say {name} = {quote(value, 40)}")
    return float(value)


def _factors(facts: Facts, factors: tuple[float, ...], pairs: int) -> torch.Tensor:
    """How many times slower each pair turns."""
    if len(factors) != pairs or not all(type(one) is float and one > 0 for one in factors):
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its rotary factors are {quote(list(factors), 60)}, expected {pairs} numbers "
            "above 0"
        )
    return torch.tensor(factors)


def _llama3(facts: Facts, stated: dict[str, Any], frequencies: torch.Tensor) -> torch.Tensor:
    """Slow dimensions are slowed by ``factor``, fast ones kept, those between interpolated. Source: Llama 3.1."""
    factor, low, high = (_number(facts, stated, name) for name in ("factor", "low_freq_factor", "high_freq_factor"))
    context = facts.number("max_position_embeddings", default=0.0)
    old = _number(facts, stated, "original_max_position_embeddings", context)
    if min(factor, low, old) <= 0 or high <= low:
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its rotary parameters are impossible: factor {factor}, low_freq_factor {low}, "
            f"high_freq_factor {high}, original_max_position_embeddings {old}"
        )
    if not (factor > 0 and 0 < low < high and old > 0):
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its rotary parameters say factor = {factor:g}, low_freq_factor = {low:g}, "
            f"high_freq_factor = {high:g}, original_max_position_embeddings = {old:g}; expected numbers above 0, the "
            "second below the third"
        )
    lengths = 2 * math.pi / frequencies
    scaled = torch.where(lengths > old / low, frequencies / factor, frequencies)
    smooth = (old / lengths - low) / (high - low)
    between = (1 - smooth) * scaled / factor + smooth * scaled
    middle = ~(lengths < old / high) * ~(lengths > old / low)
    return torch.where(middle, between, scaled)
