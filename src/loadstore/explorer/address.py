"""The address of one head at one token: tokens, writers on each side, the loaded content, and nulls of wires."""

import math
from collections.abc import Callable
from typing import Any

from loadstore.decomposition.address import Address
from loadstore.decomposition.address import address as address_of
from loadstore.decomposition.read import Read, read_store
from loadstore.decomposition.single import one_prompt_index
from loadstore.decomposition.walk import walk
from loadstore.execution.trace import Trace
from loadstore.explorer.prompt import predicted
from loadstore.explorer.requests import AddressRequest, DecodedRequest, NullsRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.figures.prediction.address import token_row
from loadstore.figures.prediction.walk import walk_figure
from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.scores.measures import OF_A_WIRE
from loadstore.scores.scores import subspace_scores
from loadstore.sites import CONST, SIDES, Head, Reader, Side, parse_head
from loadstore.views.base import plain
from loadstore.views.pictures import address as address_view

SHOWN = 12  # writers listed for a side
TOGETHER = 2  # wires between two checks for cancellation


def address(explorer: Explorer, ask: AddressRequest) -> Document:
    """The address of a head at a token. ``about``: a key's index, "row", or "most" (the default)."""
    trace = explorer.trace(ask.run)
    head, at = head_of(trace, ask.head), one_prompt_index(trace, ask.at)
    about = "most" if ask.about is None else ask.about
    address_at = address_of(trace, head, at, about=about)
    row = token_row(address_at)
    return {
        "head": str(head),
        "at": at,
        "soft": address_at.soft,
        "text": str(address_at),
        "key": address_at.key,
        "most": address_at.smallest[0],
        "first": address_at.first,
        "sentence": address_view("Where it looks", address_at.labels, [row]),
        "sides": [_side(trace, address_at, side) for side in SIDES],
        "next": predicted(trace, at),
    }


def head_of(trace: Trace, name: str) -> Head:
    """The head with that name. Raises NoSuchSite with the nearest name."""
    return trace.weights.architecture.check(parse_head(name), trace.weights.name)


def _side(trace: Trace, address: Address, side: Side) -> dict[str, Any]:
    """One side: its writers with the largest |share|, the sum of all others, and the loaded token."""
    shares = sorted(address.shares[side].items(), key=lambda item: -abs(item[1]))
    undefined = address.undefined.get(side, "")
    token = {
        "Q": address.at,
        "K": address.smallest[0] if address.key is None else address.key,
        "V": address.smallest[0],
    }[side]
    connected = {
        str(writer) for writer in wiring(trace.weights).writers_of(Reader(address.head.layer, address.head.index, side))
    }
    rest = [share for _, share in shares[SHOWN:]]
    read = address.read.get(side)
    return {
        "side": side,
        "undefined": undefined,
        "place": token,
        "writers": []
        if undefined
        else [
            {"writer": name, "share": share, "wire": name != CONST and name in connected}
            for name, share in shares[:SHOWN]
        ],
        "others": {"count": len(rest), "share": math.fsum(rest)},
        "total": math.fsum(share for _, share in shares),
        "remainder": address.remainder.get(side, 0.0),
        "read": None if read is None else _read(read),
    }


def _read(read: Read) -> Document:
    return {"place": read.place, "rows": [{"text": text, "cosine": cosine} for _, text, cosine in read.nearest]}


def decoded(explorer: Explorer, ask: DecodedRequest) -> Document:
    """Decode a writer's store at one token as its nearest possible stores."""
    return _read(read_store(explorer.trace(ask.run), ask.writer, ask.at))


def steps(explorer: Explorer, ask: AddressRequest) -> Document:
    """A figure of an address: the writers of the query against the writers of the key."""
    trace = explorer.trace(ask.run)
    return plain(
        walk_figure(walk(trace, head_of(trace, ask.head), ask.at, about="most" if ask.about is None else ask.about))
    )


def nulls(explorer: Explorer, ask: NullsRequest) -> Callable[[Progress], Document]:
    """The weight-based numbers of wires into one head, each with its null: ``wires`` are {writer, side}.

    Results are cached, so each wire is computed once. Raises NoSuchWire.
    """
    weights = explorer.weights
    head = weights.architecture.check(parse_head(ask.head), weights.name)
    network = wiring(weights)
    wanted: list[tuple[str, Side]] = []
    for wire in ask.wires:
        writer, _ = network.wire(wire.writer, Reader(head.layer, head.index, wire.side))
        wanted.append((str(writer), wire.side))
    numbers: dict[tuple[str, Side], dict[str, float]] = explorer.once(f"nulls of {head}", dict)

    def work(progress: Progress) -> Document:
        new = [wire for wire in dict.fromkeys(wanted) if wire not in numbers]
        for done in range(0, len(new), TOGETHER):
            progress(done, len(new))
            batch = new[done : done + TOGETHER]
            table = subspace_scores(weights, where=[f"{writer} -> {head}.{side}" for writer, side in batch])
            for writer, side in batch:
                wire = table.sel(writer=writer, reader=f"{head}.{side}")
                numbers[writer, side] = {name: float(wire[name]) for name in OF_A_WIRE}
        wires = [{"writer": writer, "side": side, "numbers": numbers[writer, side]} for writer, side in wanted]
        return {"head": str(head), "measures": OF_A_WIRE, "wires": wires}

    return work
