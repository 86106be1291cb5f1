"""Chooses a listing's steps: largest weight first, each after every step that uses it."""

import math
from dataclasses import dataclass, field

from loadstore.decomposition.loads import Cell, Load, head_loads, mlp_load
from loadstore.decomposition.stored import nearest
from loadstore.execution.trace import Trace
from loadstore.model.wiring import wiring
from loadstore.sites import CONST, Writer, parse_writer
from loadstore.tokenizer.tokens import text_of

LEAST = 0.05  # minimum weight of a step


@dataclass(frozen=True)
class Step:
    """One writer at one token: its loads, the tokens that it attended to, and its store.

    ``stored``: its own part of the target's contrast, NaN if it stored at another token. ``decoded``: the token or
    position nearest to its store, with the cosine. ``users``: the sites that loaded it.
    """

    site: str
    at: int
    weight: float
    carried: float
    loads: tuple[Load, ...]
    attended: tuple[float, ...]
    stored: float
    decoded: tuple[str, float] | None
    users: tuple[str, ...]


class Search:
    """The steps of one listing: each step is decomposed once, and its weight is the sum over all of its users."""

    def __init__(self, trace: Trace, share: float, at: int, target: Load, parts: dict[str, float]) -> None:
        self.trace, self.share, self.at = trace, share, at
        self.target, self.parts, self.contrast = target, parts, math.fsum(parts.values())
        self.order = {str(writer): index for index, writer in enumerate(wiring(trace.weights).writers)}
        self.loads: dict[Cell, tuple[Load, ...]] = {}

    def steps(self, most: int) -> tuple[tuple[Step, ...], int]:
        """At most ``most`` steps, deepest first, and the number of further steps that weigh enough."""
        while True:
            uses = self.uses()
            more = {cell: use.weight for cell, use in uses.items() if cell not in self.loads and use.weight >= LEAST}
            if not more or len(self.loads) == most:
                cells = sorted(self.loads, key=self.depth, reverse=True)
                return tuple(self.step(cell, uses[cell]) for cell in cells), len(more)
            cell = max(more, key=lambda candidate: (more[candidate], self.depth(candidate)))
            self.loads[cell] = self.load(cell)

    def uses(self) -> dict[Cell, "_Use"]:
        """Weight, carried and users of every writer listed so far, each computed after all of its users."""
        uses: dict[Cell, _Use] = {}
        _hand_on(uses, self.target, "unembed", 1.0, self.contrast)
        for cell in sorted(self.loads, key=self.depth, reverse=True):
            own = uses[cell]
            for load in self.loads[cell]:
                user = f"{cell[0]}.{load.kind}" if load.kind != "mlp" else cell[0]
                _hand_on(uses, load, user, own.weight, own.carried)
        return uses

    def depth(self, cell: Cell) -> tuple[int, int]:
        """The order of depth and token; users come later than their sources."""
        return self.order[cell[0]], cell[1]

    def load(self, cell: Cell) -> tuple[Load, ...]:
        """Decompose the loads of one step."""
        writer = parse_writer(cell[0])
        if writer.kind == "mlp":
            return (mlp_load(self.trace, writer.layer, cell[1], self.share),)
        return head_loads(self.trace, writer.head, cell[1], self.share)

    def step(self, cell: Cell, use: "_Use") -> Step:
        """Assemble one step."""
        (site, at), writer = cell, parse_writer(cell[0])
        row = self.trace.pattern(writer.head)[at, : at + 1].tolist() if writer.kind == "head" else []
        stored = self.parts[site] if at == self.at else math.nan
        users = tuple(dict.fromkeys(use.users))
        decoded = self.decoded(writer, at)
        return Step(site, at, use.weight, use.carried, self.loads[cell], tuple(row), stored, decoded, users)

    def decoded(self, writer: Writer, at: int) -> tuple[str, float] | None:
        """The nearest row of the writer's dictionary; None for an MLP."""
        rows = nearest(self.trace.weights, writer, self.trace.store(writer)[0, at], 1)
        return (text_of(rows[0][0], self.trace.weights.tokens), rows[0][1]) if rows else None


@dataclass
class _Use:
    """The accumulated contributions of the users of one writer at one token."""

    weight: float = 0.0
    carried: float = 0.0
    users: list[str] = field(default_factory=list[str])


def _hand_on(uses: dict[Cell, _Use], load: Load, user: str, weight: float, carried: float) -> None:
    """Pass a user's weight on to the heads and MLPs that it loaded."""
    for part in load.parts:
        if part.writer != CONST and parse_writer(part.writer).kind in ("head", "mlp"):
            cell = part.writer, part.token
            use = uses[cell] if cell in uses else uses.setdefault(cell, _Use())
            use.weight += weight * min(1.0, abs(part.share))
            use.carried += carried * part.share
            use.users.append(user)
