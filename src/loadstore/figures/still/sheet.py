"""The sheet for drawing views: its style, light or dark like the viewer's screen, and its texts."""

import html
from dataclasses import dataclass
from textwrap import wrap

from loadstore.figures.still.palette import rules
from loadstore.views.base import Cell
from loadstore.visible import line

WIDTH = 760.0
MARGIN = 14.0
LETTER = 6.7  # pixels of a character of the monospaced face
LONGEST = 108  # maximum characters in a line of sentences
INK = ("#0b62b5", "#b84a00", "#00735c", "#a3316f", "#6b5400", "#5b46b2")
INK_DARK = ("#74b3f5", "#f59a5c", "#4fc9a8", "#ee8ebf", "#d6bb52", "#ada0f2")

STYLE = (
    ".still{background:#fdfdfb;color:#1d2126}"
    ".still text{fill:currentColor;font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}"
    ".still .words{font:13px system-ui,sans-serif}.still .head{font:600 15px system-ui,sans-serif}"
    ".still .name{font:600 12px system-ui,sans-serif}.still .soft{opacity:.75}.still .strong{font-weight:700}"
    ".still .axis{fill:none;stroke:currentColor;stroke-opacity:.55}"
    ".still .rule{fill:none;stroke:currentColor;stroke-opacity:.6;stroke-dasharray:2 3}"
    ".still .none{fill:currentColor;opacity:.1}"
    ".still .curve{fill:none;stroke-width:1.8}.still text.inked{fill:#fdfdfb}"
    + rules("light")
    + "".join(f".still .c{i}{{stroke:{c}}}.still .f{i}{{fill:{c}}}" for i, c in enumerate(INK))
    + "@media (prefers-color-scheme:dark){.still{background:#14171b;color:#e7e8ea}.still text.inked{fill:#14171b}"
    + rules("dark")
    + "".join(f".still .c{i}{{stroke:{c}}}.still .f{i}{{fill:{c}}}" for i, c in enumerate(INK_DARK))
    + "}"
)


@dataclass(frozen=True, slots=True)
class Block:
    """A drawn view: its height, and its marks relative to its upper left corner."""

    height: float
    marks: tuple[str, ...]


def text(
    x: float | int, y: float | int, words: str, kind: str = "", anchor: str = "start", turn: float | int = 0
) -> str:
    """One line of text, with hidden characters made visible."""
    turned = f' transform="rotate({turn:g} {x:.1f} {y:.1f})"' if turn else ""
    named = f' class="{kind}"' if kind else ""
    at = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}"{named}{at}{turned}>{html.escape(line(words))}</text>'


def cut(words: str, room: float) -> str:
    """Shorten words in their middle if they do not fit a width."""
    longest = max(4, int(room / LETTER))
    if len(words) <= longest:
        return words
    tail = (longest - 1) // 3
    return f"{words[: longest - 1 - tail]}…{words[-tail:]}"


def more(count: int) -> str:
    """The number of rows left out."""
    return f"{count} more row{'' if count == 1 else 's'}"


def number(value: Cell, digits: int) -> str:
    """A number with the digits used in figures, or the word for a value that is not a number."""
    if not isinstance(value, float | int):
        return "n/a" if value is None else value
    printed = f"{abs(value):.{digits}f}"
    sign = "−" if value < 0 and float(printed) else ""
    return sign + (printed[1:] if printed.startswith("0.") else printed)


def sheet(title: str, parts: list[tuple[list[str], list[Block]]]) -> str:
    """An SVG of a title and figures; each figure has its sentences above its blocks."""
    marks = [text(MARGIN, 24, cut(title, WIDTH * 0.75), "head")]
    y = 34.0
    for sentences, blocks in parts:
        for words in (row for sentence in sentences for row in wrap(sentence, LONGEST)):
            y += 17
            marks.append(text(MARGIN, y, words, "words soft"))
        for block in blocks:
            y += 14
            marks += [f'<g transform="translate({MARGIN:g} {y:.1f})">', *block.marks, "</g>"]
            y += block.height
        y += 8
    height = y + 8
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="still" width="{WIDTH:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img"><title>{html.escape(line(title))}</title>',
            f"<style>{STYLE}</style>",
            *marks,
            "</svg>",
        ]
    )
