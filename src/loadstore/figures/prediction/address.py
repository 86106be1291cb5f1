"""One soft address as a picture: the sentence with its weights, and per side the shares of writers."""

from collections.abc import Sequence

from loadstore.decomposition.address import Address, effective_tokens, smallest_set, tokens_text
from loadstore.execution.trace import Trace
from loadstore.figures.words import listed, number, plural
from loadstore.sites import SIDES, Head, Side
from loadstore.views.addresses import AddressRow
from loadstore.views.model import Figure, View, bars, figure
from loadstore.views.pictures import address, address_row

SHOWN = 8
TOKENS = 3  # named in a sentence
SIGNED = "The shares of a side are signed and sum to 1: where one is above 1, negative ones take the excess away."


def address_figure(found: Address) -> Figure:
    """The token part over the sentence, and the subspace part as one chart a side."""
    name = f"{found.head}@{found.labels[found.at]}"
    views: list[View] = [address("The token part", found.labels, [token_row(found)])]
    for side in SIDES:
        if side in found.undefined:
            continue
        shares = sorted(found.shares[side].items(), key=lambda item: -abs(item[1]))
        rest = sum(share for _, share in shares[SHOWN:])
        rows = [(writer, share, "") for writer, share in shares[:SHOWN]]
        rows += [(f"{len(shares) - SHOWN} more", rest, "")] if len(shares) > SHOWN else []
        views.append(
            bars(
                f"{side}: the subspace part",
                "share",
                ("writer", ""),
                rows,
                total=("all", sum(found.shares[side].values())),
            )
        )
    reasons = "".join(f" {side} has no shares: {reason}." for side, reason in found.undefined.items())
    change = " Shares divide what differs from another prompt, Q and K together." if found.against else ""
    claim = f"{_where(found)}{decoded(found, SIDES)}{above_one(found)}{change}{reasons}"
    return figure("Address", f"Where {name} loads from", claim, views)


def _where(found: Address) -> str:
    """The tokens that a load comes from and the strongest writer of each side, in words."""
    tokens = [f"{found.labels[j]} ({number(found.weights[j])})" for j in found.smallest[:TOKENS]]
    more = len(found.smallest) - len(tokens)
    tokens += [plural(more, "other token")] if more else []
    known: list[Side] = [side for side in SIDES if side not in found.undefined]
    tops = [f"{side} {found.top(side)} ({number(found.shares[side][found.top(side)])})" for side in known]
    mostly = f" Of all writers most is loaded from: {', '.join(tops)}." if tops else ""
    return (
        f"{found.head} at {found.labels[found.at]} attends to {listed(tokens)}, "
        f"{number(found.effective, 1)} effective tokens.{mostly}"
    )


def decoded(found: Address, sides: Sequence[Side]) -> str:
    """Sentences on what the largest writers of some sides had stored, where it decodes to something."""
    sentences: list[str] = []
    for side in sides:
        if side in found.read and found.read[side].nearest:
            place, _, writer = found.read[side].place.rpartition(":")
            _, text, cosine = found.read[side].nearest[0]
            nearest = f"nearest to {text} (cosine {number(cosine)})"
            sentences.append(f" {side} loads what {writer} stored at {place}, {nearest}.")
    return "".join(sentences)


def above_one(found: Address) -> str:
    """A sentence on shares above 1, where there is one; else empty."""
    shares = [share for side in SIDES if side not in found.undefined for share in found.shares[side].values()]
    return f" {SIGNED}" if round(max(shares, default=0.0), 2) > 1 else ""


def token_row(found: Address) -> AddressRow:
    """The token part as a row of a sentence; what the mask forbids has no weight."""
    weights = [weight if found.first <= j <= found.at else None for j, weight in enumerate(found.weights)]
    name = f"{found.head}@{found.labels[found.at]}"
    return address_row(name, f"→ {found.tokens}", weights, found.smallest, found.effective)


def pattern_row(label: str, trace: Trace, head: Head, at: int) -> AddressRow:
    """The same of any run, of edited ones too, which have no shares."""
    row = trace.pattern(head)[at].double()
    first = max(0, at + 1 - (trace.weights.architecture.window(head.layer) or at + 1))
    smallest, weights = smallest_set(row), row.tolist()
    text = tokens_text(trace.labels, weights, smallest, at + 1 - first)
    allowed = [weight if first <= j <= at else None for j, weight in enumerate(weights)]
    return address_row(label, f"→ {text}", allowed, smallest, effective_tokens(row))
