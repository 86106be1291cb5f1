"""Rotary frequencies as configs of Hugging Face state them: base, share of a head, and scaling.

Frequencies are computed in float32 by the same expressions as the reference, so that they are the same numbers.
"""

import math

import torch

from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.families.scaling import Names, Scaling, scaling_of
from loadstore.checkpoints.families.yarn import yarn
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.model.rotary import MOST_DIMENSIONS, Pairs, Rotary
from loadstore.quote import quote

WHOLE = Names("rope_theta", "partial_rotary_factor", 1.0, partial=False)
HALF = Names("rope_theta", "partial_rotary_factor", 0.5)
# kinds whose class has no field head_dim, so that the reference takes null for the width itself
NO_NULL_HEAD = (
    "deepseek_v3",
    "qwen2",
    "qwen2_moe",
    "qwen3_moe",
    "phi",
    "olmo",
    "olmo2",
    "granite",
    "smollm3",
    "phi3",
    "cohere",
)
QUARTER = Names("rotary_emb_base", "rotary_pct", 0.25, rounds=True)


def head_of(facts: Facts, share: int) -> int:
    """The width of a head: ``head_dim``, or ``share``. Raises BadCheckpoint."""
    if "head_dim" in facts.config and facts.config["head_dim"] is None and facts.kind in NO_NULL_HEAD:
        raise BadCheckpoint(f"{facts.checkpoint.path}: its config says head_dim = null; remove it, or give a value")
    return facts.whole("head_dim", share)


def rotary_of(facts: Facts, d_head: int, names: Names, pairs: Pairs = "halves") -> Rotary:
    """Return the rotary positions that a config states, arguments and errors as for ``turns_of``.

    Raises NotThisModel for a scaling that multiplies what turns: a family must put that into its scores.
    """
    rotary, strength = turns_of(facts, d_head, names, pairs)
    if strength != 1:
        raise NotThisModel(
            f"{facts.checkpoint.path}: its rotary scaling 'yarn' multiplies queries and keys by {strength:.6g}, which "
            "is not supported for this kind of model"
        )
    return rotary


def score_scale(d_head: int, strength: float) -> float | None:
    """What q·k is multiplied by where both are multiplied by ``strength``; None for 1/√d_head."""
    return None if strength == 1 else d_head**-0.5 * strength**2


def turns_of(facts: Facts, d_head: int, names: Names, pairs: Pairs = "halves") -> tuple[Rotary, float]:
    """Return the rotary positions that a config states, and by how much they multiply what they turn.

    Args:
        facts: The settled config.
        d_head: Width of a head.
        names: Which keys a family reads base and share from, and its share where the config is silent.
        pairs: Which dimensions make a pair, unless the layout of the file says otherwise.

    Raises:
        NotThisModel: A scaling that is not computed.
        BadCheckpoint: Numbers that are impossible, or two keys for one setting that disagree.
    """
    beyond, scaling = facts.layout, scaling_of(facts, names)
    dimensions = int(d_head * scaling.share) if beyond.dimensions is None else beyond.dimensions
    turning = dimensions + dimensions % 2 if names.rounds else dimensions
    if not 2 <= turning <= min(d_head, MOST_DIMENSIONS) or turning % 2 or scaling.base <= 0:
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: rotary positions over {dimensions} of {d_head} dimensions with base "
            f"{scaling.base} are impossible"
        )
    steps = torch.arange(0, dimensions, 2, dtype=torch.int64).float()
    frequencies = 1.0 / (scaling.base ** (steps / dimensions))
    if scaling.kind == "linear":
        frequencies = frequencies / scaling.factor  # Rotary refuses what a factor of 0 makes
    elif scaling.kind == "llama3":
        frequencies = _llama3(scaling, frequencies)
    elif scaling.kind == "yarn":
        frequencies = yarn(scaling, dimensions)
    if beyond.factors is not None:  # what llama.cpp has worked out of Llama 3's scaling
        frequencies = frequencies / _factors(facts, beyond.factors, len(frequencies))
    return Rotary(tuple(frequencies.tolist()), beyond.pairs or pairs, single=True), scaling.strength


def _factors(facts: Facts, factors: tuple[float, ...], pairs: int) -> torch.Tensor:
    """How many times slower each pair turns."""
    if len(factors) != pairs or not all(type(factor) is float and factor > 0 for factor in factors):
        raise BadCheckpoint(
            f"{facts.checkpoint.path}: its rotary factors are {quote(list(factors), 60)}, expected {pairs} numbers "
            "above 0"
        )
    return torch.tensor(factors)


def _llama3(scaling: Scaling, frequencies: torch.Tensor) -> torch.Tensor:
    """Slow dimensions are slowed by ``factor``, fast ones kept, those between interpolated. Source: Llama 3.1."""
    factor, low, high, old = scaling.factor, scaling.low, scaling.high, scaling.old
    lengths = 2 * math.pi / frequencies
    scaled = torch.where(lengths > old / low, frequencies / factor, frequencies)
    smooth = (old / lengths - low) / (high - low)
    between = (1 - smooth) * scaled / factor + smooth * scaled
    middle = ~(lengths < old / high) * ~(lengths > old / low)
    return torch.where(middle, between, scaled)
