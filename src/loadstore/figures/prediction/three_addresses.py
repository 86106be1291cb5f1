"""The article's closing clarification: one head, one query, three addresses."""

from loadstore.decomposition.address import MASS, Address, address
from loadstore.figures.prediction.address import above_one
from loadstore.figures.subject.story import Story
from loadstore.figures.words import listed, number, plural
from loadstore.sites import SIDES, Side
from loadstore.views.model import Figure, View, bars, figure, reading, round_up
from loadstore.views.pictures import address as address_view
from loadstore.views.pictures import address_row

SHOWN = 6
NAMED = 0.1  # fraction of the largest share; a writer below it is not named in addition
HALF = 0.5  # fraction of all shares from which the named writers are "mostly" a side
SAY = {
    "Q": "the query's own token",
    "K": "each key's own token",
    "V": "the tokens that attention gives",
}


def closing_figure(story: Story) -> Figure:
    """The token and subspace of each of the three loads."""
    head, at = story.main, story.asked.at
    divided = address(story.trace, head, at)
    labels, length = list(divided.labels), len(divided.labels)
    ones: dict[Side, list[float | None]] = {
        "Q": [float(j == at) if j <= at else None for j in range(length)],
        "V": [divided.weights[j] if divided.first <= j <= at else None for j in range(length)],
    }
    keys = at + 1 - divided.first
    rows = [
        address_row("Q", f"→ {labels[at]}", ones["Q"], [at], 1.0),
        address_row("V", f"→ {divided.tokens}", ones["V"], divided.smallest, divided.effective),
    ]
    loads = ", ".join(_described(divided, side) for side in SIDES)
    views = [address_view("The tokens that Q and V load from", labels, rows)]
    shown: list[Side] = [side for side in SIDES if side not in divided.undefined]
    every = [share for side in shown for share in divided.shares[side].values()]
    low, high = -round_up(-min([0.0, *every])), round_up(max([1.0, *every]))
    views += [_bars(divided, side, low, high) for side in shown]
    key = labels[divided.smallest[0] if divided.key is None else divided.key]
    return figure(
        "Three addresses",
        "One head, one query, three addresses",
        f"{head} adds most to {story.predicted} after {labels[at]}. It loads three times: {loads}.{above_one(divided)}",
        views,
        reading(
            "Attention supplies a token address for V only: Q reads the query's own token, and K each key's own token. "
            f"{_partition(key, keys)} They are signed and sum to 1, const included. Outlined: the fewest tokens that "
            f"hold {100 * MASS:.0f} %. In one line: {divided}."
        ),
    )


def _partition(key: str, keys: int) -> str:
    """The quantity that is divided into shares."""
    if keys == 1:
        return "Shares partition what the head stored; with one key there is nothing that Q and K could choose."
    return (
        f"Shares partition, for Q and K, the score of {key} minus the mean over the {keys} keys that the mask allows; "
        "for V, what the head stored."
    )


def _described(address: Address, side: Side) -> str:
    if side in address.undefined:
        return f"{side} from {SAY[side]} (shares undefined: {address.undefined[side]})"
    ranked = sorted(address.shares[side].items(), key=lambda item: -item[1])[:2]
    named = [(writer, share) for writer, share in ranked if share >= NAMED * ranked[0][1]]
    how = "mostly" if sum(share for _, share in named) >= HALF else "spread over many writers, first"
    return f"{side} from {SAY[side]}, {how} " + listed([f"{writer} ({number(share)})" for writer, share in named])


def _bars(address: Address, side: Side, low: float, high: float) -> View:
    ranked = sorted(address.shares[side].items(), key=lambda item: -abs(item[1]))
    shown, rest = ranked[:SHOWN], ranked[SHOWN:]
    rows = [(writer, share, "") for writer, share in shown]
    if rest:
        rows.append((plural(len(rest), "other"), sum(share for _, share in rest), "together"))
    return bars(
        f"The subspace part of {side}: share of every writer",
        "share",
        ("writer", ""),
        rows,
        low=low,
        digits=3,
        high=high,
        total=("sum", sum(share for _, share in ranked)),
    )
