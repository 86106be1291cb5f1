"""The walk of an address: products of a writer of the query and a writer of the key, and the resulting load."""

from collections.abc import Mapping, Sequence

import numpy as np

from loadstore.decomposition.address import Address
from loadstore.decomposition.contrast import About
from loadstore.decomposition.walk import Walk, walk
from loadstore.figures.left_out import PAIRS, LeftOut, leads
from loadstore.figures.prediction.address import decoded
from loadstore.figures.subject.story import Story
from loadstore.figures.words import MINUS, number, plural, size
from loadstore.sites import SIDES, Side
from loadstore.views.model import Figure, figure, reading
from loadstore.views.sums import Load, load
from loadstore.views.sums import Walk as WalkView
from loadstore.views.sums import walk as walk_view

SHOWN = 5  # writers shown for a side; the others are summed


def walk_of(story: Story) -> Figure | LeftOut:
    """The walk of the load of the question's main head, and the part of the prediction that its store adds.

    It starts from the token whose store adds most, which need not be the most attended one: heads with little to load
    rest on the first token.
    """
    parts_by_source = story.parts.sel(writer=str(story.main))
    walked = walk(story.trace, story.main, story.asked.at, about=_source(story, parts_by_source.values))
    added = float(parts_by_source.sum())
    odds = f"logit of {story.predicted} over {story.text_of(story.asked.against)}"
    stores = f"at {story.after}: {odds} {added:+.2f}".replace("-", MINUS)
    drawn = walk_figure(walked, stores)
    view = drawn.views[0] if drawn.views else None
    if not isinstance(view, WalkView):
        return LeftOut("Walk", drawn.title, drawn.claim)
    q, k, _ = view.hero
    parts = [[float(part) for part in row if part is not None] for row in view.parts]
    best, rest = parts[q][k], _together(parts, (q, k))
    if leads(best, rest):
        return drawn
    chosen: tuple[tuple[Side, int], ...] = (("Q", q), ("K", k))
    names = [view.sides[side].writers[row].label for side, row in chosen]
    return LeftOut(
        "Walk",
        drawn.title,
        f"The strongest of {plural(walked.parts.size, 'pair')} of writers, {names[0]} on Q with {names[1]} on K, adds "
        f"{number(best)} of {number(walked.parts.attrs['recorded'])} nats. The pairs beyond the strongest {PAIRS} sum "
        f"to {number(rest)}: no single path leads.",
    )


def _source(story: Story, parts: np.ndarray) -> About:
    """The token that adds most; the most attended one if the mask allows only one key or none adds."""
    best = int(np.nanargmax(parts))
    seen = float(story.trace.pattern(story.main)[story.asked.at, best]) > 0
    keys = int((story.trace.pattern(story.main)[story.asked.at] > 0).sum())
    return best if seen and keys > 1 and parts[best] > 0 else "most"


def _together(parts: Sequence[Sequence[float]], hero: tuple[int, int]) -> float:
    """The sum of the pairs that the picture draws as one bar."""
    others = [part for q, row in enumerate(parts) for k, part in enumerate(row) if (q, k) != hero]
    return float(sum(sorted(others, key=abs, reverse=True)[PAIRS - 1 :]))


def walk_figure(walked: Walk, stores: str = "") -> Figure:
    """Draw a walk; ``stores``: the effect of the head's store, in words for the picture."""
    address, parts = walked.address, walked.parts
    name = f"{address.head}@{address.labels[address.at]}"
    title = f"How {address.head} at {address.labels[address.at]} finds {_key(address)}"
    if {"Q", "K"} & address.undefined.keys():
        why = f"The walk of {name} has no steps: {address.undefined['Q']}."
        return figure("Walk", title, why, [])
    queries, keys = ([str(name) for name in parts[dim].values] for dim in ("query_writer", "key_writer"))
    best = divmod(int(parts.values.argmax()), len(keys))
    hero: dict[Side, str] = {"Q": queries[best[0]], "K": keys[best[1]], "V": address.top("V")}
    defined: list[Side] = [side for side in SIDES if side not in address.undefined]
    chosen: dict[Side, list[str]] = {side: _shown(address.shares[side], hero[side]) for side in defined}
    pooled = _pool(parts.values, queries, keys, chosen)
    many = len(address.smallest)
    attended = address.labels[address.smallest[0]] if many == 1 else plural(many, "token")
    places = {"Q": address.labels[address.at], "K": _key(address), "V": attended}

    def at(side: Side) -> int:
        return chosen[side].index(hero[side]) if side in chosen else 0

    sides: dict[Side, Load] = {
        side: load(places[side], _writers(address, side, names), address.remainder[side])
        for side, names in chosen.items()
    }
    recorded, remainder = parts.attrs["recorded"], parts.attrs["remainder"]
    view = walk_view(
        title,
        str(address.head),
        sides,
        pooled,
        score=(f"contrast of {_key(address)}, nats", recorded, remainder),
        weight=address.weights[address.smallest[0] if address.key is None else address.key],
        hero=(at("Q"), at("K"), at("V")),
        stores=stores or f"into the stream of {address.labels[address.at]}",
    )
    pair = f"{hero['Q']} on Q meets {hero['K']} on K for {number(float(parts.values[best]))}"
    claim = (
        f"Of the {number(recorded)} nats by which {_contrast(address)}, {pair}, the largest of "
        f"{plural(parts.size, 'pair')} of writers.{decoded(address, ('K', 'V'))} All pairs sum to the number of the "
        f"run within {size(abs(remainder))}."
    )
    return figure(
        "Walk",
        title,
        claim,
        [view],
        reading(
            "A score is the sum over what writers stored at the query's token times what writers stored at the key's: "
            "a line is one such product, minus its mean over the keys that it is compared with. Softmax turns the "
            "score into a weight, and V loads with it."
        ),
    )


def _shown(shares: Mapping[str, float], hero: str) -> list[str]:
    """The writers of the largest parts by magnitude, always including that of the strongest path."""
    ranked = sorted(shares, key=lambda writer: -abs(shares[writer]))
    return ranked[:SHOWN] if hero in ranked[:SHOWN] else [*ranked[: SHOWN - 1], hero]


def _writers(address: Address, side: Side, shown: list[str]) -> list[tuple[str, float, str]]:
    """The writers shown for a side, with the decoded store of the largest, and all others summed."""
    shares, top, read = address.shares[side], address.top(side), address.read.get(side)
    stored = f"stored {read}" if read is not None and read.nearest else ""
    rows = [(name, shares[name], stored if name == top else "") for name in shown]
    rest = [share for name, share in shares.items() if name not in shown]
    return [*rows, (plural(len(rest), "other"), sum(rest), "together")] if rest else rows


def _pool(
    values: np.ndarray, queries: Sequence[str], keys: Sequence[str], chosen: Mapping[Side, list[str]]
) -> np.ndarray:
    """Parts of the chosen writers; those of all others, if any, are summed into a last row and column."""
    for axis, (names, kept_names) in enumerate(((queries, chosen["Q"]), (keys, chosen["K"]))):
        rows = np.moveaxis(values, axis, 0)
        kept = [names.index(name) for name in kept_names]
        rest = [index for index in range(len(names)) if index not in kept]
        pooled = [rows[kept], *([rows[rest].sum(0, keepdims=True)] if rest else [])]
        values = np.moveaxis(np.concatenate(pooled), 0, axis)
    return values


def _key(address: Address) -> str:
    return "its keys" if address.key is None else address.labels[address.key]


def _contrast(address: Address) -> str:
    """The meaning of the score, as the end of a sentence that begins with a number of nats."""
    if address.key is None:
        return "the row differs from even attention"
    than = "the mean of its keys" if address.than is None else address.labels[address.than]
    return f"{address.labels[address.key]} scores above {than}"
