"""Everything that the report on a large model is about: its notable heads, and the results that figures share."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from loadstore.causal.own_cuts import own_cuts
from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.figures.subject.story import Story
from loadstore.figures.subject.supply import Supply, supply
from loadstore.heads.patterns import ROLES
from loadstore.heads.roles import IS_ROLE, random_repeats
from loadstore.model.architecture import Architecture
from loadstore.scores.scores import subspace_scores
from loadstore.sites import Head, Side, parse_writer

if TYPE_CHECKING:
    import xarray as xr

ARTICLE_HEADS = 64  # an attention-only model with more heads than this is no longer drawn head by head
EACH = 3  # notable heads of a role
SOME = 0.3  # the share of attention from which a head is notable for a role
NAMED = tuple(role for role in ROLES if role != "first")  # most heads of a large model rest on the first token
SEQUENCES = 4  # of random repeats that wires are cut on
FALL = 0.05  # of the induction score: a cut that lowers it by less is said to change nothing


def is_article(shape: Architecture) -> bool:
    """Whether the article's own figures fit: attention only, and few heads."""
    return shape.mlp is None and shape.n_layers * shape.n_heads <= ARTICLE_HEADS


@dataclass(frozen=True)
class Atlas(Story):
    """A Story of a model of many layers; the previous-token head may be in any layer below the induction head."""

    @cached_property
    def previous(self) -> Head:
        """The strongest previous-token head below the induction head."""
        layers = self.weights.architecture.n_layers if self.candidate is None else self.candidate.layer
        return self.strongest("previous", range(max(1, layers)))[0]

    @cached_property
    def notable(self) -> tuple[Head, ...]:
        """The question's main head, the strongest of each role, and those that the induction head's K needs most."""
        every = range(self.weights.architecture.n_layers)
        found = {
            head
            for role in NAMED
            for place, head in enumerate(self.strongest(role, every)[:EACH])
            if self.role(head, role) > (SOME if place else 0)
        }
        found.add(self.main)
        if self.candidate is not None:
            found |= {self.candidate, self.previous, *self.suppliers[:2]}
        return tuple(sorted(found, key=lambda head: (head.layer, head.index)))

    @cached_property
    def resting(self) -> int:
        """How many heads spend more than half of their attention on the first token."""
        return int((self.roles["first"] > IS_ROLE).sum())

    @cached_property
    def repeats(self) -> Trace:
        """A run on random repeats, everything recorded: what wires are cut on."""
        return run(self.weights, random_repeats(self.weights, SEQUENCES), record=True)

    @cached_property
    def cuts(self) -> "dict[Side, xr.Dataset]":
        """Every wire into the Q and the K of the induction head, cut one at a time. Empty where there is none."""
        sides: tuple[Side, ...] = ("Q", "K")
        return {} if self.candidate is None else {s: own_cuts(self.repeats, f"{self.candidate}.{s}") for s in sides}

    @cached_property
    def supply(self) -> Supply | None:
        """The strongest wire into the K of the induction head beside its controls; None without such a head."""
        if self.candidate is None or not self.needed("K"):
            return None
        return supply(self.repeats, self.candidate, self.cuts["K"])

    def needed(self, side: Side) -> list[str]:
        """Writers whose cut from this side of the induction head lowers its score by more than FALL, most first."""
        table = self.cuts[side].sortby("score")
        return [str(name) for name in table["writer"].values[(table.intact - table.score).values > FALL]]

    @property
    def suppliers(self) -> list[Head]:
        """Heads whose stores the K of the induction head needs, most needed first; empty where no single one is."""
        writers = [parse_writer(name) for name in self.needed("K")]
        return [writer.head for writer in writers if writer.kind == "head"]

    @cached_property
    def scores(self) -> "xr.Dataset":
        """Subspace scores of every writer and the three sides of every notable head."""
        return subspace_scores(self.weights, readers=[f"{head}.*" for head in self.notable])

    def wires(self, head: Head, side: Side) -> "xr.Dataset":
        """The wires into one side of a notable head that exist, best aligned first."""
        column = self.scores.sel(reader=f"{head}.{side}").dropna("writer", subset=["alignment"])
        return column.sortby("alignment", ascending=False)


def best_writer(atlas: Atlas, head: Head, side: Side) -> tuple[str, float, float] | None:
    """The best aligned writer of one side, with alignment and z; None where no wire has a score."""
    table = atlas.wires(head, side)
    if not table.sizes["writer"]:
        return None
    first = table.isel(writer=0)
    return str(first["writer"].values), float(first.alignment), float(first.z)
