"""The patterns of many heads on one prompt, one byte per weight."""

import base64
from collections.abc import Sequence

import numpy as np

from loadstore.views.base import Value, View


class Badged(Value, frozen=True, kw_only=True):
    """A head and its roles."""

    name: str
    badges: tuple[str, ...]


class Order(Value, frozen=True, kw_only=True):
    """An order of the heads, by index."""

    name: str
    heads: tuple[int, ...]


class Patterns(View, frozen=True, kw_only=True, tag="loadstore/patterns@1"):
    """The patterns of many heads on one prompt.

    Args:
        across: Thumbnails per row on a wide screen.
        causal: Whether only the lower triangles are packed.
        packed: Base64 of uint8, 255 for 1, head after head, row after row.
        first_is_sink: Whether the first column can be masked.
        orders: Further orders of the heads.
        shown: The index of the head that is initially enlarged.
    """

    tokens: tuple[str, ...]
    heads: tuple[Badged, ...]
    across: int | None
    causal: bool
    packed: str
    first_is_sink: bool
    orders: tuple[Order, ...]
    shown: int = 0


def patterns(
    title: str,
    tokens: Sequence[str],
    heads: Sequence[tuple[str, Sequence[str]]],
    values: np.ndarray,
    *,
    across: int | None = None,
    causal: bool = True,
    first_is_sink: bool = False,
    orders: Sequence[tuple[str, Sequence[int]]] = (),
    shown: int = 0,
) -> Patterns:
    """Patterns [head, query, key] of many heads (name, badges), stored to 1/255; causal ones as lower triangles."""
    levels = np.rint(np.clip(np.asarray(values, dtype=float), 0.0, 1.0) * 255).astype(np.uint8)
    n = levels.shape[-1]
    packed = levels[:, np.tri(n, dtype=bool)] if causal else levels.reshape(len(levels), -1)
    return Patterns(
        title=title,
        tokens=tuple(tokens),
        heads=tuple(Badged(name=name, badges=tuple(badges)) for name, badges in heads),
        across=across,
        causal=causal,
        packed=base64.b64encode(packed.tobytes()).decode(),
        first_is_sink=first_is_sink,
        orders=tuple(Order(name=name, heads=tuple(order)) for name, order in orders),
        shown=shown,
    )
