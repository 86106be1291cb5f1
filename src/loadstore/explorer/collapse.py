"""The guided walk's cut: attention and prediction with the circuit's wires cut, with controls, and its text."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadstore.causal.collapse import REMAINS, collapses, falls
from loadstore.causal.controls import control_sets, sizes_on
from loadstore.causal.engine import rerun, reruns
from loadstore.decomposition.address import smallest_set
from loadstore.decomposition.short import short
from loadstore.errors import Undefined
from loadstore.evidence.circuit import Circuit
from loadstore.execution.edits import cut
from loadstore.execution.trace import Trace
from loadstore.explorer.circuit import Example
from loadstore.explorer.prompt import text_of
from loadstore.explorer.state import Document, Explorer
from loadstore.explorer.steps import likeliest, place_of, step
from loadstore.figures.words import listed, plural
from loadstore.model.wiring import wiring
from loadstore.progress import Progress
from loadstore.sites import Head, Reader, Writer, parse_reader, parse_writer
from loadstore.views.addresses import AddressRow
from loadstore.views.pictures import address as address_view
from loadstore.views.pictures import address_row

CONTROLS = 8  # sets of control wires


@dataclass(frozen=True)
class Cut:
    """The star's attention on the key and the prediction, each (before, after), and both after each control cut."""

    attention: tuple[float, float]
    prediction: tuple[float, float]
    controls: tuple[tuple[float, float], ...]

    @property
    def collapses(self) -> bool:
        """Whether attention falls below half, and both numbers change more than under any control."""
        return collapses(self.attention, self.prediction, self.controls)


def verdict(measured: Cut, star: str, them: str, reason: str) -> str:
    """Return the sentences on a cut and its controls. ``reason``: why there are no controls."""
    if not measured.controls:
        return f"There are no controls: {reason}. So {them} cannot be shown to carry it."
    weights, predictions = zip(*measured.controls, strict=True)
    beside = (
        f"The same cut of {plural(len(weights), 'set')} of other wires that carry as much moves the attention of "
        f"{star} there by at most {short(_most(measured.attention[0], weights))}, and the probability of the "
        f"prediction by at most {short(_most(measured.prediction[0], predictions))}."
    )
    if measured.collapses:
        return f"{beside} The address collapses: attention and prediction both fall further than that."
    before, after = measured.attention
    attention = after < REMAINS * before and falls(measured.attention, weights)
    stays = [
        *([] if attention else ["attention does not fall below half of its value and further than that"]),
        *([] if falls(measured.prediction, predictions) else ["the prediction does not fall further than that"]),
    ]
    return f"{beside} On this prompt {them} cannot be shown to carry it: {' and '.join(stays)}."


def _most(before: float, controls: Sequence[float]) -> float:
    """The largest change of a number under any control."""
    return max(abs(control - before) for control in controls)


def the_cut(explorer: Explorer, asked: Example, circuit: Circuit, progress: Progress) -> Document:
    """Cut the K wires together: attention and prediction before and after, compared with cuts of other wires."""
    trace, at, key = asked.trace, asked.at, asked.key
    wires = [(parse_writer(circuit.previous), parse_reader(side)) for side in circuit.reads]
    after = rerun(trace, [cut(*wire) for wire in wires])
    token, probability, _ = likeliest(asked)
    now = float(after.logits[at].double().softmax(-1)[token])
    before = {str(head): float(trace.pattern(head)[at, key]) for head in circuit.heads}
    then = {str(head): float(after.pattern(head)[at, key]) for head in circuit.heads}
    controls, reason = _controls(explorer, asked, wires, token, progress)
    star = str(asked.star)
    change = Cut((before[star], then[star]), (probability, now), tuple(controls))
    claim = (
        f"Cut {circuit.previous} → {listed(circuit.reads)}: all other readers still see what {circuit.previous} "
        f"stored. Attention on {trace.labels[key]}: "
        f"{listed([f'{name} {short(before[name])} → {short(then[name])}' for name in then])}. The probability of "
        f"{text_of(trace, token)}: {short(probability)} → {short(now)}. "
        f"{verdict(change, star, 'these wires' if len(wires) > 1 else 'this wire', reason)}"
    )
    rows = [
        row_view(run, head, at, name) for head in circuit.heads for run, name in ((trace, "intact"), (after, "cut"))
    ]
    view = address_view(f"Induction heads at {trace.labels[at]}, intact and cut", trace.labels, rows)
    numbers = {
        "before": probability,
        "after": now,
        "attention": then,
        "controls": [{"attention": weight, "prediction": left} for weight, left in controls],
        "collapses": change.collapses,
    }
    where = place_of(asked, "address", head=star, side="K", do="cut") | {"from": str(circuit.previous)}
    return step("Is that wire the cause?", claim, numbers, [view], where)


def row_view(trace: Trace, head: Head, at: int, name: str) -> AddressRow:
    """One head's row in a run, as a row of a sentence view."""
    row = trace.pattern(head)[at].double()
    chosen = smallest_set(row)
    effective = 2 ** float(-(row * row.clamp(min=1e-300).log2()).sum())
    weights = [weight if j <= at else None for j, weight in enumerate(row.tolist())]
    text = " | ".join(f"{trace.labels[j]} {short(float(row[j]))}" for j in chosen[:3])
    return address_row(f"{head}, {name}", f"→ {text}", weights, chosen, effective)


def _controls(
    explorer: Explorer,
    asked: Example,
    wires: Sequence[tuple[Writer, Reader]],
    token: int,
    progress: Progress,
) -> tuple[list[tuple[float, float]], str]:
    """The star's attention and the token's probability with as many control wires cut.

    Also returns the reason if there are no controls.
    """
    network = wiring(asked.trace.weights)
    readers = [reader for reader in network.readers if network.can_change(reader, asked.star)]
    try:
        sets = control_sets(wires, CONTROLS, sizes_on(asked.trace), readers)
    except Undefined as error:
        return [], str(error)
    pairs: list[tuple[float, float]] = []
    for batch in reruns(asked.trace, [[cut(*wire) for wire in chosen] for chosen in sets], keep=True):
        progress(len(pairs), len(sets))
        for _, after in batch.traces():
            weight = float(after.pattern(asked.star)[asked.at, asked.key])
            pairs.append((weight, float(after.logits[asked.at].double().softmax(-1)[token])))
    return pairs, "" if pairs else "there are too few similar wires"
