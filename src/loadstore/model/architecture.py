"""What kind of machine a checkpoint is: sizes, positions and norm, nothing learned."""

from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from loadstore.errors import NoSuchSite, NotThisModel
from loadstore.model.rotary import Rotary
from loadstore.quote import quote
from loadstore.sites import Head

Activation = Literal["gelu", "gelu_tanh", "silu", "relu", "solu", "solu_ln"]
Positions = Literal["learned", "shortformer", "rotary", "none"]
NormKind = Literal["none", "layer", "rms"]
ACTIVATIONS: tuple[Activation, ...] = ("gelu", "gelu_tanh", "silu", "relu", "solu", "solu_ln")
POSITIONS: tuple[Positions, ...] = ("learned", "shortformer", "rotary", "none")
NORMS: tuple[NormKind, ...] = ("none", "layer", "rms")
MOST = {
    "n_layers": 200,
    "n_heads": 512,
    "d_model": 1 << 16,
    "d_head": 1 << 12,
    "vocab": 1 << 21,
    "context": 1 << 22,
}
MOST_WIDTH = 1 << 20  # of an MLP
MOST_SCALE = 1e6
LATER = frozenset(
    ("local_rotary", "score_scale", "embedding_scale")
)  # facts that files and digests of before do not have


@dataclass(frozen=True, slots=True)
class Mlp:
    """An MLP of every layer: how wide, whether a gate multiplies, which activation; ``parallel`` to attention or after.

    ``solu`` is x · softmax(x), ``solu_ln`` the same with a LayerNorm after it (Elhage et al. 2022, Softmax Linear
    Units). Raises NotThisModel on an impossible width or an unknown activation.
    """

    width: int
    gated: bool
    activation: Activation
    parallel: bool = False

    def __post_init__(self) -> None:
        if type(self.width) is not int or not 1 <= self.width <= MOST_WIDTH:
            raise NotThisModel(f"an MLP of width {self.width!r} is impossible: expected 1 to {MOST_WIDTH}")
        if type(self.gated) is not bool or type(self.parallel) is not bool:
            raise NotThisModel("an MLP is gated or not and parallel or not: expected true or false")
        if self.activation not in ACTIVATIONS:
            raise NotThisModel(f"activation {self.activation!r} is not supported; use {one_of(ACTIVATIONS)}")


@dataclass(frozen=True, slots=True)
class Architecture:
    """Sizes and schemes of one transformer.

    ``positions``: *learned* adds W_pos to the stream once; *shortformer* adds it to the inputs of Q and K
    in every layer, after the norm, and never to V, the stream or the unembedding; *rotary* turns queries and
    keys by ``rotary``; *none* leaves positions to the causal mask. ``norm``: *layer* is a LayerNorm, *rms* an
    RMSNorm, before every layer and (unless ``final_norm`` says another) before the unembedding.
    ``n_kv_heads``: how many heads have keys and values of their own (grouped queries), all if None.
    ``mlp``: None in an attention-only model. ``windows``: per layer how many keys a query sees, itself
    included, None for all. ``local_rotary``: what turns queries and keys in the layers with a window, where that is not
    ``rotary``. ``score_scale``: what q·k is multiplied by, 1/√d_head if None. ``embedding_scale``: what a row of W_E is
    multiplied by when it is stored. Raises NotThisModel on impossible sizes.
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
    rotary: Rotary | None = None
    final_norm: NormKind | None = None
    n_kv_heads: int | None = None
    mlp: Mlp | None = None
    windows: tuple[int | None, ...] | None = None
    local_rotary: Rotary | None = None
    score_scale: float | None = None
    embedding_scale: float = 1.0

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            size = getattr(self, name)
            if type(size) is not int or not 1 <= size <= most:
                shown = quote(repr(size), 40)
                raise NotThisModel(f"{name} = {shown} is impossible: expected a whole number from 1 to {most}")
        if self.positions not in POSITIONS:
            shown = quote(repr(self.positions), 40)
            raise NotThisModel(f"positions = {shown} is not supported; use {one_of(POSITIONS)}")
        for norm in (self.norm, self.last_norm):
            if norm not in NORMS:
                raise NotThisModel(f"norm = {quote(repr(norm), 40)} is not supported; use {one_of(NORMS)}")
        if (self.positions == "rotary") != (self.rotary is not None):
            raise NotThisModel("rotary frequencies and positions = 'rotary' belong together; one is without the other")
        for rotary in (self.rotary, self.local_rotary):
            if rotary is not None and rotary.dimensions > self.d_head:
                raise NotThisModel(f"rotary positions turn {rotary.dimensions} dimensions, a head has {self.d_head}")
        if self.local_rotary is not None and (self.rotary is None or not any(self.windows or ())):
            raise NotThisModel("rotary frequencies of layers with a window need such layers, and rotary positions")
        for name in ("score_scale", "embedding_scale"):
            scale = getattr(self, name)
            if not (scale is None and name == "score_scale") and not (type(scale) is float and 0 < scale <= MOST_SCALE):
                shown = quote(repr(scale), 40)
                raise NotThisModel(f"{name} = {shown} is impossible: expected a number above 0, at most {MOST_SCALE:g}")
        kv = self.kv_heads
        if type(kv) is not int or kv < 1 or self.n_heads % kv:
            raise NotThisModel(f"n_kv_heads = {kv!r} is impossible: expected a divisor of {self.n_heads} heads")
        windows = self.windows
        if windows is not None and (
            len(windows) != self.n_layers or any(w is not None and (type(w) is not int or w < 1) for w in windows)
        ):
            raise NotThisModel(f"windows are impossible: expected {self.n_layers} whole numbers from 1, or None each")
        if type(self.eps) is not float or not 0 < self.eps < 1:
            raise NotThisModel(f"eps = {quote(repr(self.eps), 40)} is impossible: expected a number between 0 and 1")

    @property
    def kv_heads(self) -> int:
        """How many heads have keys and values of their own."""
        return self.n_heads if self.n_kv_heads is None else self.n_kv_heads

    def kv(self, index: int) -> int:
        """Which key and value head the query head ``index`` reads: ⌊index · n_kv / n_q⌋."""
        return index * self.kv_heads // self.n_heads

    def window(self, layer: int) -> int | None:
        """How many keys a query of a layer sees, itself included; None for all."""
        return None if self.windows is None else self.windows[layer]

    def reach(self, layer: int) -> int:
        """How many offsets query − key, from 0, a layer lets meet: its window, at most the context."""
        return min(self.window(layer) or self.context, self.context)

    @property
    def last_norm(self) -> NormKind:
        """The norm before the unembedding."""
        return self.norm if self.final_norm is None else self.final_norm

    @property
    def brief(self) -> str:
        """Sizes and schemes in one line."""
        mlp = "" if self.mlp is None else f", MLPs of {self.mlp.width}"
        return (
            f"{self.n_layers} {'layer' if self.n_layers == 1 else 'layers'} × {self.n_heads} "
            f"{'head' if self.n_heads == 1 else 'heads'} of {self.d_head}{mlp}, d_model {self.d_model}, vocabulary "
            f"{self.vocab}, {self.positions} positions, norm {self.norm}"
        )

    @property
    def has_pos(self) -> bool:
        """Whether there is a writer ``pos``: learned and shortformer positions are vectors, the others are not."""
        return self.positions in ("learned", "shortformer")

    @property
    def positions_bypass_norm(self) -> bool:
        """Whether ``pos`` is added to the inputs of Q and K behind their norm, and never to the stream."""
        return self.positions == "shortformer"

    @property
    def attention_scale(self) -> float:
        """What q·k is multiplied by before the softmax."""
        return self.d_head**-0.5 if self.score_scale is None else self.score_scale

    def rotary_of(self, layer: int) -> Rotary | None:
        """The rotary positions of one layer; None where nothing turns."""
        return self.rotary if self.local_rotary is None or self.window(layer) is None else self.local_rotary

    @property
    def stated(self) -> dict[str, Any]:
        """Every fact by its name; without the later ones that say nothing, so that older files and digests stay."""
        named = {each.name: (getattr(self, each.name), each.default) for each in fields(self)}
        return {name: value for name, (value, usual) in named.items() if name not in LATER or value != usual}

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


def as_mlp(facts: object) -> Mlp | None:
    """Read what a file says of its MLPs. Raises NotThisModel unless it is None or an Mlp's facts."""
    if facts is None or isinstance(facts, Mlp):
        return facts
    if not isinstance(facts, dict) or set(facts) != {each.name for each in fields(Mlp)}:
        raise NotThisModel("MLPs are stated as an object of width, gated, activation and parallel")
    return Mlp(**cast("dict[str, Any]", facts))


def one_of(names: tuple[str, ...]) -> str:
    """``'a', 'b' or 'c'``, for messages."""
    return f"{', '.join(repr(name) for name in names[:-1])} or {names[-1]!r}"
