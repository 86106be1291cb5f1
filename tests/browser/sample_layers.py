"""Wires in layers, small enough to read and with every oddity, and what a page must show of them."""

import base64
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from browser.sample_tokens import HOSTILE

from loadstore.views.base import plain
from loadstore.views.layers import layers_view

View = dict[str, Any]
Tables = dict[tuple[str, str | None], list[list[Any]]]
Groups = list[tuple[str, list[str]]]
WRITERS: Groups = [
    ("embed", ["embed"]),
    ("L0", ["L0.H0", "L0.H1", "L0.H2", "L0.mlp"]),
    ("L1", ["L1.H0", "L1.H1", "L1.H2", "L1.mlp"]),
    (HOSTILE, [f"{HOSTILE}·0", f"{HOSTILE}·1"]),
]
RANKS: dict[str, tuple[str, Callable[[float], float]]] = {
    "magnitude": ("strongest", abs),
    "highest": ("highest", lambda value: value),
    "lowest": ("lowest", lambda value: -value),
}
READERS: Groups = [(f"L{layer}", [f"L{layer}.H{head}" for head in range(3)]) for layer in range(3)]


def layers(rows: Groups = WRITERS, columns: Groups = READERS, panels: str = "QV") -> View:
    """A writer is read by every later group; positions by Q alone; one wire has no z and one has an endless one."""
    view = layers_view(
        "wires by layer",
        rows=rows,
        columns=columns,
        panels=[(side, wires(rows, columns, phase)) for phase, side in enumerate(panels)],
        details={
            "score": [np.abs(wires(rows, columns, phase)) / 3 for phase in range(len(panels))],
            "z": [_z(wires(rows, columns, phase)) for phase in range(len(panels))],
        },
        limits=(-1.0, 1.0),
        reference=0.25,
        note="Alignment is 0 at chance.",
    )
    return plain(view)


def wires(rows: Groups, columns: Groups, phase: int) -> np.ndarray:
    """Alignments that no two wires share, NaN where the reader is not after the writer."""
    depth = [group for group, (_, members) in enumerate(rows) for _ in members]
    layer = [group for group, (_, members) in enumerate(columns) for _ in members]
    i, j = np.indices((len(depth), len(layer)))
    values = 1.05 * np.sin(1 + 1.3 * i + 0.7 * j * j + 0.001 * i * j + phase) ** 3
    return np.where(np.asarray(depth)[:, None] <= np.asarray(layer)[None, :], values, np.nan)


def _z(values: np.ndarray) -> np.ndarray:
    z = values * 40
    z[0, 1], z[0, -1] = math.nan, math.inf
    return z


def members(axis: View) -> list[str]:
    """All members of an axis."""
    return [name for group in axis["groups"] for name in group["members"]]


def matrix(view: View, panel: int, name: str | None = None) -> np.ndarray:
    """Values or a detail of a panel, unpacked."""
    shape = (len(members(view["rows"])), len(members(view["columns"])))
    source = view["panels"][panel]["details"][name] if name else view["panels"][panel]["values"]
    if isinstance(source, list):
        return np.array([[math.nan if cell is None else float(cell) for cell in row] for row in source])
    data = base64.b64decode(source["data"])
    match source["format"]:
        case "float32":
            numbers = np.frombuffer(data, "<f4").astype(float)
        case "float16":
            numbers = np.frombuffer(data, "<f2").astype(float) * source["unit"]
        case _:
            levels = np.frombuffer(data, np.uint8)
            numbers = source["low"] + source["step"] * levels
            for level, odd in ((253, -math.inf), (254, math.inf), (255, math.nan)):
                numbers[levels == level] = odd
    mask = view["panels"][panel].get("wires")
    bits = np.unpackbits(np.frombuffer(base64.b64decode(mask), np.uint8), bitorder="little") if mask else np.ones(1)
    exists = np.resize(bits, math.prod(shape)).astype(bool)
    whole = np.full(exists.size, math.nan)
    whole[exists] = numbers
    return whole.reshape(shape)


def lines(axis: View, group: int | None) -> list[tuple[str, list[int]]]:
    """The lines of a block's axis, each with its members, as the page should draw them."""
    ends = np.cumsum([0, *(len(part["members"]) for part in axis["groups"])]).tolist()
    spans = [list(range(*span)) for span in itertools.pairwise(ends)]
    names = members(axis)
    if group is None and any(len(span) != 1 for span in spans):
        return [(part["label"], span) for part, span in zip(axis["groups"], spans, strict=True)]
    shown = list(range(ends[-1])) if group is None else spans[group]
    return [(names[at], [at]) for at in shown]


def block(view: View, row: int | None = None, column: int | None = None, rank: str = "magnitude") -> Tables:
    """The tables of a block, by panel and detail: the strongest wire of every cell, and which it is of how many."""
    names = [members(view["rows"]), members(view["columns"])]
    tables: Tables = {}
    down, along = lines(view["rows"], row), lines(view["columns"], column)
    whole = any(len(span) != 1 for _, span in [*down, *along])
    for at, panel in enumerate(view["panels"]):
        known = {None: matrix(view, at)} | {name: matrix(view, at, name) for name in panel["details"]}
        spots = [[_first(known[None], rows, columns, RANKS[rank][1]) for _, columns in along] for _, rows in down]
        for name, values in known.items():
            tables[panel["title"], name] = [[_cell(values, spot) for spot in line] for line in spots]
        if whole:
            said = [[f"{names[0][s[0]]} → {names[1][s[1]]}" if s else None for s in line] for line in spots]
            tables[panel["title"], f"{RANKS[rank][0]} wire"] = said
            tables[panel["title"], "wires"] = [
                [int((~np.isnan(known[None][np.ix_(rows, columns)])).sum()) for _, columns in along] for _, rows in down
            ]
    return tables


def _first(
    values: np.ndarray, rows: list[int], columns: list[int], key: Callable[[float], float]
) -> tuple[int, int] | None:
    spots = [(i, j) for i in rows for j in columns if not math.isnan(values[i, j])]
    return max(spots, key=lambda spot: key(values[spot]), default=None)


def _cell(values: np.ndarray, spot: tuple[int, int] | None) -> Any:
    if spot is None:
        return None
    value = float(values[spot])
    if math.isfinite(value):
        return float(f"{value:.7g}")
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
