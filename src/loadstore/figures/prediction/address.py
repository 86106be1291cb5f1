"""One soft address as a picture: the sentence with its weights, and for each side the shares of writers."""

from collections.abc import Sequence

from loadstore.decomposition.address import Address, effective_tokens, sink_of, smallest_set, tokens_text
from loadstore.execution.trace import Trace
from loadstore.figures.words import listed, number, plural
from loadstore.sites import SIDES, Head, Side
from loadstore.views.addresses import AddressRow
from loadstore.views.model import Figure, View, bars, figure
from loadstore.views.pictures import address, address_row

SHOWN = 8
TOKENS = 3  # number named in a sentence
SIGNED = "The shares of a side are signed and sum to 1: where one is above 1, negative ones take the excess away."


def address_figure(divided: Address) -> Figure:
    """The token part over the sentence, and the subspace part as one chart per side."""
    name = f"{divided.head}@{divided.labels[divided.at]}"
    views: list[View] = [address("The token part", divided.labels, [token_row(divided)])]
    for side in SIDES:
        if side in divided.undefined:
            continue
        shares = sorted(divided.shares[side].items(), key=lambda item: -abs(item[1]))
        rest = sum(share for _, share in shares[SHOWN:])
        rows = [(writer, share, "") for writer, share in shares[:SHOWN]]
        rows += [(f"{len(shares) - SHOWN} more", rest, "")] if len(shares) > SHOWN else []
        views.append(
            bars(
                f"{side}: the subspace part",
                "share",
                ("writer", ""),
                rows,
                total=("all", sum(divided.shares[side].values())),
            )
        )
    reasons = "".join(f" {side} has no shares: {reason}." for side, reason in divided.undefined.items())
    change = " Shares divide what differs from another prompt, Q and K together." if divided.against else ""
    claim = f"{_where(divided)}{decoded(divided, SIDES)}{above_one(divided)}{change}{reasons}"
    return figure("Address", f"Where {name} loads from", claim, views)


def _where(address: Address) -> str:
    """The source tokens of a load and the strongest writer of each side, in words."""
    tokens = [f"{address.labels[j]} ({number(address.weights[j])})" for j in address.smallest[:TOKENS]]
    more = len(address.smallest) - len(tokens)
    tokens += [plural(more, "other token")] if more else []
    sink = "" if address.sink is None else f"; its sink takes {number(address.sink)} of the row"
    defined: list[Side] = [side for side in SIDES if side not in address.undefined]
    tops = [f"{side} {address.top(side)} ({number(address.shares[side][address.top(side)])})" for side in defined]
    mostly = f" Of all writers, these have the largest shares: {', '.join(tops)}." if tops else ""
    return (
        f"{address.head} at {address.labels[address.at]} attends to {listed(tokens)}, "
        f"{number(address.effective, 1)} effective tokens{sink}.{mostly}"
    )


def decoded(address: Address, sides: Sequence[Side]) -> str:
    """Sentences on the decoded stores of the largest writers of some sides, if they decode to something."""
    sentences: list[str] = []
    for side in sides:
        if side in address.read and address.read[side].nearest:
            token, _, writer = address.read[side].place.rpartition(":")
            _, text, cosine = address.read[side].nearest[0]
            nearest = f"nearest to {text} (cosine {number(cosine)})"
            sentences.append(f" {side} loads what {writer} stored at {token}, {nearest}.")
    return "".join(sentences)


def above_one(address: Address) -> str:
    """A sentence on shares above 1, if there are any; otherwise empty."""
    shares = [share for side in SIDES if side not in address.undefined for share in address.shares[side].values()]
    return f" {SIGNED}" if round(max(shares, default=0.0), 2) > 1 else ""


def token_row(address: Address) -> AddressRow:
    """The token part as a row of a sentence; masked tokens have no weight."""
    weights = [weight if address.first <= j <= address.at else None for j, weight in enumerate(address.weights)]
    name = f"{address.head}@{address.labels[address.at]}"
    return address_row(name, f"→ {address.tokens}", weights, address.smallest, address.effective)


def pattern_row(label: str, trace: Trace, head: Head, at: int) -> AddressRow:
    """The same for any run, including edited ones, which have no shares."""
    row, sink = trace.pattern(head)[at].double(), sink_of(trace, head, at)
    first = max(0, at + 1 - (trace.weights.architecture.window(head.layer) or at + 1))
    smallest, weights = smallest_set(row), row.tolist()
    text = tokens_text(trace.labels, weights, smallest, at + 1 - first, sink)
    allowed = [weight if first <= j <= at else None for j, weight in enumerate(weights)]
    return address_row(label, f"→ {text}", allowed, smallest, effective_tokens(row))
