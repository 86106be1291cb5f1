"""Published HookedTransformer checkpoints by name, with facts that their files do not all state."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from loadstore.model.architecture import NormKind, Positions

NEOX = "EleutherAI/gpt-neox-20b"
DIGITS = "NeelNanda/gpt-neox-tokenizer-digits"


@dataclass(frozen=True, slots=True)
class Published:
    """One repository: its positions, norm, sizes, and the repository of its tokenizer (None: none is usable)."""

    repository: str
    positions: Positions
    norm: NormKind
    n_layers: int
    d_model: int
    n_heads: int
    vocab: int
    context: int
    tokenizer: str | None
    aliases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The repository's name without its owner."""
        return self.repository.split("/")[1]


def _c4_code(kind: str, n_layers: int) -> Published:
    """One of the attention-only or GELU models that were trained on C4 and code."""
    return Published(
        f"NeelNanda/{kind}_{n_layers}L512W_C4_Code",
        *("learned", "layer", n_layers, 512, 8, 48262, 1024, DIGITS),
        aliases=(f"{kind.lower().replace('_', '-')}-{n_layers}l",),
    )


PUBLISHED = (
    Published("callummcdougall/attn_only_2L_half", "shortformer", "none", 2, 768, 12, 50278, 2048, NEOX),
    *(_c4_code(kind, n_layers) for kind in ("Attn_Only", "GELU") for n_layers in (1, 2, 3, 4)),
    Published(
        "NeelNanda/Attn-Only-2L512W-Shortformer-6B-big-lr",
        *("shortformer", "none", 2, 512, 8, 50277, 1024, NEOX),
        aliases=("attn-only-2l-demo", "attn-only-2l-induction-demo", "attn-only-demo"),
    ),
    # Its tokenizer's merges use a token that its vocabulary lacks ("Ġpati"), so the model accepts token ids only.
    Published("ArthurConmy/redwood_attn_2l", "shortformer", "layer", 2, 256, 8, 50259, 2048, None),
)


def published(name: str) -> Published | None:
    """Find a published checkpoint by ``owner/name``, by name, or by its alias in TransformerLens."""
    for each in PUBLISHED:
        if name in (each.repository, each.name, *each.aliases):
            return each
    return None


def nearest(name: str, others: Iterable[str] = ()) -> str | None:
    """The published name, or one of ``others``, of which ``name`` may be a misspelling; case is ignored."""
    names = [candidate for each in PUBLISHED for candidate in (each.name, each.repository, *each.aliases)]
    candidate = {candidate.lower(): candidate for candidate in (*others, *names)}
    close = get_close_matches(name.lower(), candidate, n=1, cutoff=0.7)
    return candidate[close[0]] if close else None
