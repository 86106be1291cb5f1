"""What kind of machine a checkpoint is: sizes, positions and norm, nothing learned."""

from dataclasses import dataclass
from typing import Any, Literal

from loadstore.errors import NoSuchSite, NotThisModel
from loadstore.model import possible
from loadstore.model.facts import stated
from loadstore.model.mixture import Mixture
from loadstore.model.mlp_facts import Mlp
from loadstore.model.rotary import Rotary
from loadstore.sites import Head

Positions = Literal["learned", "shortformer", "rotary", "alibi", "none"]
NormKind = Literal["none", "layer", "rms"]
POSITIONS: tuple[Positions, ...] = ("learned", "shortformer", "rotary", "alibi", "none")
GIVEN: tuple[Positions, ...] = ("learned", "shortformer", "rotary", "none")  # what a user can state: slopes cannot
NORMS: tuple[NormKind, ...] = ("none", "layer", "rms")
MOST = {
    "n_layers": 200,
    "n_heads": 512,
    "d_model": 1 << 16,
    "d_head": 1 << 12,
    "vocab": 1 << 21,
    "context": 1 << 22,
}
SCALES = ("embedding_scale", "residual_scale")
OPTIONAL = ("score_scale", "score_cap", "logit_cap")
LATER = frozenset(
    ("local_rotary", "unturned", "slopes", "experts", "d_value", *OPTIONAL, *SCALES)
)  # facts that files and digests of before do not have


@dataclass(frozen=True, slots=True)
class Architecture:
    """Sizes and schemes of one transformer.

    ``positions``: *learned* adds W_pos to the stream once; *shortformer* adds it to the inputs of Q and K
    in every layer, after the norm, and never to V, the stream or the unembedding; *rotary* turns queries and
    keys by ``rotary``; *alibi* lowers a score by its head's entry of ``slopes`` for every token between query and key;
    *none* leaves positions to the causal mask. ``norm``: *layer* is a LayerNorm, *rms* an
    RMSNorm, before every layer and (unless ``final_norm`` says another) before the unembedding.
    ``n_kv_heads``: how many heads have keys and values of their own (grouped queries), all if None.
    ``mlp``: None in an attention-only model. ``windows``: per layer how many keys a query sees, itself
    included, None for all. ``local_rotary``: what turns queries and keys in the layers with a window, where that is not
    ``rotary``. ``score_scale``: what q·k is multiplied by, 1/√d_head if None. ``embedding_scale``: what a row of W_E is
    multiplied by when it is stored. ``residual_scale``: what all that heads and MLPs store is multiplied by.
    ``unturned``: layers without positions, whose queries and keys rotary positions do not turn. ``score_cap``,
    ``logit_cap``: c of a soft cap c tanh(x / c) of scores before the softmax, and of logits. ``experts``: which of the
    MLPs' units belong to experts. ``d_value``: the width of a head's value, d_head if None. Raises NotThisModel on
    impossible sizes.
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
    residual_scale: float = 1.0
    unturned: tuple[int, ...] = ()
    score_cap: float | None = None
    logit_cap: float | None = None
    slopes: tuple[float, ...] | None = None
    experts: Mixture | None = None
    d_value: int | None = None

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            possible.whole(name, getattr(self, name), most)
        possible.whole("d_value", self.value_width, MOST["d_head"])
        possible.among("positions", self.positions, POSITIONS)
        for norm in (self.norm, self.last_norm):
            possible.among("norm", norm, NORMS)
        if (self.positions == "rotary") != (self.rotary is not None):
            raise NotThisModel("rotary frequencies and positions = 'rotary' belong together; one is without the other")
        if (self.positions == "alibi") != (self.slopes is not None):
            raise NotThisModel("slopes of heads and positions = 'alibi' belong together; one is without the other")
        if self.slopes is not None:
            possible.slopes(self.slopes, self.n_heads)
            if self.score_cap is not None:
                raise NotThisModel("slopes of heads beside a soft cap of scores are not supported")
        if self.experts is not None:
            self.experts.fit(self.mlp, self.n_layers)
        for rotary in (self.rotary, self.local_rotary):
            if rotary is not None:
                possible.turning(rotary, self.d_head)
        if self.local_rotary is not None and (self.rotary is None or not any(self.windows or ())):
            raise NotThisModel("rotary frequencies of layers with a window need such layers, and rotary positions")
        if self.unturned:
            possible.layers("unturned", self.unturned, self.n_layers)
            if self.rotary is None:
                raise NotThisModel("layers that do not turn need rotary positions that turn the others")
        for name in SCALES:
            possible.scale(name, getattr(self, name))
        for name in OPTIONAL:
            if getattr(self, name) is not None:
                possible.scale(name, getattr(self, name))
        possible.divisor("n_kv_heads", self.kv_heads, self.n_heads)
        if self.windows is not None:
            possible.windows(self.windows, self.n_layers)
        possible.fraction("eps", self.eps)

    @property
    def value_width(self) -> int:
        """The width of a head's value, and of what it mixes."""
        return self.d_head if self.d_value is None else self.d_value

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

    def experts_of(self, layer: int) -> Mixture | None:
        """The experts of one layer; None where its MLP has none."""
        return None if self.experts is None or layer in self.experts.without else self.experts

    def plain_width(self, layer: int) -> int:
        """How many units of a layer's MLP belong to no expert."""
        if self.experts is None or layer not in self.experts.without:
            return self.shared_width
        return self.experts.plain_width or 0

    def width(self, layer: int) -> int:
        """How many units a layer's MLP has."""
        mixture = self.experts_of(layer)
        return self.plain_width(layer) + (0 if mixture is None else mixture.count * mixture.width)

    @property
    def shared_width(self) -> int:
        """How many units of an MLP with experts belong to no expert: every token uses them."""
        inside = 0 if self.experts is None else self.experts.count * self.experts.width
        return (0 if self.mlp is None else self.mlp.width) - inside

    @property
    def used_width(self) -> int:
        """How many units of an MLP one token uses, at most."""
        return max(self.used_units(layer) for layer in range(self.n_layers))

    def used_units(self, layer: int) -> int:
        """How many units of one layer's MLP one token uses."""
        mixture = self.experts_of(layer)
        return self.plain_width(layer) + (0 if mixture is None else mixture.chosen * mixture.width)

    @property
    def last_norm(self) -> NormKind:
        """The norm before the unembedding."""
        return self.norm if self.final_norm is None else self.final_norm

    @property
    def brief(self) -> str:
        """Sizes and schemes in one line."""
        mlp = "" if self.mlp is None else f", MLPs of {self.mlp.width}"
        mlp += "" if self.experts is None else f" ({self.experts.brief})"
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
        if layer in self.unturned:
            return None
        return self.rotary if self.local_rotary is None or self.window(layer) is None else self.local_rotary

    @property
    def stated(self) -> dict[str, Any]:
        """Every fact by its name; without the later ones that say nothing, so that older files and digests stay."""
        return stated(self, LATER)

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
