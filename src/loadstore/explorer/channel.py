"""One wire, channel by channel: what each carries of it, and the tokens, positions or units at both of its ends."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from loadstore.errors import Undefined
from loadstore.explorer.requests import ChannelRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.figures.wires.channels import channels_figure
from loadstore.figures.words import number, plural, size
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.scores.channels import channels
from loadstore.scores.decoding import ChannelTokens, Match, wire_tokens
from loadstore.scores.measures import OF_A_WIRE
from loadstore.scores.scores import subspace_scores
from loadstore.sites import Reader, Writer
from loadstore.views.model import Figure, View, bars, figure, reading, table

if TYPE_CHECKING:
    import xarray as xr

CHANNELS = 8  # of a wire: those that carry most of it
TOKENS = 6  # of a sign at one end
STORES = {
    "head": "Stored: what loading a token alone makes the head store along the channel, less the mean over tokens.",
    "embed": "Stored: the tokens whose embedding lies most along the channel, less the mean over tokens.",
    "pos": "Stored: the positions whose vector lies most along the channel, less the mean over positions.",
    "mlp": "Stored: the MLP's units that write most along the channel; units are no tokens.",
    "bias": "Stored: a constant, which comes from no token, position or unit: this end has nothing to decode.",
}
LOADS = {
    "Q": "Loaded: the keys whose scores it raises most on the query.",
    "K": "Loaded: the queries whose scores it raises most on the key.",
    "V": "Loaded: the tokens that the head then promotes.",
    "mlp": "Loaded: the MLP's units that it excites most.",
    "": "Loaded: the tokens that it promotes.",
}


UNDECODED = (
    "Positions turn queries and keys, so that which tokens {side} meets depends on how far apart they are: choose an "
    "offset to decode its ends. The numbers here are averages over all offsets."
)


def channel(explorer: Explorer, ask: ChannelRequest) -> Document:
    """The channels of the wire ``writer`` → ``reader``; tokens of Q and K under rotary positions at an ``offset``."""
    weights = explorer.weights
    offset = ask.offset
    writer, reader = wiring(weights).wire(ask.writer, ask.reader)
    found = _channels(weights, writer, reader, offset)
    own = found.sel(reader=str(reader)).sortby("carried", ascending=False).isel(channel=slice(CHANNELS))
    scores = subspace_scores(weights, writers=str(writer), readers=str(reader), offset=offset)
    wire = {name: float(scores[name].values[0, 0]) for name in OF_A_WIRE}
    turned = weights.architecture.rotary is not None and reader.side in ("Q", "K")
    numbers = [int(one) for one in own["channel"].values]
    few = min(TOKENS, weights.architecture.vocab)
    undecoded = turned and offset is None
    ends = [] if undecoded else wire_tokens(weights, writer, reader, numbers, few, offset=offset)
    return {
        "writer": str(writer),
        "reader": str(reader),
        "wire": wire,
        "total": int(found.attrs["total"]),
        "offsets": weights.architecture.reach(reader.layer) if turned else 0,
        "offset": offset if turned else None,
        "undecoded": UNDECODED.format(side=reader.side) if undecoded else None,
        "figure": _figure(writer, reader, own, wire, ends),
        "readers": replace(channels_figure(found), id="figure-readers"),
    }


def _channels(weights: Weights, writer: Writer, reader: Reader, offset: int | None) -> "xr.Dataset":
    """Of a head's side the channels as its other sides read them too, where they see the same store."""
    if reader.side in ("Q", "K", "V"):
        try:
            return channels(weights, writer, f"{reader.head}.*", offset=offset)
        except Undefined:  # Q and K see it with its mean and V without: then this side alone has channels
            pass
    return channels(weights, writer, str(reader), offset=offset)


def _figure(
    writer: Writer, reader: Reader, own: "xr.Dataset", wire: dict[str, float], ends: list[ChannelTokens]
) -> Figure:
    total, carried = int(own.attrs["total"]), own.carried.values
    numbers = [int(one) for one in own["channel"].values]
    shown = f", the {len(numbers)} that carry most {number(float(carried.sum()))}" if total > len(numbers) > 1 else ""
    claim = (
        f"{writer} stores in {plural(total, 'channel')}. Number {numbers[0]} carries {number(float(carried[0]))} of "
        f"this wire{shown}. The whole wire has alignment {number(wire['alignment'])}: score {number(wire['score'], 3)} "
        f"where chance is {number(wire['chance'], 3)}, z {number(wire['z'], 1)}, {_p(wire['p'])}."
    )
    rows = [
        (
            _label(numbers[i], int(own.dimension.values[i])),
            float(carried[i]),
            f"alignment {number(float(own.alignment.values[i]))}, z {number(float(own.z.values[i]), 1)}, "
            f"strength {number(float(own.strength.values[i]))}",
        )
        for i in range(len(numbers))
    ]
    views: list[View] = [
        bars(
            "What each channel carries of the wire",
            "carried",
            ("channel", "of its own"),
            rows,
            kind="unsigned",
        )
    ]
    if ends:
        views.insert(0, _tokens(ends))
    loads = f"{STORES[writer.kind]} {LOADS[reader.side]} A channel has no sign: + goes with + and − with −." + (
        " Agreement: cosine of the two ends; near 1 the reader looks for what was stored."
        if any(one.agreement == one.agreement for one in ends)
        else ""
    )
    note = loads if ends else "Carried: a channel's part of the wire's squared product; all channels add up to 1."
    return figure("Channels", f"{writer} → {reader}", claim, views, reading(note))


def _p(p: float) -> str:
    """A tail beyond what a double holds is told as such."""
    return "p below 1e−300" if p == 0 else f"p {size(p)}"


def _label(channel: int, dimension: int) -> str:
    return f"{channel}, {dimension} directions" if dimension > 1 else str(channel)


def _tokens(ends: list[ChannelTokens]) -> View:
    """Both ends of every channel, a row a sign."""
    agree = any(one.agreement == one.agreement for one in ends)
    columns = (
        ("channel", "channel", None),
        *((("agreement", "agreement", 2),) if agree else ()),
        ("stored", f"{ends[0].stored_as or 'a constant'} stored", None),
        ("loaded", ends[0].loaded_as, None),
    )
    rows = [
        [
            f"{one.channel} {'−' if sign == '-' else sign}",
            *((one.agreement,) if agree else ()),
            _listed(one.stored.get(sign, ())),
            _listed(matches),
        ]
        for one in ends
        for sign, matches in one.loaded.items()
    ]
    return table("Both ends decoded", columns, rows)


def _listed(matches: tuple[Match, ...]) -> str:
    return "  ".join(match.text for match in matches) or "none"
