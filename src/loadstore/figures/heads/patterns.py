"""A run as a picture: the patterns of every head on the prompt."""

import numpy as np

from loadstore.errors import BadRequest
from loadstore.execution.trace import Trace
from loadstore.figures.heads.sinks import sinks_said
from loadstore.figures.words import listed
from loadstore.heads.roles import bos_of, measured_roles, named
from loadstore.views.model import Figure, figure, reading
from loadstore.views.pictures import patterns

FEW = 6  # heads of a role named in the sentence


def trace_figure(trace: Trace) -> Figure:
    """All heads of one prompt, with the roles of reports and programs, measured on random repeats, as badges.

    Raises BadRequest for a batch.
    """
    if trace.batched:
        raise BadRequest("a batch has no single picture; run one prompt: run(model, tokens[0])")
    shape = trace.weights.architecture
    pattern = np.concatenate([layer.pattern[0].double().numpy() for layer in trace.record.layers])
    try:
        by_role = {role: [head for head, _ in heads] for role, heads in named(measured_roles(trace.weights)).items()}
        shares = "; ".join(f"{role}: {_few(heads)}" for role, heads in by_role.items() if heads)
        claim = f"Heads with more than half of their attention on one role, on random repeats: {shares or 'none'}."
    except BadRequest as error:
        by_role, claim = {}, f"Heads have no roles here: {error}."
    claim += sinks_said(trace, shape.heads)
    names = [str(head) for head in shape.heads]
    view = patterns(
        f"All heads of {trace.weights.name}",
        trace.labels,
        [(name, [role for role, heads in by_role.items() if name in heads]) for name in names],
        pattern,
        across=shape.n_heads,
        first_is_sink=bos_of(trace.weights) is not None,
    )
    return figure(
        "Patterns",
        "Every head on the prompt",
        claim,
        [view],
        reading(
            "Rows are queries, columns keys. Roles are measured on random tokens that are each repeated once, not on "
            "this prompt: here a head may look elsewhere."
        ),
    )


def _few(heads: list[str]) -> str:
    """The strongest heads of a role and the number of the others: most heads of a large model rest on one token."""
    rest = len(heads) - FEW
    return listed(heads) if rest <= 0 else f"{', '.join(heads[:FEW])} and {rest} more"
