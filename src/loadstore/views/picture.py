"""The picture of a circuit: tokens in a row, layers upwards, one arc per load, the answer at the end."""

from typing import Literal, TypeAlias

from loadstore.views.base import Value, View

Place: TypeAlias = tuple[float, float]


class Token(Value, frozen=True, kw_only=True):
    """A token in the bottom row, or a run of tokens without loads.

    Args:
        text: Its label with its index, or the number of folded tokens.
        at: The middle of its text.
        folded: Whether it stands for several.
        used: Whether a load starts here.
    """

    text: str
    at: Place
    folded: bool
    used: bool


class SiteBox(Value, frozen=True, kw_only=True):
    """Heads or MLPs of one layer at one token, or the answer.

    Args:
        name: The names of the sites.
        lines: The name, broken into lines that fit.
        role: The role of heads, or "".
        kind: The kind of site.
        token: The label of the token.
        box: Left, top, width and height.
    """

    name: str
    lines: tuple[str, ...]
    role: str
    kind: Literal["head", "mlp", "answer"]
    token: str
    box: tuple[float, float, float, float]


class Arc(Value, frozen=True, kw_only=True):
    """A load.

    Args:
        source: The site that stored, with the token.
        target: The site that loads, with the token.
        port: The port of the load: Q, K, V, or "" for MLPs and the answer.
        share: Its share, signed.
        wires: The number of its wires.
        path: The line, as the d of an SVG path.
        width: The width of the line.
        tip: The end of the line and its direction in degrees.
        letter: The place of the port's letter.
        positions: Whether positions were stored instead of tokens.
    """

    source: str
    target: str
    port: Literal["Q", "K", "V", ""]
    share: float
    wires: int
    path: str
    width: float
    tip: tuple[float, float, float]
    letter: Place
    positions: bool


class Cut(Value, frozen=True, kw_only=True):
    """The result of cutting some of the loads.

    Args:
        name: The label of the cut's button.
        arcs: Indices of the arcs that break.
        answer: The answer's lines after the cut.
        kept: The remaining fraction of the answer's probability, from 0 to 1; the answer fades accordingly.
        said: The result in words.
    """

    name: str
    arcs: tuple[int, ...]
    answer: tuple[str, ...]
    kept: float
    said: str


class Picture(View, frozen=True, kw_only=True, tag="loadstore/picture@1"):
    """A picture with the places of all its parts in pixels.

    Args:
        width: Its width.
        height: Its height.
        tokens: The bottom row.
        marks: Sites at tokens, the answer last.
        arcs: The loads, strongest first.
        unit: The total that shares refer to.
        notes: Sentences on the loads drawn and left out, with the faithfulness of those drawn if it is known.
        cuts: Measured cuts.
    """

    width: float
    height: float
    tokens: tuple[Token, ...]
    marks: tuple[SiteBox, ...]
    arcs: tuple[Arc, ...]
    unit: str
    notes: tuple[str, ...]
    cuts: tuple[Cut, ...]
