"""The picture of a circuit: tokens in a row, layers upwards, an arc a load, the answer at the end."""

from typing import Literal, TypeAlias

from loadstore.views.base import Value, View

Place: TypeAlias = tuple[float, float]


class Token(Value, frozen=True, kw_only=True):
    """A token in the bottom row, or a run of tokens that nothing is loaded from.

    Args:
        text: Its label with its index, or how many tokens are folded.
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
        name: Their names.
        lines: The name in lines that fit.
        role: The role of heads, or "".
        kind: What they are.
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
        source: Who stored, with the token.
        target: Who loads, with the token.
        port: Through what: Q, K, V, or "" for MLPs and the answer.
        share: What it carries, signed.
        wires: How many wires it stands for.
        path: The line, as the d of an SVG path.
        width: The width of the line.
        tip: The end of the line and its direction in degrees.
        letter: Where the letter of the port stands.
        positions: Whether positions were stored, not tokens.
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
    """What was measured with some of the loads cut.

    Args:
        name: What is cut, as on a button.
        arcs: Indices of the arcs that break.
        answer: The answer's lines then.
        kept: What is left of the answer's probability, from 0 to 1; the answer fades by it.
        said: What was measured, in words.
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
        unit: What a share is a share of.
        notes: What is drawn and what is not, with the faithfulness of what is drawn where it is known.
        cuts: Cuts that were measured.
    """

    width: float
    height: float
    tokens: tuple[Token, ...]
    marks: tuple[SiteBox, ...]
    arcs: tuple[Arc, ...]
    unit: str
    notes: tuple[str, ...]
    cuts: tuple[Cut, ...]
