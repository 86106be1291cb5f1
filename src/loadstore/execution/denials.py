"""Stores that edits deny: what a writer may not store, and the weights of a run in which heads do not store it.

What a head stores is z W_O, and a pass records z. No z gives z W_O (I − PᵀP) in general, so a run in which a head's
store is denied has another W_O, and its trace has those weights. The same holds for an MLP with a norm after it.
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
    """The rows that edits deny each reader, or each writer; those of several edits of one site together."""
    rows: dict[S, list[Tensor]] = {}
    for edit in edits:
        if isinstance(edit, Deny) and isinstance(edit.site, kind):
            rows.setdefault(edit.site, []).append(edit.rows)
    return {site: torch.cat([each.double() for each in blocks]) for site, blocks in rows.items()}


def by_weights(weights: Weights, edits: Sequence[Edit]) -> dict[Writer, Tensor]:
    """The rows denied to writers of which a pass records what comes before the store: z, or what a norm scales."""
    rows = denied_rows(edits, Writer)
    ports = {writer: writing(weights, writer) for writer in rows}
    return {w: rows[w] for w, port in ports.items() if port.out is not None or port.scale_after is not None}


def storing(weights: Weights, edits: Sequence[Edit]) -> Weights:
    """Return the weights with which a run has edits: ``weights`` itself unless they deny a store that needs others."""
    rows = by_weights(weights, edits)
    return without(weights, {}, rows) if rows else weights


def refuse_denied_stores(weights: Weights, edits: Sequence[Edit]) -> None:
    """Raise Undefined for edits of a recorded run that need other weights than it had."""
    if denied := [str(writer) for writer in by_weights(weights, edits)]:
        raise Undefined(
            f"denying what {', '.join(denied[:3])} stores changes weights, so a recorded run cannot be edited; "
            "run the prompt anew with all edits, ls.run(model, prompt, edits)"
        )
