"""A view of each kind beyond matrices, lines and tables, with odd cells and hostile text."""

import math
from typing import Any

from browser.sample_layers import layers
from browser.sample_program import sample_program
from browser.sample_sums import sums
from browser.sample_tokens import HOSTILE, LABELS, TOKENS, patterns


def new_views() -> list[dict[str, Any]]:
    """Signed bars, unsigned bars, addresses, a memory, diagrams, formulas, patterns, layers, sums and a program."""
    return [
        _signed(),
        _unsigned(),
        _address(),
        _memory(),
        _diagram(),
        _diagram(2),
        _formula(),
        patterns(24, len(TOKENS)),
        layers(),
        *sums(),
        sample_program(),
    ]


def _signed() -> dict[str, Any]:
    rows = [
        {"label": "direct path", "value": -0.31, "text": "what the embedding of ␣sat says by itself"},
        {
            "label": "L0.H7",
            "value": 0.42,
            "text": "stores the token before; its text here is long enough to be broken "
            "into lines wherever the picture is narrow",
            "strong": True,
        },
        {"label": "L1.H4", "value": 5.71, "text": "copies ␣on·4", "strong": True},
        {"label": "L1.H10", "value": 7.5, "text": "off the scale"},
        {"label": "remainder", "value": 1.2e-7, "text": "float32"},
        {"label": f"{HOSTILE} as a label", "value": None, "text": HOSTILE},
        {"label": "broken", "value": "nan", "text": ""},
        {"label": "endless", "value": "-inf", "text": ""},
    ]
    return {
        "schema": "loadstore/bars@1",
        "title": "who wrote the logit of ␣on",
        "label": "logit less its mean over the vocabulary (nats)",
        "kind": "signed",
        "low": -6,
        "high": 6,
        "digits": 2,
        "columns": ["writer", "what it does"],
        "rows": rows,
        "rules": [{"value": 4.8, "label": "bigram"}, {"value": 5.2, "label": "trigram of the same corpus"}],
        "total": {"label": "logit of ␣on", "value": 13.32},
    }


def _unsigned() -> dict[str, Any]:
    rows = [{"label": f"L0.H{head}", "value": 1 / (1 + head), "text": ""} for head in range(12)]
    return {
        "schema": "loadstore/bars@1",
        "title": "share of the variance of K",
        "label": "share",
        "kind": "unsigned",
        "low": 0,
        "high": 1,
        "digits": 3,
        "columns": ["writer", "what it does"],
        "rows": rows,
        "rules": [{"value": 1 / 14, "label": "chance"}],
    }


def _address() -> dict[str, Any]:
    """Two heads at two tokens, one that cannot see the end, one with odd weights."""
    sharp = [0.02, 0.18, 0.005, 0, 0.71, 0.03, 0.02, 0, 0.015, 0.01, 0.01]
    flat: list[float | str | None] = [0.2, 0.3, 0.25, 0.25, *[None] * 7]
    odd: list[float | str | None] = ["nan", 0.5, "inf", 0.5, 0, 0, 0, 0, 0, 0, 0]
    return {
        "schema": "loadstore/address@1",
        "title": "where the heads look",
        "tokens": [*LABELS[:-1], f"{HOSTILE}·10"],
        "mass": 0.7,
        "rows": [
            {
                "label": "L1.H4@␣sat·9",
                "text": "→ ␣the·4 .71 | ␣cat·1 .18 | +9",
                "weights": sharp,
                "outlined": [4],
                "effective": 2.6137,
            },
            {
                "label": "L0.H7@␣on·3",
                "text": "→ ␣cat·1 .30 | ␣sat·2 .25 | ␣on·3 .25 | +1",
                "weights": flat,
                "outlined": [1, 2, 3],
                "effective": 3.95,
            },
            {"label": f"odd@{HOSTILE}", "text": HOSTILE, "weights": odd, "outlined": [], "effective": 1},
        ],
    }


def _memory() -> dict[str, Any]:
    """Eleven rows of the stream, most of them faint, two that the head cannot see."""
    values: list[list[float | str | None]] = [
        [math.sin(1 + row * 1.7 + column * column * 0.9) for column in range(32)] for row in range(len(LABELS))
    ]
    values[3][:4] = ["nan", "inf", 1.8, None]
    weights: list[float | None] = [0.02, 0.18, 0.005, 0.71, 0.05, 0.01, 0.015, 0.01, 0, None, None]
    return {
        "schema": "loadstore/memory@1",
        "title": "rows of the stream that L1.H4 loads",
        "rows": {"name": "token", "labels": [*LABELS[:-1], f"{HOSTILE}·10"]},
        "columns": {"name": "direction", "labels": [f"v{column}" for column in range(32)]},
        "values": values,
        "scale": {"kind": "diverging", "low": -1, "high": 1, "label": "coordinate"},
        "weights": {"label": "attention", "values": weights},
        "hatched": "a token cannot look at a later one",
    }


def _diagram(layers: int = 1) -> dict[str, Any]:
    """One layer with learned positions, or two with positions that are added to queries and keys."""
    sides = [{"label": side, "source": "stream"} for side in "QKV"]
    high = [{"label": side, "source": "pos"} for side in "QK"] if layers == 2 else []
    head: dict[str, Any] = {"kind": "head", "loads": sides + high, "more": 11 * (layers - 1)}
    heads = [
        {**head, "name": "L0.H7", "stores": "previous token", "detail": "looks at the token before and copies it"},
        {**head, "name": "L1.H4", "stores": HOSTILE, "detail": f"induction, and {HOSTILE}"},
    ][:layers]
    embed = {"name": "embed", "kind": "embed", "detail": "W_E, 22 × 384", "loads": [], "stores": "token", "more": 0}
    pos = {"name": "pos", "kind": "pos", "detail": "W_pos, 128 × 384", "loads": [], "more": 0}
    unembed = {
        "name": "unembed",
        "kind": "unembed",
        "detail": "W_U, 384 × 22",
        "loads": [{"label": "logits", "source": "stream"}],
        "stores": None,
        "more": 0,
    }
    return {
        "schema": "loadstore/diagram@1",
        "title": f"a load/store machine, layers: {layers}",
        "stream": "residual stream: 11 rows of 384",
        "steps": [embed, {**pos, "stores": "position" if layers == 1 else None}, *heads, unembed],
        "reading": "An arrow down is a load, an arrow up a store.",
    }


def _formula() -> dict[str, Any]:
    def matrix(text: str, shape: str | None = None, sub: str | None = None, sup: str | None = None) -> dict[str, Any]:
        return {"text": text, "sub": sub, "sup": sup, "shape": shape, "kind": "matrix"}

    def operator(text: str) -> dict[str, Any]:
        return {"text": text, "kind": "operator"}

    score = [
        matrix("S", "11 × 11"),
        operator("="),
        matrix("X", "11 × 384"),
        matrix("W", "384 × 32", "Q"),
        matrix("W", "32 × 384", "K", "T"),
        matrix("X", "384 × 11", None, "T"),
        operator("/"),
        matrix("√32"),
    ]
    head = [
        matrix("h", "11 × 384", None, "(1.4)"),
        operator("="),
        matrix("A", "11 × 11"),
        operator("⊗"),
        matrix("W", "384 × 384", "OV"),
        operator("="),
        {"text": "softmax", "kind": "word"},
        matrix("(S)"),
        matrix("X", "11 × 384"),
        matrix("W", "384 × 32", "V"),
        matrix("W", "32 × 384", "O"),
        operator("+"),
        matrix(HOSTILE, HOSTILE),
    ]
    return {
        "schema": "loadstore/formula@1",
        "title": "the three maps of a head",
        "rows": [
            {"name": "scores", "terms": score, "meaning": "QK gives scores, not patterns: a softmax follows."},
            {"name": f"head {HOSTILE}", "terms": head, "meaning": f"A moves rows, W_OV changes them. {HOSTILE}"},
        ],
    }
