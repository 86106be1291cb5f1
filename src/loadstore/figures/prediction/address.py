"""One soft address as a picture: the sentence with its weights, and per side the shares of writers."""

from loadstore.decomposition.address import Address, effective_tokens, smallest_set, tokens_text
from loadstore.execution.trace import Trace
from loadstore.figures.words import number
from loadstore.sites import SIDES, Head
from loadstore.views.addresses import AddressRow
from loadstore.views.model import Figure, View, bars, figure
from loadstore.views.pictures import address, address_row

SHOWN = 8


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
    read = "".join(f" {side} read {store}." for side, store in found.read.items())
    change = " Shares divide what differs from another prompt, Q and K together." if found.against else ""
    claim = f"{found}. Spread over {number(found.effective, 1)} effective tokens.{read}{change}{reasons}"
    return figure("Address", f"Where {name} loads from", claim, views)


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
