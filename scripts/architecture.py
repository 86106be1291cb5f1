"""Draw docs/architecture.svg: the packages by layer, and the imports that carry a checkpoint to a picture.

    python scripts/architecture.py    rewrite the drawing

Each arrow goes from a package to one that it imports; tests/test_architecture.py checks that every import exists.
"""

from html import escape
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "docs" / "architecture.svg"
WIDE, HIGH, ACROSS, DOWN, MARGIN = 168, 52, 196, 92, 20
PLACES: dict[str, tuple[float, float]] = {  # column and row of each package
    "cli": (2, 0),
    "explorer": (1, 1),
    "notebook": (3, 1),
    "report": (2, 1),
    "training": (4, 2.5),
    "sweep": (4, 3.6),
    "evidence": (2, 3),
    "memory": (1, 3),
    "views": (0, 3),
    "figures": (2, 2),
    "permissions": (3, 3),
    "circuits": (1, 4),
    "causal": (2, 5),
    "wire_traffic": (1, 6),
    "heads": (3, 6),
    "corpora": (0, 7),
    "decomposition": (1.5, 7),
    "scores": (4, 7),
    "cost": (3, 7.4),
    "execution": (2, 8.5),
    "checkpoints": (0.4, 8),
    "model": (2, 10),
    "tokenizer": (0.4, 11),
    "linear": (3.4, 11),
}
DOES = {
    "cli": "commands",
    "explorer": "one page, served locally",
    "notebook": "ls.show",
    "report": "pages",
    "training": "recipes, checkpoints",
    "sweep": "many checkpoints",
    "evidence": "verify, wires, dossiers",
    "memory": "regions, lifetimes, reach",
    "views": "values that are drawn",
    "figures": "figures and sentences",
    "permissions": "policies over subspaces",
    "circuits": "tasks, attribution, proof",
    "causal": "edited runs, controls",
    "wire_traffic": "what a wire carries",
    "heads": "patterns and roles",
    "corpora": "fixed texts",
    "decomposition": "exact sums, addresses",
    "scores": "alignment and nulls",
    "cost": "work of each analysis",
    "execution": "the forward pass, edits",
    "checkpoints": "files, hub, live models",
    "model": "weights, wiring, ports",
    "tokenizer": "text to token ids",
    "linear": "factored maps, spectra",
}
WAY = (  # the path from a checkpoint to a picture: drawn in brown
    ("checkpoints", "model"),
    ("execution", "model"),
    ("decomposition", "execution"),
    ("causal", "decomposition"),
    ("evidence", "causal"),
    ("figures", "evidence"),
    ("figures", "views"),
    ("report", "figures"),
    ("cli", "report"),
)
ARROWS = (
    *WAY,
    ("cli", "explorer"),
    ("explorer", "figures"),
    ("explorer", "views"),
    ("notebook", "figures"),
    ("evidence", "circuits"),
    ("circuits", "causal"),
    ("cli", "memory"),
    ("memory", "causal"),
    ("memory", "wire_traffic"),
    ("cli", "permissions"),
    ("permissions", "wire_traffic"),
    ("permissions", "execution"),
    ("training", "causal"),
    ("training", "scores"),
    ("figures", "sweep"),
    ("sweep", "scores"),
    ("causal", "wire_traffic"),
    ("causal", "heads"),
    ("wire_traffic", "decomposition"),
    ("wire_traffic", "corpora"),
    ("heads", "execution"),
    ("causal", "cost"),
    ("cost", "model"),
    ("scores", "linear"),
    ("scores", "model"),
    ("checkpoints", "tokenizer"),
    ("model", "tokenizer"),
    ("model", "linear"),
)
STYLE = """
    text { font: 500 14px ui-sans-serif, system-ui, sans-serif; fill: #1d2230; text-anchor: middle }
    .does { font-size: 12px; font-weight: 400; fill: #5a6275 }
    rect { fill: #f5f6f9; stroke: #b9bfcc; rx: 7px }
    path { fill: none; stroke: #a4abba; stroke-width: 1.3; marker-end: url(#end) }
    path.way { stroke: #b35806; stroke-width: 2.4; marker-end: url(#way-end) }
    #end path { fill: #a4abba; stroke: none } #way-end path { fill: #b35806; stroke: none }
    @media (prefers-color-scheme: dark) {
      text { fill: #e7e9f0 } .does { fill: #a7aebf }
      rect { fill: #232835; stroke: #4b5366 }
      path { stroke: #6b7387 } #end path { fill: #6b7387 }
      path.way { stroke: #e08214 } #way-end path { fill: #e08214 }
    }"""


def drawing() -> str:
    """Return the SVG."""
    columns, rows = (max(place[axis] for place in PLACES.values()) for axis in (0, 1))
    width, height = MARGIN * 2 + ACROSS * columns + WIDE, MARGIN * 2 + DOWN * rows + HIGH
    lines = [_arrow(*arrow, strong=arrow in WAY) for arrow in ARROWS] + [_box(name) for name in PLACES]
    heads = "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="{size}" markerHeight="{size}" '
        'orient="auto"><path d="M0 0 8 4 0 8z"/></marker>'
        for name, size in (("end", 7), ("way-end", 5))
    )
    body = "\n  ".join(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        'aria-label="Packages of loadstore by layer. Arrows go from a package to one that it imports.">\n'
        f"  <style>{STYLE}\n  </style>\n  <defs>{heads}</defs>\n  {body}\n</svg>\n"
    )


def _corner(name: str) -> tuple[float, float]:
    column, row = PLACES[name]
    return MARGIN + ACROSS * column, MARGIN + DOWN * row


def _box(name: str) -> str:
    x, y = _corner(name)
    middle = x + WIDE / 2
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{WIDE}" height="{HIGH}"/><text x="{middle:g}" y="{y + 22:g}">{name}</text>'
        f'<text class="does" x="{middle:g}" y="{y + 40:g}">{escape(DOES[name])}</text>'
    )


def _arrow(upper: str, lower: str, *, strong: bool) -> str:
    """A curve from the bottom of one box to the top of another; each end is on the side that faces the other box."""
    (x, y), (to_x, to_y) = _corner(upper), _corner(lower)
    lean = max(-0.36, min(0.36, (to_x - x) / ACROSS * 0.2))
    start, end = x + WIDE * (0.5 + lean), to_x + WIDE * (0.5 - lean)
    top, bend = y + HIGH, (to_y - y - HIGH) / 2
    way = ' class="way"' if strong else ""
    return f'<path{way} d="M{start:g} {top:g}C{start:g} {top + bend:g} {end:g} {to_y - bend:g} {end:g} {to_y:g}"/>'


if __name__ == "__main__":
    OUT.write_text(drawing(), encoding="utf-8")
