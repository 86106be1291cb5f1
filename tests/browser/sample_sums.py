"""Sums for the sample page: a waterfall, the walk of an address and a switch, with odd cells and hostile text."""

import math
from typing import Any

from browser.sample_tokens import HOSTILE


def sums() -> list[dict[str, Any]]:
    """A waterfall, a walk with all of its sides, and a switch whose choices have a view each."""
    return [waterfall(), walk(), switch()]


def waterfall() -> dict[str, Any]:
    """Steps up and down, beyond zero, and steps that are no numbers."""
    rows = [
        {"label": "direct path", "value": -1.25, "text": "what the embedding of ␣sat says by itself"},
        {"label": "L0.H7", "value": 0.5, "text": "stores the token before"},
        {"label": f"{HOSTILE} as a label", "value": None, "text": HOSTILE},
        {"label": "L1.H4", "value": 6.0, "text": "copies ␣on·4, and its text is long enough to be broken into lines"},
        {"label": "broken", "value": "nan", "text": ""},
        {"label": "L1.H10", "value": -2.125, "text": "takes some of it back"},
        {"label": "endless", "value": "inf", "text": ""},
    ]
    return {
        "schema": "loadstore/waterfall@1",
        "title": "what adds up to the logit of ␣on",
        "label": "logit less its mean over the vocabulary (nats)",
        "columns": ["writer", "what it does"],
        "rows": rows,
        "total": {"label": "logit of ␣on", "value": 3.1250003},
        "remainder": 3e-7,
        "low": -1.5,
        "high": 6,
        "digits": 2,
    }


def walk(odd: bool = True) -> dict[str, Any]:
    """Five writers of Q, six of K and four of V; `odd` has parts and shares that are no plain numbers."""
    key = ["embed", "L0.H7", "L0.H2", "L0.H11", f"{HOSTILE} as a writer", "others (8)"]
    query = ["embed", "L0.H3", "L0.H7", "L0.H9", "others (9)"]
    parts: list[list[float | str | None]] = [
        [round(9 * math.sin(1 + 2.3 * i + j * j) * 0.4 ** abs(i - j + 1), 4) for j in range(6)] for i in range(5)
    ]
    parts[0][1] = 9.75
    if odd:
        parts[1][1], parts[2][2], parts[3][3] = None, "nan", "-inf"
    score = sum(part for row in parts for part in row if isinstance(part, float))
    shares: dict[str, list[float | str | None]] = {
        "Q": [0.71, 0.2, -0.08, 0.11, 0.06],
        "K": [0.09, 0.84, 0.05, -0.04, None if odd else 0.01, 0.05],
        "V": [0.9, "nan" if odd else 0.04, 0.0012, 0.0588],
    }
    names = {"Q": query, "K": key, "V": ["embed", "L0.H7", "L0.H2", "others (10)"]}
    places = {"Q": "␣sat·10", "K": "␣on·4", "V": "␣on·4"}
    sides = {
        side: {
            "place": places[side],
            "writers": [
                {"label": name, "share": share, "text": f"what {name} stored for {side}"}
                for name, share in zip(names[side], shares[side], strict=True)
            ],
            "remainder": -2e-8,
        }
        for side in "QKV"
    }
    return {
        "schema": "loadstore/walk@1",
        "title": "the walk of L1.H4 from ␣sat·10 to ␣on·4",
        "head": "L1.H4",
        "sides": sides,
        "parts": parts,
        "score": {"label": "score before softmax", "value": float(f"{score + 1e-6:.7g}"), "remainder": 1e-6},
        "weight": 0.7132,
        "hero": [0, 1, 0],
        "stores": f"␣on into the row of ␣sat·10, where it raises the logit of ␣on by +5.71 {HOSTILE if odd else ''}",
    }


def switch() -> dict[str, Any]:
    """What was stored, or what was loaded: a walk without values, or bars and a table."""
    half = walk(odd=False)
    del half["sides"]["V"]
    bars = {
        "schema": "loadstore/bars@1",
        "title": "loads by size",
        "label": "share",
        "kind": "unsigned",
        "low": 0,
        "high": 1,
        "digits": 2,
        "columns": ["token", "text"],
        "rows": [{"label": f"t·{index}", "value": index / 4, "text": ""} for index in range(5)],
    }
    table = {
        "schema": "loadstore/table@1",
        "title": "loads by name",
        "columns": [{"name": "head", "label": "head", "kind": "text", "digits": 0}],
        "rows": [["L0.H7"], [HOSTILE]],
    }
    return {
        "schema": "loadstore/switch@1",
        "title": "traffic or loads",
        "label": "Measure",
        "choices": [
            {"name": "Traffic, all", "views": [{**half, "title": "the walk without values"}]},
            {"name": HOSTILE, "views": [bars, table]},
            {"name": "none", "views": []},
        ],
    }
