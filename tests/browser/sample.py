"""A document that exercises every view, every kind of cell, and text that tries to break out of the page."""

import math
from typing import Any

from browser.sample_tokens import HOSTILE, LABELS, TOKENS
from browser.sample_views import new_views


def sample_page() -> dict[str, Any]:
    """A page with every view, every kind of cell, and text that tries to break out of it."""
    views = [_patterns(), _scores(), _odd_cells(), _thumbnails(), _lines(), _table(), *new_views()]
    figures = [
        {
            "schema": "loadstore/figure@1",
            "id": f"figure-{number}",
            "number": str(number),
            "title": str(view["title"]).capitalize(),
            "claim": "The strongest of these is .94, 7.2 times what chance gives; the next is .41.",
            "note": {"kind": "remark", "label": "Where the article is imprecise", "text": "It is a ratio of norms."}
            if number == 2
            else None,
            "views": [view],
        }
        for number, view in enumerate(views, start=1)
    ]
    return {
        "schema": "loadstore/page@1",
        "title": "Loads and stores of a small transformer",
        "lead": f"Who stored what, who loaded it, and through which address. {HOSTILE}",
        "prompt": f"the cat sat on the mat. the dog sat on {HOSTILE}",
        "tokens": [*LABELS, f"{HOSTILE}·11"],
        "facts": [["model", "builtin"], ["layers × heads", "2 × 12"], ["d_model", 384], ["parameters", 6094848]],
        "sections": [
            {"id": "weights", "title": "The weights", "lead": "What could be loaded.", "figures": figures[:3]},
            {"id": "prompt", "title": "One prompt", "lead": "What was loaded.", "figures": figures[3:]},
        ],
        "footer": ["Made from the weights alone, on one machine, with no network.", "loadstore"],
    }


def _pattern(head: int) -> list[list[float | None]]:
    """A causal pattern that looks at the token before, more or less sharply."""
    rows: list[list[float | None]] = []
    for query in range(len(TOKENS)):
        raw = [math.exp(-abs(query - 1 - key) * (0.3 + head / 4)) for key in range(query + 1)]
        rows.append([weight / sum(raw) for weight in raw] + [None] * (len(TOKENS) - 1 - query))
    return rows


def _heatmap(title: str, queries: list[str], keys: list[str], **rest: Any) -> dict[str, Any]:
    return {
        "schema": "loadstore/heatmap@1",
        "title": title,
        "rows": {"name": "query", "labels": queries},
        "columns": {"name": "key", "labels": keys},
        "scale": {"kind": "sequential", "low": 0, "high": 1, "label": "attention"},
        "hatched": "a token cannot look at a later one",
        "digits": 2,
        **rest,
    }


def _patterns() -> dict[str, Any]:
    panels = [{"title": f"L{layer}.H7", "values": _pattern(3 + layer)} for layer in range(2)]
    return _heatmap("two heads on the prompt", LABELS, LABELS, panels=panels)


def _thumbnails() -> dict[str, Any]:
    panels = [{"title": f"L{head // 12}.H{head % 12}", "values": _pattern(head % 12)} for head in range(24)]
    return _heatmap("all heads on the prompt", LABELS, LABELS, panels=panels, across=12)


def _scores() -> dict[str, Any]:
    """Three panels of signed alignments, with details, outlines and a row that is impossible for V."""
    heads = [f"L1.H{head}" for head in range(12)]
    writers = ["embed", "pos", *(f"L0.H{head}" for head in range(12))]
    panels: list[dict[str, Any]] = []
    for phase, side in enumerate("QKV"):
        values: list[list[float | None]] = [
            [None if side == "V" and w == "pos" else math.sin(3 * i + j * j + phase) ** 3 for j in range(12)]
            for i, w in enumerate(writers)
        ]
        details = {
            "score": [[None if v is None else 0.05 + abs(v) / 3 for v in row] for row in values],
            "z": [["nan" if v is None else v * 40 for v in row] for row in values],
        }
        outlined = [
            [i, j] for i, row in enumerate(values) for j, v in enumerate(row) if v is not None and abs(v) > 0.93
        ]
        panels.append({"title": side, "values": values, "details": details, "outlined": outlined})
    return _heatmap(
        "alignment of every writer with every head of layer 1",
        writers,
        heads,
        rows={"name": "writer", "labels": writers},
        columns={"name": "head", "labels": heads},
        scale={"kind": "diverging", "low": -1, "high": 1, "label": "alignment"},
        panels=panels,
        hatched="positions are not added to values",
        outline_label="above chance, p < .001",
    )


def _odd_cells() -> dict[str, Any]:
    values = [[0.5, None, "nan", "inf"], [1.75, -0.25, "-inf", 1e-9], [0.1, 0.2, 0.30000000000000004, 1]]
    labels = [HOSTILE, "plain", '"quoted", \n&amp;']
    return _heatmap(
        "cells that are not plain numbers", labels, list("abcd"), panels=[{"title": "odd", "values": values}]
    )


def _lines() -> dict[str, Any]:
    ranks = list(range(1, 385))
    series: list[dict[str, Any]] = [
        {"name": "embed", "x": ranks, "y": [8 * rank**-0.7 for rank in ranks], "dashed": False},
        {"name": "pos", "x": ranks, "y": [60 * math.exp(-rank / 6) + 1e-4 for rank in ranks], "dashed": False},
        {"name": "random matrix", "x": ranks, "y": [1.6 - rank / 260 for rank in ranks], "dashed": True},
        {"name": "gap", "x": [1, 10, 100], "y": [2, "nan", 3], "dashed": False},
    ]
    return {
        "schema": "loadstore/lines@1",
        "title": "eigenvalues by rank",
        "x": {"name": "rank", "label": "rank", "scale": "log"},
        "y": {"name": "eigenvalue", "label": "eigenvalue", "scale": "log"},
        "series": series,
        "rules": [
            {"axis": "x", "value": 6, "label": "pos: 50 %"},
            {"axis": "x", "value": 10, "label": "pos: 80 %"},
            {"axis": "x", "value": 120, "label": "embed: 50 %"},
            {"axis": "y", "value": 1, "label": "chance"},
        ],
    }


def _table() -> dict[str, Any]:
    return {
        "schema": "loadstore/table@1",
        "title": "roles of heads",
        "columns": [
            {"name": "head", "label": "head", "kind": "text", "digits": 0},
            {"name": "role", "label": "what it does", "kind": "text", "digits": 0},
            {"name": "score", "label": "score", "kind": "number", "digits": 3},
        ],
        "rows": [["L0.H7", "previous token", 0.987], ["L1.H4", "induction", 0.941], ["L1.H5", HOSTILE, None]],
    }
