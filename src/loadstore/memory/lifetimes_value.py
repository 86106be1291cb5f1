"""The lifetimes of a model's stores, as a value. Definition: memory/lifetime.py and docs/memory.md."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from loadstore.memory.fresh import Fresh
from loadstore.memory.lifetime_text import text
from loadstore.memory.pairs import Pair, Screen
from loadstore.memory.repair import Repair

if TYPE_CHECKING:
    import xarray as xr

OF_A_PAIR = ("writer", "later", "kind", "term", "caused", "z_shuffled", "z_turned", "reported")


@dataclass(frozen=True, eq=False)
class Lifetimes:
    """The lifetime of every store over depth.

    Args:
        writers: The writers w.
        later: All writers x.
        depth: Points where readers read the stream: ``L3`` before the heads of layer 3, ``L3.mlp``, ``unembed``.
        rho: ρ [writer, depth]; NaN before w has stored.
        term: The exact terms [writer, later]; NaN if w does not reach x. Whitened, [depth, writer, later].
        across: ρ and terms across tokens, the same shapes; only heads x.
        error: Standard error of ρ over groups of documents, to first order [writer, depth]; NaN for one group or
            whitened.
        pairs: The pairs that removals were run for, largest term first; ``reported`` lists those that hold.
        screen: How many pairs were tested, and how many exceeded the nulls.
        pairs_across: The same across tokens: the later writer is a head at tokens that load from the writer's.
        screen_across: How many of those were tested, and how many exceeded the nulls.
        fresh: For writers of reported pairs, the fresh shares of the readers with the most traffic from them.
        repairs: For ablated writers, the fraction restored by later writers and by the last norm's scale.
        attrs: Model, corpus, definition.
    """

    writers: tuple[str, ...]
    later: tuple[str, ...]
    depth: tuple[str, ...]
    rho: np.ndarray
    term: np.ndarray
    rho_across: np.ndarray
    across: np.ndarray
    error: np.ndarray
    pairs: tuple[Pair, ...]
    screen: Screen
    pairs_across: tuple[Pair, ...]
    screen_across: Screen
    fresh: tuple[Fresh, ...]
    repairs: dict[str, Repair]
    attrs: dict[str, Any]

    @property
    def reported(self) -> tuple[Pair, ...]:
        """The clean-up and repeater pairs that exceed both nulls and are caused by their writer."""
        return tuple(pair for pair in self.pairs if pair.reported)

    @property
    def reported_across(self) -> tuple[Pair, ...]:
        """The reported pairs across tokens."""
        return tuple(pair for pair in self.pairs_across if pair.reported)

    def to_xarray(self) -> "xr.Dataset":
        """Dataset over writer, depth and later: rho, standard_error, term, and both across tokens."""
        import xarray as xr

        terms = ("depth", "writer", "later") if self.term.ndim == 3 else ("writer", "later")
        return xr.Dataset(
            {
                "rho": (("writer", "depth"), self.rho),
                "standard_error": (("writer", "depth"), self.error),
                "term": (terms, self.term),
                "rho_across": (("writer", "depth"), self.rho_across),
                "term_across": (("writer", "later"), self.across),
            },
            coords={"writer": list(self.writers), "depth": list(self.depth), "later": list(self.later)},
            attrs=self.attrs,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and texts, for JSON."""
        return {
            **self.attrs,
            "screen": vars(self.screen),
            "screen_across": vars(self.screen_across),
            "lifetimes": [
                {"writer": writer, "rho": dict(zip(self.depth, map(float, row), strict=True))}
                for writer, row in zip(self.writers, self.rho, strict=True)
            ],
            "pairs": [_pair(pair) for pair in self.pairs],
            "pairs_across": [_pair(pair) for pair in self.pairs_across],
            "fresh": [
                {name: getattr(each, name) for name in ("writer", "reader", "fresh", "repeated", "other")}
                for each in self.fresh
            ],
            "repairs": [
                {"writer": writer, **{name: _ratio(getattr(each, name)) for name in ("writing", "frozen", "scale")}}
                for writer, each in self.repairs.items()
            ],
        }

    def __str__(self) -> str:
        return text(self.to_dict())

    def __repr__(self) -> str:
        """The number of pairs; ``print`` shows them."""
        return (
            f"Lifetimes of {len(self.writers)} writers of {self.attrs['model']}: {len(self.reported)} clean-up and "
            f"repeater pairs of {self.screen.tests:,} tested; print it for the table"
        )


def _ratio(value: Any) -> dict[str, float]:
    return {name: getattr(value, name) for name in ("value", "low", "high")}


def _pair(pair: Pair) -> dict[str, Any]:
    removal = pair.causes
    return {
        **{
            name: getattr(pair, name)
            for name in ("writer", "later", "kind", "term", "caused", "z_shuffled", "z_turned", "reported")
        },
        "cut": None if removal is None else _ratio(removal.cut),
        "ablated": None if removal is None or removal.ablated is None else _ratio(removal.ablated),
    }
