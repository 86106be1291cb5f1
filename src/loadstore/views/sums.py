"""View models of sums: a waterfall of what adds up to a number, the walk of one address, and a switch between views."""

from collections.abc import Mapping, Sequence
from typing import Any, SupportsFloat

from loadstore.views.model import View, cell, cells, round_up


def waterfall(
    title: str,
    label: str,
    columns: tuple[str, str],
    rows: Sequence[tuple[str, SupportsFloat, str]],
    *,
    total: tuple[str, SupportsFloat],
    remainder: SupportsFloat,
    digits: int = 2,
) -> View:
    """Signed steps (label, value, text), each from where the last ended, to a total; the remainder is printed.

    The steps sum to the total less the remainder.
    """
    at, reach = 0.0, [0.0, float(total[1])]
    for _, value, _ in rows:
        at += float(value)
        reach.append(at)
    low, high = min(reach), max(reach)
    return {
        "schema": "loadstore/waterfall@1",
        "title": title,
        "label": label,
        "columns": list(columns),
        "rows": [{"label": name, "value": cell(value), "text": text} for name, value, text in rows],
        "total": {"label": total[0], "value": cell(total[1])},
        "remainder": cell(remainder),
        "low": -round_up(-low) if low < 0 else 0.0,
        "high": round_up(high) or (0.0 if low < 0 else 1.0),
        "digits": digits,
    }


def load(place: str, writers: Sequence[tuple[str, SupportsFloat, str]], remainder: SupportsFloat) -> dict[str, Any]:
    """One side of a walk: the token that it loads and the writers (name, share, text) that it reads there."""
    return {
        "place": place,
        "writers": [{"label": name, "share": cell(share), "text": text} for name, share, text in writers],
        "remainder": cell(remainder),
    }


def walk(
    title: str,
    head: str,
    sides: Mapping[str, dict[str, Any]],
    parts: Any,
    *,
    score: tuple[str, SupportsFloat, SupportsFloat],
    weight: SupportsFloat,
    hero: Sequence[int],
    stores: str,
) -> View:
    """One address as a walk: query writers × key writers make a score, it makes a weight, values are stored.

    ``sides`` are the loads Q, K and V; ``parts`` [writer of Q, writer of K] of the score (label, value, remainder);
    ``weight`` what attention gives to the key; ``hero`` the writers of the strongest path; ``stores`` where it ends.
    A side that is missing has no shares, and says so in its text.
    """
    return {
        "schema": "loadstore/walk@1",
        "title": title,
        "head": head,
        "sides": dict(sides),
        "parts": cells(parts),
        "score": {"label": score[0], "value": cell(score[1]), "remainder": cell(score[2])},
        "weight": cell(weight),
        "hero": list(hero),
        "stores": stores,
    }


def switch(title: str, label: str, choices: Sequence[tuple[str, Sequence[View]]]) -> View:
    """Views that take each other's place: ``label`` says what is chosen, each choice is (name, views); first shown."""
    return {
        "schema": "loadstore/switch@1",
        "title": title,
        "label": label,
        "choices": [{"name": name, "views": list(views)} for name, views in choices],
    }
