"""The sample that removals are run on: a few pieces of the corpus, cut to one length, as one batch."""

from dataclasses import replace

import torch

from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.wire_traffic.moments import Moments

PIECES, LENGTH = 16, 64  # maximum


def sample(moments: Moments, pieces: int = PIECES, length: int = LENGTH) -> Trace:
    """Run up to 16 pieces of a corpus as one batch, from as many documents as possible.

    Pieces shorter than half of the longest (at most 64 tokens) are left out, and the others are cut to the shortest.
    """
    seen: dict[int, int] = {}
    order: list[tuple[int, torch.Tensor]] = []
    for group, piece in moments.pieces():
        order.append((seen.setdefault(group, 0), piece))
        seen[group] += 1
    kept = [piece[:length] for _, piece in sorted(order, key=lambda each: each[0])]
    longest = max(len(piece) for piece in kept)
    kept = [piece for piece in kept if len(piece) > 1 and 2 * len(piece) >= longest][:pieces]
    short = min(len(piece) for piece in kept)
    trace = run(moments.weights, torch.stack([piece[:short] for piece in kept]), record=True)
    return replace(trace, all_logits=trace.all_logits[..., :0])  # removals do not use them; they can take a gigabyte
