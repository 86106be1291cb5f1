"""What an architecture states once, and all layers and norms of a live model must agree in."""

from collections.abc import Callable, Sequence

from loadstore.checkpoints.structure.blocks import Block
from loadstore.checkpoints.structure.differs import differs
from loadstore.checkpoints.structure.entry import Entry
from loadstore.checkpoints.structure.exits import Exit

EPS = 1e-5  # of a model without norms, where it is without effect
FACTS: dict[str, Callable[[Block], object]] = {
    "heads": lambda block: (block.heads.split.n_heads, block.heads.split.n_kv, block.heads.split.d_head),
    "scale of scores": lambda block: block.heads.scores.scale,
    "cap of scores": lambda block: block.heads.scores.cap,
    "slopes of scores": lambda block: block.heads.scores.slopes,
    "multiplier of what it stores": lambda block: block.residual,
    "MLP": lambda block: None if block.units is None else (block.units.gate != "none", block.units.activation),
    "order of attention and MLP": lambda block: "parallel" if block.parallel else "in turn",
    "width of the MLP": lambda block: None if block.units is None else block.units.out.given.shape[-1],
}


def require_alike(blocks: Sequence[Block]) -> None:
    """Raise NotThisModel if a layer differs from the first in a fact that an architecture states once."""
    for layer, block in enumerate(blocks):
        for name, of in FACTS.items():
            if of(block) != of(blocks[0]):
                raise differs(f"layer {layer}, {name}", f"as in layer 0: {of(blocks[0])}", str(of(block)))


def common_eps(entry: Entry, blocks: Sequence[Block], exit_: Exit) -> float:
    """Return the ε with which all norms agree.

    Raises:
        NotThisModel: There is none. The message names the first norm that differs from the first.
    """
    norms = [(f"layer {layer}, norm", norm) for layer, block in enumerate(blocks) for norm in block.norms]
    norms = [*(("embedding, norm", each) for each in [entry.norm] if each), *norms]
    norms = [*norms, *(("last norm", each) for each in [exit_.norm] if each)]
    if not norms:
        return EPS
    common = [eps for eps in norms[0][1].eps if all(eps in norm.eps for _, norm in norms)]
    if common:
        return common[0]
    at, other = next((at, norm) for at, norm in norms if norms[0][1].eps[0] not in norm.eps)
    raise differs(f"{at} ({other.name})", f"ε {norms[0][1].eps[0]:g} as in the first norm", f"{other.eps[0]:g}")
