"""One wire, channel by channel: each channel's part, and the tokens, positions or units at both ends."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from loadstore.errors import Undefined
from loadstore.explorer.requests import ChannelRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.figures.wires.channels import channels_figure
from loadstore.figures.wires.wire_channels import wire_channels_figure
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.scores.channels import channels
from loadstore.scores.decoding import wire_tokens
from loadstore.scores.measures import OF_A_WIRE
from loadstore.scores.scores import subspace_scores
from loadstore.sites import Reader, Writer

if TYPE_CHECKING:
    import xarray as xr

CHANNELS = 8  # largest channels of a wire
TOKENS = 6  # for each sign at one end
UNDECODED = (
    "Positions turn queries and keys, so the tokens that {side} matches depend on the distance between query and key: "
    "choose an offset to decode both ends. The numbers here are averages over all offsets."
)


def channel(explorer: Explorer, ask: ChannelRequest) -> Document:
    """The channels of the wire ``writer`` → ``reader``; tokens of Q and K under rotary positions at an ``offset``."""
    weights = explorer.weights
    offset = ask.offset
    writer, reader = wiring(weights).wire(ask.writer, ask.reader)
    table = _channels(weights, writer, reader, offset)
    own = table.sel(reader=str(reader)).sortby("carried", ascending=False).isel(channel=slice(CHANNELS))
    scores = subspace_scores(weights, writers=str(writer), readers=str(reader), offset=offset)
    wire = {name: float(scores[name].values[0, 0]) for name in OF_A_WIRE}
    turned = reader.side in ("Q", "K") and weights.architecture.rotary_of(reader.layer) is not None
    numbers = [int(number) for number in own["channel"].values]
    few = min(TOKENS, weights.architecture.vocab)
    undecoded = turned and offset is None
    ends = [] if undecoded else wire_tokens(weights, writer, reader, numbers, few, offset=offset)
    return {
        "writer": str(writer),
        "reader": str(reader),
        "wire": wire,
        "total": int(table.attrs["total"]),
        "offsets": weights.architecture.reach(reader.layer) if turned else 0,
        "offset": offset if turned else None,
        "undecoded": UNDECODED.format(side=reader.side) if undecoded else None,
        "figure": wire_channels_figure(writer, reader, own, wire, ends),
        "readers": replace(channels_figure(table), id="figure-readers"),
    }


def _channels(weights: Weights, writer: Writer, reader: Reader, offset: int | None) -> "xr.Dataset":
    """The channels of a wire; for a head, with the other sides' reads as well if they load the same store."""
    if reader.side in ("Q", "K", "V"):
        try:
            return channels(weights, writer, f"{reader.head}.*", offset=offset)
        except Undefined:  # Q and K load it uncentred and V centred: use this side alone
            pass
    return channels(weights, writer, str(reader), offset=offset)
