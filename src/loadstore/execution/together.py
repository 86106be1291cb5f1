"""The edits of several runs that share one forward pass, each in its own rows of the batch."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from loadstore.execution.changes import Changes, Denial, Frozen, Loss, Part
from loadstore.execution.plan import Edited
from loadstore.model.points import ScaleName
from loadstore.sites import Writer


class Together(Changes):
    """Several runs of one batch of prompts. Run k has the rows from k · batch on.

    Norms are frozen in all of the runs, from the same source, or in none.
    """

    def __init__(self, runs: Sequence[Edited], batch: int) -> None:
        self._runs = [(edited, slice(k * batch, (k + 1) * batch)) for k, edited in enumerate(runs)]

    def store(self, writer: Writer, value: Tensor) -> Tensor:
        """Edit a store in every run. A store shared by all prompts, [token, d_model], may become one per row."""
        touched = [(edited, rows) for edited, rows in self._runs if edited.touches(writer)]
        if not touched:
            return value
        shared = value.dim() == 2
        count = self._runs[-1][1].stop
        result = value.expand(count, *value.shape).clone() if shared else value.clone()
        for edited, rows in touched:
            result[rows] = edited.store(writer, value if shared else value[rows])
        return result

    def heads(self, layer: int) -> set[Writer]:
        """The heads of a layer whose z must pass through ``store``."""
        return set[Writer]().union(*(edited.heads(layer) for edited, _ in self._runs))

    def ablates(self, layer: int) -> bool:
        """Whether the store of any head of this layer is replaced in any run."""
        return any(edited.ablates(layer) for edited, _ in self._runs)

    def losses(self, layer: int, part: Part) -> Iterator[Loss]:
        """The parts removed from the readers of one part of a layer, in the rows of each run."""
        for edited, rows in self._runs:
            for loss in edited.losses(layer, part):
                yield replace(loss, rows=rows)

    def denials(self, layer: int, part: Part) -> Iterator[Denial]:
        """The subspaces that the readers of one part of a layer do not load, in the rows of each run."""
        for edited, rows in self._runs:
            for denial in edited.denials(layer, part):
                yield replace(denial, rows=rows)

    def scale(self, which: ScaleName, layer: int = -1) -> Tensor | None:
        """The frozen 1/σ of a norm, repeated for each run."""
        scale = self._runs[0][0].scale(which, layer)
        if scale is None:
            return None
        batch = self._runs[0][1].stop
        each = scale.expand(batch, *scale.shape[1:])
        return torch.cat([each] * len(self._runs))

    def frozen(self, layer: int) -> list[Frozen]:
        """The frozen patterns of a layer, in the rows of each run."""
        return [replace(edit, rows=rows) for edited, rows in self._runs for edit in edited.frozen(layer)]
