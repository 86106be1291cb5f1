"""View models of the machine itself: diagrams, soft addresses, the memory array, formulas, many patterns."""

import base64
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from loadstore.views.model import View, cell, cells

Source: TypeAlias = Literal["stream", "pos"]
MASS = 0.7  # an address is summed up by the smallest set of tokens that holds this much of it


def step(
    name: str,
    kind: Literal["embed", "pos", "head", "mlp", "unembed"],
    detail: str,
    loads: Sequence[tuple[str, Source]] = (),
    stores: str | None = None,
    more: int = 0,
) -> dict[str, Any]:
    """One component along the stream: what it loads and from where, what it stores, how many like it are not drawn."""
    return {
        "name": name,
        "kind": kind,
        "detail": detail,
        "loads": [{"label": label, "source": source} for label, source in loads],
        "stores": stores,
        "more": more,
    }


def diagram(title: str, stream: str, steps: Sequence[dict[str, Any]]) -> View:
    """The residual stream as a bus, and the components that load from it and store to it, in order."""
    return {"schema": "loadstore/diagram@1", "title": title, "stream": stream, "steps": list(steps)}


def address_row(label: str, text: str, weights: Any, outlined: Sequence[int], effective: float) -> dict[str, Any]:
    """One soft address: the weight of every token, None where the mask forbids."""
    row = [None if weight is None else cell(weight) for weight in weights]
    return {"label": label, "text": text, "weights": row, "outlined": list(outlined), "effective": cell(effective)}


def address(title: str, tokens: Sequence[str], rows: Sequence[dict[str, Any]]) -> View:
    """Soft addresses over a sentence, a bar under each token; the smallest set that holds 70 % outlined."""
    return {
        "schema": "loadstore/address@1",
        "title": title,
        "tokens": list(tokens),
        "mass": MASS,
        "rows": list(rows),
    }


def memory(
    title: str,
    rows: tuple[str, Sequence[str]],
    columns: tuple[str, Sequence[str]],
    values: Any,
    *,
    scale: tuple[Literal["sequential", "diverging"], float, float, str],
    weights: tuple[str, Sequence[Any]],
) -> View:
    """The stream as an array whose rows an address selects; a weight of None is a row that cannot be selected."""
    kind, low, high, label = scale
    return {
        "schema": "loadstore/memory@1",
        "title": title,
        "rows": {"name": rows[0], "labels": list(rows[1])},
        "columns": {"name": columns[0], "labels": list(columns[1])},
        "values": cells(values),
        "scale": {"kind": kind, "low": low, "high": high, "label": label},
        "weights": {"label": weights[0], "values": [None if w is None else cell(w) for w in weights[1]]},
        "hatched": "later tokens cannot be selected",
    }


def term(
    text: str,
    *,
    sub: str | None = None,
    sup: str | None = None,
    shape: Sequence[int] | None = None,
    kind: Literal["matrix", "operator", "word"] | None = None,
) -> dict[str, Any]:
    """One symbol of a formula; what has a shape is a matrix."""
    known = "matrix" if shape is not None else "operator"
    return {
        "text": text,
        "sub": sub,
        "sup": sup,
        "shape": None if shape is None else " × ".join(f"{size:,}" for size in shape),
        "kind": kind or known,
    }


def formula(title: str, rows: Sequence[tuple[str, Sequence[dict[str, Any]], str]]) -> View:
    """Formulas, each (name, terms, meaning), with the shape of every matrix under it."""
    return {
        "schema": "loadstore/formula@1",
        "title": title,
        "rows": [{"name": name, "terms": list(terms), "meaning": meaning} for name, terms, meaning in rows],
    }


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
) -> View:
    """Patterns [head, query, key] of many heads (name, badges), stored to 1/255; causal ones as lower triangles."""
    levels = np.rint(np.clip(np.asarray(values, dtype=float), 0.0, 1.0) * 255).astype(np.uint8)
    n = levels.shape[-1]
    packed = levels[:, np.tri(n, dtype=bool)] if causal else levels.reshape(len(levels), -1)
    return {
        "schema": "loadstore/patterns@1",
        "title": title,
        "tokens": list(tokens),
        "heads": [{"name": name, "badges": list(badges)} for name, badges in heads],
        "across": across,
        "causal": causal,
        "packed": base64.b64encode(packed.tobytes()).decode(),
        "first_is_sink": first_is_sink,
        "orders": [{"name": name, "heads": list(order)} for name, order in orders],
    }
