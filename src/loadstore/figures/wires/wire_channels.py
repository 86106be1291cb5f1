"""One wire, channel by channel: each channel's part, and the tokens, positions or units at both ends."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from loadstore.figures.words import chance, number, plural
from loadstore.scores.decoding import ChannelTokens, Match
from loadstore.sites import Reader, Writer
from loadstore.views.model import Figure, View, bars, figure, reading, table

if TYPE_CHECKING:
    import xarray as xr

STORES = {
    "head": "Stored: what loading a token alone makes the head store along the channel, minus the mean over tokens.",
    "embed": "Stored: the tokens whose embedding lies most along the channel, minus the mean over tokens.",
    "pos": "Stored: the positions whose vector lies most along the channel, minus the mean over positions.",
    "mlp": "Stored: the MLP's units that write most along the channel; units are not tokens.",
    "bias": "Stored: a constant, which comes from no token, position or unit: this end has nothing to decode.",
}
LOADS = {
    "Q": "Loaded: the keys whose scores it raises most on the query.",
    "K": "Loaded: the queries whose scores it raises most on the key.",
    "V": "Loaded: the tokens that the head then promotes.",
    "mlp": "Loaded: the MLP's units that it excites most.",
    "": "Loaded: the tokens that it promotes.",
}


def wire_channels_figure(
    writer: Writer, reader: Reader, own: "xr.Dataset", wire: Mapping[str, float], ends: Sequence[ChannelTokens]
) -> Figure:
    """The channels of one wire as bars, and both ends of each decoded.

    Args:
        writer: The wire's writer.
        reader: Its reader.
        own: The channels to draw, largest first (a selection of ``ls.vocabulary.channels``).
        wire: The measures of the whole wire by name.
        ends: The tokens at both ends of every channel; empty if they are not decoded.
    """
    total, carried = int(own.attrs["total"]), own.carried.values
    numbers = [int(end) for end in own["channel"].values]
    shown = f", the {len(numbers)} that carry most {number(float(carried.sum()))}" if total > len(numbers) > 1 else ""
    claim = (
        f"{writer} stores in {plural(total, 'channel')}. Number {numbers[0]} carries {number(float(carried[0]))} of "
        f"this wire{shown}. The whole wire has alignment {number(wire['alignment'])}: score {number(wire['score'], 3)} "
        f"where chance is {number(wire['chance'], 3)}, z {number(wire['z'], 1)}, {chance(wire['p'])}."
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
    stores, loads = STORES["mlp" if writer.in_mlp else writer.kind], LOADS["mlp" if reader.is_mlp else reader.side]
    both = f"{stores} {loads} A channel has no sign: + goes with + and − with −." + (
        " Agreement: cosine of the two ends; near 1 the reader looks for what was stored."
        if any(end.agreement == end.agreement for end in ends)
        else ""
    )
    note = both if ends else "Carried: a channel's part of the wire's squared product; all channels add up to 1."
    return figure("Channels", f"{writer} → {reader}", claim, views, reading(note))


def _label(channel: int, dimension: int) -> str:
    return f"{channel}, {dimension} directions" if dimension > 1 else str(channel)


def _tokens(ends: Sequence[ChannelTokens]) -> View:
    """Both ends of every channel, one row per sign."""
    agree = any(end.agreement == end.agreement for end in ends)
    columns = (
        ("channel", "channel", None),
        *((("agreement", "agreement", 2),) if agree else ()),
        ("stored", f"{ends[0].stored_as or 'a constant'} stored", None),
        ("loaded", ends[0].loaded_as, None),
    )
    rows = [
        [
            f"{end.channel} {'−' if sign == '-' else sign}",
            *((end.agreement,) if agree else ()),
            _listed(end.stored.get(sign, ())),
            _listed(matches),
        ]
        for end in ends
        for sign, matches in end.loaded.items()
    ]
    return table("Both ends decoded", columns, rows)


def _listed(matches: tuple[Match, ...]) -> str:
    return "  ".join(match.text for match in matches) or "none"
