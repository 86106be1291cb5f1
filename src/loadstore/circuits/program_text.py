"""The text of a circuit's program: one line for each of the strongest loads, in order of depth."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadstore.circuits.groups import Load, Wires, loads_of, strongest
from loadstore.visible import line

MOST = 40  # lines


@dataclass(frozen=True)
class Program:
    """The loads in a program.

    Args:
        loads: The loads shown, in order of depth.
        left: The number of loads left out.
        strengths: |attribution| of each wire; 1 for every wire if an attribution is unknown.
        attributed: Whether all attributions are known.
    """

    loads: tuple[Load, ...]
    left: int
    strengths: tuple[float, ...]
    attributed: bool

    @property
    def wires(self) -> tuple[int, ...]:
        """Indices of the wires shown."""
        return tuple(index for load in self.loads for index in load.wires)

    def share(self, wires: Sequence[int]) -> float:
        """The given wires' share of the circuit's |attribution|."""
        whole = math.fsum(self.strengths)
        return math.fsum(self.strengths[index] for index in wires) / whole if whole > 0 else math.nan


def program_of(
    wires: Wires, attributions: Sequence[float], roles: Mapping[str, str] | None = None, most: int = MOST
) -> Program:
    """Choose the loads that fit in ``most`` lines: one line is the title, one the summary."""
    attributed = all(map(math.isfinite, attributions))
    strengths = tuple(abs(value) if attributed else 1.0 for value in attributions)
    loads = loads_of(wires, strengths, roles)
    shown = strongest(loads, strengths, max(1, most - 2))
    return Program(tuple(shown), len(loads) - len(shown), strengths, attributed)


def lines_of(program: Program) -> list[str]:
    """One line for each load: its readers, its share in percent, and its writers with theirs."""
    width = max((len(load.name) for load in program.loads), default=0)
    lines: list[str] = []
    for load in program.loads:
        parts = ", ".join(f"{part.name} {100 * program.share(part.wires):.1f}" for part in load.parts)
        lines.append(f"load {load.name:<{width}} {100 * program.share(load.wires):5.1f} %  from {parts}")
    return lines


def title_of(task: str, model: str, wires: int, live: int, method: str, *, attributed: bool) -> str:
    """The first line: the task, the model, the size, and the meaning of the percentages."""
    unit = "% of |attribution|" if attributed else "% of the wires (no attributions)"
    return line(f"{task} in {model}: {wires:,} of {live:,} wires ({wires / live:.2%}) by {method}; {unit}")


def summary_of(program: Program, faithfulness: float | None = None) -> str:
    """The last line: the number of wires shown, their share, and F of exactly these."""
    count, every = len(program.wires), len(program.strengths)
    left = f" ({program.left} weaker loads left out)" if program.left else ""
    share = f", {program.share(program.wires):.1%} of its |attribution|" if program.attributed and count else ""
    f = "" if faithfulness is None else f"; F of exactly these: {faithfulness:.2f}"
    return f"shown: {count:,} of {every:,} wires{left}{share}{f}"
