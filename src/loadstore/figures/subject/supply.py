"""Whether attention and prediction need the strongest wire into the K of an induction head, with controls."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loadstore.causal.collapse import collapses
from loadstore.causal.controls import controls_of
from loadstore.causal.metrics import loss
from loadstore.causal.sweep import sweep
from loadstore.errors import Undefined
from loadstore.execution.trace import Trace
from loadstore.figures.words import number, plural
from loadstore.heads.roles import bos_of
from loadstore.model.wiring import wiring
from loadstore.sites import Head

if TYPE_CHECKING:
    import xarray as xr

CONTROLS = 8  # other wires into the same K


@dataclass(frozen=True)
class Supply:
    """One wire into a K, cut on random repeats: induction score, change of the second-copy loss, and controls.

    ``controls`` holds the same two numbers for every control.
    """

    writer: str
    intact: float
    score: float
    change: float
    controls: tuple[tuple[float, float], ...]

    @property
    def collapses(self) -> bool:
        """Whether attention falls and the loss rises more than under any control."""
        return collapses(
            (self.intact, self.score), (0.0, -self.change), [(score, -change) for score, change in self.controls]
        )

    @property
    def sentence(self) -> str:
        """The measurement, and the conclusion it supports."""
        measured = (
            f"With the wire from {self.writer} cut from its K the score falls from {number(self.intact)} to "
            f"{number(self.score)}, and the loss on second copies changes by {number(self.change)} nats"
        )
        if not self.controls:
            return f"{measured}; there is no other wire to compare it with."
        scores, changes = zip(*self.controls, strict=True)
        beside = (
            f"cuts of the {plural(len(self.controls), 'other wire')} into that K nearest in traffic move the score by "
            f"at most {number(max(abs(score - self.intact) for score in scores))} and the loss by at most "
            f"{number(max(map(abs, changes)))}"
        )
        if self.collapses:
            return f"{measured}; {beside}. It finds its keys by what {self.writer} stored."
        return f"{measured}; {beside}. Attention and prediction together cannot be shown to need this wire."


def supply(trace: Trace, head: Head, cuts: "xr.Dataset") -> Supply:
    """Compare the wire whose cut lowers a head's score most with control wires into the same K.

    Args:
        trace: A recorded run on random repeats.
        head: The head with that K.
        cuts: Every wire into that K, cut one at a time on the same run (``own_cuts``).
    """
    network, has_bos = wiring(trace.weights), bos_of(trace.weights) is not None
    best = cuts.isel(writer=int(cuts.score.values.argmin()))
    name, reader = str(best["writer"].values), network.reader(f"{head}.K")
    loads = zip(cuts["writer"].values, cuts.traffic.values, strict=True)
    sizes = {network.writer(str(writer)): float(traffic) for writer, traffic in loads}
    wire = (network.writer(name), reader)
    try:
        controls = controls_of(wire, CONTROLS, lambda _: sizes, [reader]).wires
    except Undefined:
        controls = ()
    start = has_bos + (trace.tokens.shape[1] - has_bos) // 2
    changes = sweep(trace, [wire, *controls], metric=loss(start=start)).change.values.tolist()
    scores = [float(cuts.score.sel(writer=str(writer))) for writer, _ in controls]
    return Supply(name, float(cuts.intact), float(best.score), changes[0], tuple(zip(scores, changes[1:], strict=True)))
