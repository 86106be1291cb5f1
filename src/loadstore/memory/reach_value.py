"""How far back a model's readers reach, as a value, and its text. Definition: memory/reach.py and docs/memory.md."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from loadstore.decomposition.short import short
from loadstore.memory.reach_effect import Effects

if TYPE_CHECKING:
    import xarray as xr

OF_A_READER = ("layer", "side", "median", "median_equal", "mean", "mean_equal", "half_life")


@dataclass(frozen=True, eq=False)
class Reached:
    """The readers of one side in one layer.

    Args:
        layer: Their layer; the unembedding's is the number of layers.
        side: Q, K, V, mlp or unembed.
        distance: The distances Δ of writers that they can load from, in layers.
        part: p(Δ): the fraction of their traffic² from writers at each distance.
        equal: u(Δ): the fraction of the writers at each distance.
        each: The mean traffic² of one writer at each distance.
        median: The smallest distance within which half of the traffic² originates.
        median_equal: The same for equal reading.
        mean: E_p Δ.
        mean_equal: E_u Δ.
        half_life: The distance in layers over which a writer's traffic² halves: infinite if it does not fall, NaN for
            fewer than three
            depths.
    """

    layer: int
    side: str
    distance: np.ndarray
    part: np.ndarray
    equal: np.ndarray
    each: np.ndarray
    median: int
    median_equal: int
    mean: float
    mean_equal: float
    half_life: float


@dataclass(frozen=True, eq=False)
class Reach:
    """All readers of a model.

    Args:
        readers: One for each layer and side, in depth order.
        ratio: The number for the model: the mean over readers of the mean distance divided by that of equal reading.
        half_life: The half-life from one fit for all readers, in layers.
        effects: The effects of cut wires at each distance; empty unless requested.
        attrs: Model, corpus, definition.
    """

    readers: tuple[Reached, ...]
    ratio: float
    half_life: float
    effects: Effects
    attrs: dict[str, Any]

    def to_xarray(self) -> "xr.Dataset":
        """Dataset over reader (``L3.K``) and distance: part and equal, NaN without a writer; numbers by reader."""
        import xarray as xr

        most = max((int(each.distance.max()) for each in self.readers), default=0)
        tables = {name: np.full((len(self.readers), most + 1), np.nan) for name in ("part", "equal")}
        for row, each in enumerate(self.readers):
            for name, table in tables.items():
                table[row, each.distance] = getattr(each, name)
        return xr.Dataset(
            {
                **{name: (("reader", "distance"), table) for name, table in tables.items()},
                **{name: ("reader", [getattr(each, name) for each in self.readers]) for name in OF_A_READER[2:]},
            },
            coords={"reader": [name_of(each) for each in self.readers], "distance": np.arange(most + 1)},
            attrs={**self.attrs, "ratio": self.ratio, "half_life": self.half_life},
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and texts, for JSON."""
        effects = self.effects
        rows = zip(
            *(each.tolist() for each in (effects.distance, effects.effect, effects.error, effects.wires)), strict=True
        )
        return {
            **self.attrs,
            "ratio": self.ratio,
            "half_life": self.half_life,
            "readers": [
                {
                    **{name: getattr(each, name) for name in OF_A_READER},
                    **{name: getattr(each, name).tolist() for name in ("distance", "part", "equal")},
                }
                for each in self.readers
            ],
            "effects": [dict(zip(("distance", "effect", "standard_error", "wires"), row, strict=True)) for row in rows],
        }

    def by_side(self) -> dict[str, tuple[float, float, float]]:
        """The means over layers, for each side, of median, median of equal reading, and ratio of mean distances."""
        means: dict[str, tuple[float, float, float]] = {}
        for side in dict.fromkeys(each.side for each in self.readers):
            side_readers = [each for each in self.readers if each.side == side and len(each.distance) > 1]
            if side_readers:
                ratios = [each.mean / each.mean_equal for each in side_readers]
                columns = ([each.median for each in side_readers], [each.median_equal for each in side_readers], ratios)
                median, equal, ratio = (float(np.mean(column)) for column in columns)
                means[side] = (median, equal, ratio)
        return means

    def __str__(self) -> str:
        attrs = self.attrs
        lines = [
            f"{attrs['model']}: reach over {attrs['layers']} layers, on {attrs['documents']} documents "
            f"({attrs['tokens']:,} tokens) of {attrs['corpus']}",
            f"mean distance over that of equal reading: {short(self.ratio)}; a writer's traffic² "
            f"{halving(self.half_life)}",
            "",
            "side      median  of equal reading  mean distance / equal",
            *(
                f"{side:<8}  {median:>6.1f}  {equal:>16.1f}  {short(ratio):>21}"
                for side, (median, equal, ratio) in self.by_side().items()
            ),
        ]
        if len(self.effects.distance):
            lines += ["", "distance  effect of a cut", *map(_effect, self.to_dict()["effects"])]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """The number of the model; ``print`` shows the table."""
        return (
            f"Reach of {self.attrs['model']}: {short(self.ratio)} of equal reading; traffic² {halving(self.half_life)}"
        )


def name_of(reached: Reached) -> str:
    """``L3.K``, ``L3.mlp`` or ``unembed``."""
    return "unembed" if reached.side == "unembed" else f"L{reached.layer}.{reached.side}"


def halving(half_life: float) -> str:
    """``halves in 3.1 layers``, or the reason why it does not."""
    if math.isnan(half_life):
        return "has no fitted half-life (fewer than three depths)"
    return "does not fall with distance" if math.isinf(half_life) else f"halves in {half_life:.1f} layers"


def _effect(row: Mapping[str, Any]) -> str:
    error = "" if math.isnan(row["standard_error"]) else f" ± {row['standard_error']:.4f}"
    return f"{row['distance']:>8}  {row['effect']:.4f}{error} ({row['wires']} wires)"
