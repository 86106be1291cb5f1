"""The region of one writer on text: its size, its overwriters and its readers, for the margin of the memory map.

Test: tests/explorer/test_region.py.
"""

from collections.abc import Callable
from math import isnan

from loadstore.corpora.corpus import read_corpus
from loadstore.explorer.requests import RegionRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.figures.access import MARKS, access
from loadstore.memory.memory_map import memory_map
from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.wire_traffic.moments import Moments, moments

TOKENS, LENGTH = 512, 64  # of the corpus and of its pieces, as in a report
READERS, OVERWRITERS = 6, 6  # numbers listed
STEPS = 4  # of progress after the text is run


def region(explorer: Explorer, ask: RegionRequest) -> Callable[[Progress], Document]:
    """Measure where a writer stores, once per writer.

    Returns:
        ``rank`` of ``dimensions``; ``power`` and ``share``, null if it is never in the stream; ``overwritten``:
        {writer, overlap, chance}; ``loaded``: {reader, load}; ``uses``: {site, mark} of every later site that loads or
        overwrites it; ``marks``: each mark with its meaning; ``text``: the text of the measurement. Raises NoSuchSite.
    """
    writer = str(wiring(explorer.weights).writer(ask.writer))
    return lambda progress: explorer.once(f"region of {writer}", lambda: _measured(explorer, writer, progress))


def _measured(explorer: Explorer, writer: str, progress: Progress) -> Document:
    kept = explorer.once("text of regions", lambda: _text(explorer, progress))
    steps = len(kept.pieces())
    memory = memory_map(explorer.weights, kept, writers=writer, top=READERS)
    progress(steps + STEPS, steps + STEPS)
    mine, cells = memory.regions[0], access(memory)
    uses = zip(cells.sites, cells.marks[0].tolist(), strict=True)
    power, share = (None if isnan(part) else part for part in (mine.power, mine.share))
    return {
        "writer": writer,
        "rank": mine.rank,
        "dimensions": explorer.weights.architecture.d_model,
        "power": power,
        "share": share,
        "overwritten": [
            {"writer": name, "overlap": overlap, "chance": chance}
            for name, overlap, chance in memory.overwriters(writer)[:OVERWRITERS]
        ],
        "overwriters": len(memory.overwriters(writer)),
        "loaded": [{"reader": reader, "load": load} for reader, load in memory.readers[0]],
        "uses": [{"site": site, "mark": mark} for site, mark in uses if mark in ("r", "w", "!")],
        "marks": [list(each) for each in MARKS[:3]],
        "text": f"{memory.attrs['tokens']:,} tokens of {memory.attrs['documents']} documents "
        f"({memory.attrs['corpus']})",
    }


def _text(explorer: Explorer, progress: Progress) -> Moments:
    weights = explorer.weights
    length = min(LENGTH, weights.architecture.context)
    corpus = read_corpus(weights, "default", length=length, tokens=TOKENS)
    return moments(weights, corpus, progress=lambda done, every: progress(done, every + STEPS))
