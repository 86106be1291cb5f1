"""A run as a picture: the patterns of every head on the prompt."""

import numpy as np

from loadstore.errors import BadRequest
from loadstore.execution.trace import Trace
from loadstore.figures.words import listed
from loadstore.heads.patterns import ROLES, mass_on, role_masks
from loadstore.heads.roles import IS_ROLE, bos_of
from loadstore.views.model import Figure, figure, reading
from loadstore.views.pictures import patterns


def trace_figure(trace: Trace) -> Figure:
    """All heads of one prompt, badged by the roles that they have on it. Raises BadRequest for a batch."""
    if trace.batched:
        raise BadRequest("a batch has no single picture; run one prompt: run(model, tokens[0])")
    shape = trace.weights.architecture
    pattern = np.concatenate([layer.pattern[0].double().numpy() for layer in trace.record.layers])
    badges = _badges(trace)
    ranked = {role: [str(h) for h, marks in zip(shape.heads, badges, strict=True) if role in marks] for role in ROLES}
    shown = "; ".join(f"{role}: {listed(names)}" for role, names in ranked.items() if names)
    view = patterns(
        f"All heads of {trace.weights.name}",
        trace.labels,
        [(str(head), marks) for head, marks in zip(shape.heads, badges, strict=True)],
        pattern,
        across=shape.n_heads,
        first_is_sink=bos_of(trace.weights) is not None,
    )
    return figure(
        "Patterns",
        "Every head on the prompt",
        f"Heads with more than half of their attention on one role, on this prompt: {shown or 'none'}.",
        [view],
        reading("Rows are queries, columns keys. One prompt shows what a head does here; head_roles measures it."),
    )


def _badges(trace: Trace) -> list[list[str]]:
    """The roles that each head plays on this prompt."""
    badges: list[list[str]] = []
    for index, layer in enumerate(trace.record.layers):
        masks = role_masks(trace.tokens, bos_of(trace.weights), trace.weights.architecture.window(index))
        shares = {role: mass_on(layer.pattern, masks[role])[0][0].tolist() for role in ROLES}
        badges += [[role for role in ROLES if shares[role][i] > IS_ROLE] for i in range(layer.pattern.shape[1])]
    return badges
