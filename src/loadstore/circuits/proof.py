"""The measurements of a circuit and its controls: numbers with intervals, without a verdict."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class BesideControls:
    """F of the circuit, or of all other wires, compared with F of matched random circuits.

    Args:
        value: F.
        low: The lower end of its 95 % interval over pairs.
        high: The upper end.
        p: (1 + the number of controls that do at least as well) / (1 + the number of controls).
        gap: The circuit's advantage over the best control, in F; positive if it is better than all.
        controls: F with each control in place of the circuit.
        near: F with the wires of the next ranks in place of the circuit; NaN without a ranking.
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
    """How differently the circuit and the whole model respond to the loss of the same wires.

    |F(C∖K) − F(all∖K)| is 0 if the circuit contains everything that does what K does.

    Args:
        sites: Heads and MLPs; all wires of one are removed at a time.
        inside: F of the circuit without each.
        whole: F of all wires without each.
        worst: Sites chosen greedily for the largest difference.
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
    """The change of F when one wire is removed, compared with removals of random wires from inflated circuits.

    Args:
        wires: The sampled wires.
        changes: |F(C) − F(C∖w)| of each.
        p: (1 + the number of null removals that change F at least as much) / (1 + the number of null removals).
        needed: The share of sampled wires that remain significant after Benjamini–Hochberg at 5 %.
        null: The number of null removals.
        null_median: The median of their changes.
        null_high: The 95th percentile of their changes.
        pairs: The number of pairs for F.
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
        mean: The mean over pairs of resampled circuits.
        low: The 2.5th percentile.
        high: The 97.5th percentile.
        draws: The number of resampled circuits.
    """

    mean: float
    low: float
    high: float
    draws: int


@dataclass(frozen=True)
class Other:
    """The circuit of another task, measured on this task.

    Args:
        task: The other task.
        wires: The size of its circuit.
        faithfulness: F of its wires on this task.
        without: F of all wires but its own.
        jaccard: The Jaccard index of its wires and those of this circuit.
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
        facts: The model, task, size and pairs, and the settings of the runs.
        sufficiency: F of the circuit.
        necessity: F of all other wires.
        completeness: Parts of the model's behaviour that the circuit lacks.
        minimality: Which of its wires matter.
        stability: Whether other pairs would give the same circuit; None without pairs to find.
        specificity: F of other tasks' circuits on this task.
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
        """The first two numbers; ``print`` shows all of them."""
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
