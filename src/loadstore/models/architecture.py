"""What kind of machine a checkpoint is: sizes, positions and norm, nothing learned."""

from dataclasses import dataclass
from typing import Literal

from loadstore.errors import NoSuchSite, NotThisModel
from loadstore.sites import Head

Positions = Literal["learned", "shortformer"]
NormKind = Literal["none", "layer"]
MOST = {"n_layers": 200, "n_heads": 512, "d_model": 1 << 16, "d_head": 1 << 12, "vocab": 1 << 21, "context": 1 << 22}


@dataclass(frozen=True, slots=True)
class Architecture:
    """Sizes and schemes of one attention-only transformer.

    ``positions``: *learned* adds W_pos to the stream once; *shortformer* adds it to the inputs of Q and K
    in every layer, after the norm, and never to V, the stream or the unembedding. ``norm``: *layer* is a
    LayerNorm before every layer and before the unembedding. Raises NotThisModel on impossible sizes.
    """

    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    vocab: int
    context: int
    positions: Positions
    norm: NormKind = "none"
    eps: float = 1e-5

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            size = getattr(self, name)
            if type(size) is not int or not 1 <= size <= most:
                raise NotThisModel(f"{name} = {size!r} is impossible: expected a whole number from 1 to {most}")
        if self.positions not in ("learned", "shortformer"):
            raise NotThisModel(f"positions = {self.positions!r} is not supported; use 'learned' or 'shortformer'")
        if self.norm not in ("none", "layer"):
            raise NotThisModel(f"norm = {self.norm!r} is not supported; use 'none' or 'layer'")
        if type(self.eps) is not float or not 0 < self.eps < 1:
            raise NotThisModel(f"eps = {self.eps!r} is impossible: expected a number between 0 and 1")

    @property
    def heads(self) -> tuple[Head, ...]:
        """All heads in depth order."""
        return tuple(Head(layer, index) for layer in range(self.n_layers) for index in range(self.n_heads))

    def check(self, head: Head, model: str = "the model") -> Head:
        """Return ``head`` if it exists. Raises NoSuchSite naming the nearest head that does."""
        if 0 <= head.layer < self.n_layers and 0 <= head.index < self.n_heads:
            return head
        nearest = Head(min(max(head.layer, 0), self.n_layers - 1), min(max(head.index, 0), self.n_heads - 1))
        raise NoSuchSite(
            f"no head {head}: {model} has layers L0–L{self.n_layers - 1} with heads H0–H{self.n_heads - 1}. "
            f"Nearest: {nearest}."
        )
