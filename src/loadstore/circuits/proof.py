"""What was measured of a circuit beside its controls: numbers with intervals, no verdict."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class BesideControls:
    """F of the circuit, or of all other wires, beside the same of random circuits that are like it.

    Args:
        value: F.
        low: The lower end of its 95 % interval over pairs.
        high: The upper end.
        p: (1 + the controls that do at least as well) / (1 + all controls).
        gap: How far the circuit is from the best control, in F; positive where it is better than all.
        controls: F with each control instead.
        near: F with the wires of the next ranks instead; NaN without a ranking.
    """

    value: float
    low: float
    high: float
    p: float
    gap: float
    controls: tuple[float, ...]
    near: float


@dataclass(frozen=True)
class Completeness:
    """How differently the circuit and the whole model answer the loss of the same wires.

    |F(C∖K) − F(all∖K)| is 0 where everything that does what K does is in the circuit.

    Args:
        sites: The heads and MLPs all of whose wires are removed, one at a time.
        inside: F of the circuit without each.
        whole: F of all wires without each.
        worst: Sites chosen one after the other for the largest difference.
        worst_inside: F of the circuit without them.
        worst_whole: F of all wires without them.
    """

    sites: tuple[str, ...]
    inside: tuple[float, ...]
    whole: tuple[float, ...]
    worst: tuple[str, ...]
    worst_inside: float
    worst_whole: float

    @property
    def largest(self) -> float:
        """The largest |F(C∖K) − F(all∖K)| of any single site or of the worst set."""
        gaps = [abs(inner - other) for inner, other in zip(self.inside, self.whole, strict=True)]
        return max([*gaps, abs(self.worst_inside - self.worst_whole)])


@dataclass(frozen=True)
class Minimality:
    """How far F moves when one wire is removed, beside removals of random wires from inflated circuits.

    Args:
        wires: The sampled wires.
        changes: |F(C) − F(C∖w)| of each.
        p: The share of null removals that move F at least as far, 1 added on both sides.
        needed: The share of the sampled wires that remain after Benjamini and Hochberg at 5 %.
        null: How many null removals there were.
        null_median: The median of their changes.
        null_high: The 95th percentile of their changes.
        pairs: How many pairs F was measured on.
    """

    wires: tuple[str, ...]
    changes: tuple[float, ...]
    p: tuple[float, ...]
    needed: float
    null: int
    null_median: float
    null_high: float
    pairs: int


@dataclass(frozen=True)
class Stability:
    """Jaccard indices of circuits of the same size found with resampled pairs.

    Args:
        mean: The mean over pairs of resamplings.
        low: The 2.5th percentile.
        high: The 97.5th percentile.
        draws: How many resamplings.
    """

    mean: float
    low: float
    high: float
    draws: int


@dataclass(frozen=True)
class Other:
    """What the circuit of another task does here.

    Args:
        task: The other task.
        wires: The size of its circuit.
        faithfulness: F of its wires on this task.
        without: F of all wires but its own.
        jaccard: How much it shares with this circuit.
    """

    task: str
    wires: int
    faithfulness: float
    without: float
    jaccard: float


@dataclass(frozen=True)
class Proof:
    """The six measurements of a circuit.

    Args:
        facts: The model, task, size, pairs, and how runs were made.
        sufficiency: F of the circuit.
        necessity: F of all other wires.
        completeness: What the circuit lacks that the model has.
        minimality: Which of its wires matter.
        stability: Whether other pairs would have given the same circuit; None without pairs to find.
        specificity: What other tasks' circuits do here.
    """

    facts: Mapping[str, Any]
    sufficiency: BesideControls
    necessity: BesideControls
    completeness: Completeness
    minimality: Minimality
    stability: Stability | None
    specificity: tuple[Other, ...] = field(default=())

    def document(self) -> dict[str, Any]:
        """All numbers, for JSON."""
        document = {name: value for name, value in asdict(self).items() if name != "facts"}
        document["completeness"]["largest"] = self.completeness.largest
        return {**self.facts, **document}

    def __repr__(self) -> str:
        """The first two numbers; ``print`` gives all of them."""
        s, n = self.sufficiency, self.necessity
        return (
            f"Proof of the circuit of {self.facts['task']} in {self.facts['model']}: {self.facts['wires']:,} wires\n"
            f"  F {s.value:.3f} with these wires (p {s.p:.3g}), {n.value:.3f} with all others (p {n.p:.3g}), beside "
            f"{len(s.controls)} random circuits\n  print() shows all measurements"
        )

    def __str__(self) -> str:
        s, n, c, m = self.sufficiency, self.necessity, self.completeness, self.minimality
        count = len(s.controls)
        lines = [
            f"{self.facts['task']} on {self.facts['model']}: {self.facts['wires']:,} wires "
            f"({self.facts['size']:.2%} of {self.facts['live']:,}), {self.facts['pairs']} pairs",
            f"sufficiency   F = {s.value:.3f} [{s.low:.3f}, {s.high:.3f}]; {_beside(s, count)}",
            f"necessity     F of all other wires = {n.value:.3f} [{n.low:.3f}, {n.high:.3f}]; {_beside(n, count)}",
            f"completeness  |F(C∖K) − F(all∖K)|: largest {c.largest:.3f} over {len(c.sites)} heads and MLPs; the worst "
            f"together, {', '.join(c.worst) or '–'}: {c.worst_inside:.3f} and {c.worst_whole:.3f}",
            f"minimality    {m.needed:.0%} of {len(m.wires)} sampled wires move F further than {m.null:,} removals of "
            f"random wires do (median {m.null_median:.1e}, 95 % below {m.null_high:.1e}), on {m.pairs} pairs",
        ]
        if self.stability is None:
            lines.append("stability     not measured: give find=task.find")
        else:
            b = self.stability
            interval = f"{b.mean:.2f} [{b.low:.2f}, {b.high:.2f}]"
            lines.append(f"stability     Jaccard {interval} of {b.draws} circuits of resampled pairs")
        for other in self.specificity:
            lines.append(
                f"specificity   the circuit of {other.task} ({other.wires:,} wires, Jaccard {other.jaccard:.2f}): "
                f"F = {other.faithfulness:.3f}; without it {other.without:.3f}"
            )
        return "\n".join(lines)


def _beside(beside: BesideControls, count: int) -> str:
    near = "" if beside.near != beside.near else f", the next ranks {beside.near:.3f}"
    best = f"beyond the best by {beside.gap:.3f}" if beside.gap > 0 else f"behind the best by {-beside.gap:.3f}"
    return f"p = {beside.p:.3g} of {count} random circuits, {best}{near}"
