"""A picture as one SVG file: light or dark like the viewer's screen, without scripts or requests."""

import html
from textwrap import wrap

from loadstore.views.picture import Arc, Picture, SiteBox, Token
from loadstore.visible import line

STYLE = """
svg{background:var(--page);color:#1b1d21;--page:#fff;--card:#f4f5f7;--rim:#8a8f98;--answer:#fff2cc;
--Q:#a3316f;--K:#0b62b5;--V:#00735c;--plain:#565d66}
@media (prefers-color-scheme:dark){svg{color:#e8eaed;--page:#14161a;--card:#23262c;--answer:#4a3d10;
--Q:#ee8ebf;--K:#74b3f5;--V:#4fc9a8;--plain:#a4abb4}}
text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:currentColor;text-anchor:middle}
.role{font-size:10px;opacity:.8}
.folded,.unused{opacity:.6}
.title{font:600 14px system-ui,sans-serif;text-anchor:start}
.note{font:12px system-ui,sans-serif;text-anchor:start}
.mark{fill:var(--card);stroke:var(--rim)}
.answer{fill:var(--answer)}
.arc{fill:none;stroke-linecap:round;stroke-opacity:.8}
.negative{stroke-dasharray:5 5}
.positions{stroke-dasharray:1 5}
.letter{font-weight:700;font-size:11px;paint-order:stroke;stroke:var(--page);stroke-width:4px}
"""
LEGEND = "Q looks for, K is found by, V is carried. Wider: more. Dashed: against the answer. Dotted: from positions."
HEAD, NOTE = 34.0, 18.0
LONGEST = 110  # maximum characters in a line of notes


def svg(picture: Picture) -> str:
    """The picture as SVG, its title above and its notes below."""
    below = [LEGEND, *(part for note in picture.notes for part in wrap(note, LONGEST))]
    width = max(picture.width, 6.6 * max(map(len, (picture.title, *below))))
    height = HEAD + picture.height + NOTE * len(below) + 10
    notes = [
        f'<text class="note" x="14" y="{HEAD + picture.height + NOTE * (index + 0.8):.1f}">{_text(note)}</text>'
        for index, note in enumerate(below)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" role="img"><title>{_text(picture.title)}</title>',
            f"<style>{STYLE}</style>",
            f'<text class="title" x="14" y="22">{_text(picture.title)}</text>',
            f'<g transform="translate(0 {HEAD})">',
            *map(_arc, picture.arcs),
            *map(_token, picture.tokens),
            *map(_mark, picture.marks),
            *(_letter(arc) for arc in picture.arcs if arc.port),
            "</g>",
            *notes,
            "</svg>\n",
        ]
    )


def _arc(arc: Arc) -> str:
    colour = f"var(--{arc.port or 'plain'})"
    kind = "negative" if arc.share < 0 else "positions" if arc.positions else ""
    x, y, degrees = arc.tip
    return (
        f'<path class="arc {kind}" d="{arc.path}" stroke="{colour}" stroke-width="{arc.width}"/>'
        f'<path d="M0 0l-7 -4v8z" transform="translate({x} {y}) rotate({degrees})" fill="{colour}"/>'
    )


def _token(token: Token) -> str:
    kind = "folded" if token.folded else "" if token.used else "unused"
    return f'<text class="{kind}" x="{token.at[0]}" y="{token.at[1]}">{_text(token.text)}</text>'


def _mark(mark: SiteBox) -> str:
    left, top, width, height = mark.box
    middle = left + width / 2
    lines = [
        f'<text x="{middle:.1f}" y="{top + 15 * (index + 1):.1f}">{_text(text)}</text>'
        for index, text in enumerate(mark.lines)
    ]
    if mark.role:
        lines.append(
            f'<text class="role" x="{middle:.1f}" y="{top + 15 * len(mark.lines) + 12:.1f}">{_text(mark.role)}</text>'
        )
    return f'<rect class="mark {mark.kind}" x="{left}" y="{top}" width="{width}" height="{height}" rx="5"/>' + "".join(
        lines
    )


def _letter(arc: Arc) -> str:
    return (
        f'<text class="letter" x="{arc.letter[0]}" y="{arc.letter[1]}" fill="var(--{arc.port})" '
        f'style="fill:var(--{arc.port})">{arc.port}</text>'
    )


def _text(text: str) -> str:
    return html.escape(line(text))
