"""Denied stores: the subspaces that a writer may not store into, and the changed weights that enforce some of them.

A head's store is z W_O, and a pass records z. In general no z yields z W_O (I − PᵀP). A run in which a head's store is
denied therefore has another W_O, and its trace holds those weights. The same holds for an MLP with a norm after it.
Test: tests/permissions/test_enforce.py::test_edits_of_a_run_give_what_enforced_weights_give.
"""

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.execution.kinds import Deny, Edit
from loadstore.model.denied import without
from loadstore.model.ports import writing
from loadstore.model.weights import Weights
from loadstore.sites import Reader, Writer

S = TypeVar("S", Reader, Writer)


def denied_rows(edits: Sequence[Edit], kind: type[S]) -> dict[S, Tensor]:
    """The rows that edits deny to each reader, or to each writer; several edits of one site are combined."""
    rows: dict[S, list[Tensor]] = {}
    for edit in edits:
        if isinstance(edit, Deny) and isinstance(edit.site, kind):
            rows.setdefault(edit.site, []).append(edit.rows)
    return {site: torch.cat([each.double() for each in blocks]) for site, blocks in rows.items()}


def by_weights(weights: Weights, edits: Sequence[Edit]) -> dict[Writer, Tensor]:
    """The denied rows of writers for which a pass records not the store but its source: z, or the input of a norm."""
    rows = denied_rows(edits, Writer)
    ports = {writer: writing(weights, writer) for writer in rows}
    return {w: rows[w] for w, port in ports.items() if port.out is not None or port.scale_after is not None}


def storing(weights: Weights, edits: Sequence[Edit]) -> Weights:
    """Return the weights of a run with these edits: ``weights`` itself unless a denied store needs other weights."""
    rows = by_weights(weights, edits)
    return without(weights, {}, rows) if rows else weights


def refuse_denied_stores(weights: Weights, edits: Sequence[Edit]) -> None:
    """Raise Undefined if edits of a recorded run need weights other than its own."""
    if denied := [str(writer) for writer in by_weights(weights, edits)]:
        raise Undefined(
            f"denying what {', '.join(denied[:3])} stores changes weights, so a recorded run cannot be edited; run the "
            "prompt again with all edits, ls.run(model, prompt, edits)"
        )
