"""Heads by role: the role names of reports, programs and pictures, and the meaning of each.

Tests: tests/explorer/test_roles.py.
"""

from collections.abc import Callable

from loadstore.circuits.program import roles_of
from loadstore.errors import BadRequest
from loadstore.explorer.requests import RolesRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.figures.words import plural
from loadstore.heads.patterns import LOOKS
from loadstore.heads.roles import measured_roles, named
from loadstore.progress import Progress

ORDER = ("previous", "induction", "duplicate", "current", "first")
"""Roles in list order: those of the induction circuit first, resting heads last."""


def roles(explorer: Explorer, ask: RolesRequest) -> Callable[[Progress], Document]:
    """Measure the roles of all heads, once per model.

    Returns:
        ``groups``: {role, title, meaning, heads} each, with every head under its strongest role; ``badges``: all roles
        of each head that has one; ``rule``: the rule in a sentence, or the reason why there is none.
    """
    return lambda progress: explorer.once("roles of heads", lambda: _roles(explorer, progress))


def _roles(explorer: Explorer, progress: Progress) -> Document:
    weights = explorer.weights
    try:
        scores = measured_roles(weights, progress=progress)
    except BadRequest as error:
        return {"groups": [], "badges": {}, "rule": f"Heads have no roles here: {error}."}
    strongest = roles_of(weights)
    by_role = named(scores)
    badges: dict[str, list[str]] = {}
    groups: list[Document] = []
    for role in ORDER:
        for head, _ in by_role[role]:
            badges.setdefault(head, []).append(role)
        heads = [head for head, _ in by_role[role] if strongest[head] == role]
        if heads:
            groups.append(
                {
                    "role": role,
                    "title": f"{role}: {plural(len(heads), 'head')}",
                    "meaning": f"mostly {LOOKS[role]}",
                    "heads": heads,
                }
            )
    sequences = int(scores.attrs["sequences"])
    rule = (
        f"A head has a role if it spends more than half of its attention there, on "
        f"{sequences} sequences of random tokens, each repeated once, as in reports and programs."
    )
    return {"groups": groups, "badges": badges, "rule": rule}
