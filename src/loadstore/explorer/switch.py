"""A circuit with some of its wires switched off: its faithfulness, and its picture.

A switch needs one run of a few pairs: on SmolLM2 six of them, in less than a second on one processor.
"""

from collections.abc import Callable

import torch

from loadstore.circuits.measured import Measured
from loadstore.decomposition.short import short
from loadstore.errors import BadRequest
from loadstore.explorer.find import draw, found
from loadstore.explorer.requests import PictureRequest, SwitchRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.explorer.switchable import Switchable
from loadstore.figures.picture.pictured import Pictured
from loadstore.figures.words import plural
from loadstore.progress import Progress
from loadstore.tokenizer.tokens import text_of
from loadstore.views.picture import Cut


def switch(explorer: Explorer, ask: SwitchRequest) -> Document:
    """F of a kept ``circuit`` without the groups in ``off`` and the single wires in ``wires``.

    ``pair``: the pair in the picture. ``cut`` has the broken arcs, those whose wires are all off; it is null until that
    pair is drawn.

    Raises:
        NoSuchCircuit: The circuit is not kept.
        BadRequest: The circuit does not have a group, a wire or the pair.
    """
    key, kept = found(explorer, ask)
    pair = _pair(ask, kept)
    off = kept.off(ask.off or (), ask.wires or ())
    values, logits = kept.run(off)
    low, high = kept.on.interval(values)
    f, whole = kept.on.ratio(values), kept.on.ratio(kept.values)
    drawn = explorer.pictures.get((key, pair))
    return {
        "circuit": key,
        "pair": pair,
        "on": len(kept.circuit) - len(off),
        "faithfulness": f,
        "low": low,
        "high": high,
        "change": f - whole,
        "pairs": len(kept.on.pairs),
        "cut": None if drawn is None else _cut(kept, drawn, off, pair, logits[pair]),
    }


def at_pair(explorer: Explorer, ask: PictureRequest) -> Callable[[Progress], Document]:
    """The picture of a kept ``circuit`` at another of its pairs."""
    key, kept = found(explorer, ask)
    pair = _pair(ask, kept)
    return lambda progress: {"circuit": key, "pair": pair, "picture": draw(explorer, key, kept, pair).view}


def _pair(ask: PictureRequest, kept: Switchable) -> int:
    pair, count = ask.pair or 0, len(kept.on.pairs)
    if not 0 <= pair < count:
        raise BadRequest(f"pair: there are 0 to {count - 1}; got {pair}")
    return pair


def _cut(kept: Switchable, drawn: Pictured, off: frozenset[int], pair: int, logits: torch.Tensor) -> Cut:
    """The broken arcs, and the effect on the answer."""
    gone = {tuple(map(str, kept.circuit.wires[index])) for index in off}
    edges = drawn.graph.edges
    broken = [index for index, edge in enumerate(edges) if gone.issuperset(edge.wires)]
    thinned = sum(not gone.isdisjoint(edge.wires) for edge in edges) - len(broken)
    chances, clean = logits.double().softmax(-1), _clean(kept.on)[pair].double().softmax(-1)
    token, likeliest = int(clean.argmax()), int(chances.argmax())
    before, after = float(clean[token]), float(chances[token])
    answer = drawn.graph.answer.text
    other = text_of(likeliest, kept.on.pairs.model.tokens)
    instead = "" if likeliest == token else f" The likeliest token is then {other}."
    partly = f" {plural(thinned, 'drawn load')} lost some wires." if thinned else ""
    if off and not broken and not thinned:
        partly = " None of the drawn loads has a wire that is off."
    return Cut(
        name="What is off",
        arcs=tuple(broken),
        answer=(answer, f"p {short(after)}"),
        kept=min(1.0, after / before),
        said=f"On this pair {answer} has p {short(before)} in the model and {short(after)} with what is on."
        f"{instead}{partly}",
    )


def _clean(on: Measured) -> torch.Tensor:
    return torch.cat([tile.clean for tile in on.tiles])
