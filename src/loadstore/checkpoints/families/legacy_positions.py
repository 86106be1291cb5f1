"""How positions enter a HookedTransformer checkpoint: one scheme from everything that states it, never a guess.

Shapes cannot tell shortformer from learned positions, and the wrong one loads cleanly and is off by up to 141
logits. So the scheme comes from a config, from the published name, or from the caller.
"""

from pathlib import Path

import torch

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.legacy_config import Config, number, truth, whole
from loadstore.checkpoints.names import published
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.model.architecture import Positions
from loadstore.model.rotary import Rotary
from loadstore.quote import one_of, quote

STATED: dict[str, Positions] = {
    "standard": "learned",
    "shortformer": "shortformer",
    "rotary": "rotary",
    "none": "none",
}
W_POS, SIN, COS = "pos_embed.W_pos", "attn.rotary_sin", "attn.rotary_cos"
COMPARED, CLOSE = 64, 4e-3  # rows of a published table of sines, and how well float16 holds them


def positions_of(config: Config, path: Path) -> Positions | None:
    """The scheme that a config states, or None. Raises NotThisModel on another scheme or a contradiction."""
    kind = config.get("positional_embedding_type")
    flag = config.get("shortformer_pos")
    short = truth(config, "shortformer_pos", path)
    if kind is not None and str(kind) not in STATED:
        raise NotThisModel(f"{path}: positions '{quote(kind, 40)}' are not supported; use {one_of(tuple(STATED))}")
    if kind is None:
        return None if flag is None else "shortformer" if short else "learned"
    if flag is not None and short != (kind == "shortformer"):
        raise NotThisModel(f"{path}: its config contradicts itself: shortformer_pos = {flag}, positions {kind!r}")
    return STATED[str(kind)]


def scheme_of(checkpoint: Checkpoint, given: Positions | None, name: str | None) -> Positions:
    """One scheme from the caller, the config and the published name. Raises NotThisModel where they differ or lack."""
    sources: dict[str, Positions] = {}
    if given is not None:
        sources["positions="] = given
    if (stated := positions_of(checkpoint.config or {}, checkpoint.path)) is not None:
        sources["its config"] = stated
    for candidate in (name, checkpoint.path.stem, checkpoint.path.parent.name):
        if candidate is not None and (model := published(candidate)) is not None:
            sources[f"the published model {model.name}"] = model.positions
    if not sources:
        usual = "'shortformer' or positions='learned'" if W_POS in checkpoint.tensors else "'none'"
        raise NotThisModel(
            f"{checkpoint.path} does not state its kind of positions, and shapes do not show it; give "
            f"positions={usual} (--positions), or add a config.json beside it with positional_embedding_type"
        )
    schemes = set(sources.values())
    if len(schemes) > 1:
        claims = "; ".join(f"{source} says {scheme}" for source, scheme in sources.items())
        trap = ""
        if schemes == {"learned", "shortformer"}:
            trap = (
                ". TransformerLens 4 has no shortformer: it refuses such a model, or reads it as learned if the "
                "config says 'standard', which loads cleanly and gives wrong logits"
            )
        raise NotThisModel(f"{checkpoint.path}: its positions are contradictory: {claims}{trap}")
    return _agreed(checkpoint, schemes.pop())


def _agreed(checkpoint: Checkpoint, scheme: Positions) -> Positions:
    """The scheme, if the tensors can be of it."""
    path, tensors = checkpoint.path, checkpoint.tensors
    if scheme in ("rotary", "none") and W_POS in tensors:
        raise BadCheckpoint(
            f"{path} has a tensor '{W_POS}', which {scheme} positions do not use; state the right kind of positions"
        )
    if scheme != "rotary" and (extra := [name for name in tensors if name.endswith((SIN, COS))]):
        raise BadCheckpoint(f"{path} has a tensor '{quote(extra[0])}', but its positions are stated to be {scheme}")
    return scheme


def context_of(checkpoint: Checkpoint, scheme: Positions) -> int:
    """The longest prompt: the rows of W_pos, or what the config states. Raises NotThisModel where nothing does."""
    if scheme in ("learned", "shortformer"):
        return checkpoint.dimension(W_POS, 0)
    stated = whole(checkpoint.config or {}, "n_ctx", checkpoint.path)
    if stated is None:
        raise NotThisModel(
            f"{checkpoint.path} has no position vectors and does not state its context; add a config.json beside it "
            "with n_ctx"
        )
    return stated


def rotary_of(checkpoint: Checkpoint, d_head: int, n_layers: int) -> Rotary:
    """The frequencies that the config states, checked against the file's own sines. Raises where they differ or lack.

    Absent keys have the format's values: all of d_head turns, base 10000, halves paired.
    """
    config, path = checkpoint.config or {}, checkpoint.path
    tables = [f"blocks.{layer}.{part}" for layer in range(n_layers) for part in (SIN, COS)]
    kept = [name for name in tables if name in checkpoint.tensors]
    if not kept and "rotary_dim" not in config:
        raise NotThisModel(
            f"{path} does not state its rotary settings; add a config.json beside it with rotary_dim, rotary_base and "
            "rotary_adjacent_pairs"
        )
    dimensions = whole(config, "rotary_dim", path)
    pairs = "adjacent" if truth(config, "rotary_adjacent_pairs", path) else "halves"
    base = number(config, "rotary_base", 10_000.0, path)
    try:
        rotary = Rotary.of(d_head if dimensions is None else dimensions, base, pairs)
    except NotThisModel as error:
        raise NotThisModel(f"{path}: {error}") from None
    for name in kept:
        _check_table(checkpoint, name, rotary)
    return rotary


def _check_table(checkpoint: Checkpoint, name: str, rotary: Rotary) -> None:
    table = checkpoint.take(name, checkpoint.dimension(name, 0), rotary.dimensions)[:COMPARED]
    angles = rotary.angles(len(table))
    expected = torch.empty(len(table), rotary.dimensions, dtype=torch.float64)
    for dimensions in rotary.first_and_second():
        expected[:, dimensions] = angles.sin() if name.endswith(SIN) else angles.cos()
    worst = float((table.double() - expected).abs().max()) if len(table) else 0.0
    if worst > CLOSE:
        raise BadCheckpoint(
            f"{checkpoint.path}: tensor '{name}' is off by {worst:.2g} from what its config implies by rotary_base and "
            "rotary_adjacent_pairs; they belong to different models"
        )
