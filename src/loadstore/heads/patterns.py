"""The pattern of each role: a mask over (query, key), computed from the tokens alone.

A role's score is the attention on its mask, averaged over the queries that have such a key (ARENA's detectors,
generalised from one stripe to any text). A head may have several roles.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from loadstore.axes import Mask, Patterns, Tokens
from loadstore.execution.patterns import allowed

ROLES = ("previous", "current", "first", "duplicate", "induction")
LOOKS = {
    "previous": "at the previous token",
    "current": "at their own token",
    "first": "at the first token, where a head with nothing to load rests",
    "duplicate": "at earlier occurrences of their own token",
    "induction": "at what followed earlier occurrences of their own token",
}
"""The keys that heads of a role attend to."""


def role_masks(tokens: Tokens, bos: int | None = None, window: int | None = None) -> dict[str, Mask]:
    """Boolean masks [batch, query, key] of every role.

    previous: j = i − 1.  current: j = i.  first: j = 0, from the second query on.
    duplicate: j < i with t_j = t_i.  induction: 0 ≤ j − 1 < i with t_{j−1} = t_i, so j follows an earlier t_i.
    Rows without such a key are empty, so queries before any repeat do not count. BOS matches nothing.
    ``window``: the layer's window; keys outside it are excluded.
    """
    batch, length = tokens.shape
    index = torch.arange(length, device=tokens.device)
    query, key = index[:, None], index[None, :]
    match = tokens[:, :, None] == tokens[:, None, :]
    if bos is not None:
        match = match & (tokens != bos)[:, :, None]
    before = match & (key < query)
    after_match = torch.zeros_like(before)
    after_match[:, :, 1:] = before[:, :, :-1]

    masks = {
        "previous": key == query - 1,
        "current": key == query,
        "first": (key == 0) & (query > 0),
        "duplicate": before,
        "induction": after_match,
    }
    seen = allowed(length, window, tokens.device)
    return {role: (mask & seen).expand(batch, length, length) for role, mask in masks.items()}


def mass_on(pattern: Patterns, mask: Mask) -> tuple[Float[Tensor, "batch head"], Int[Tensor, " batch"]]:
    """Mean attention on a mask per sequence and head, and the number of queries in the mean.

    score = Σ_i Σ_j A_ij m_ij / #{i : Σ_j m_ij > 0}; NaN for a sequence without such a query.
    """
    queries = mask.any(-1).sum(-1)
    mass = (pattern * mask[:, None].to(pattern.device)).sum((-1, -2))
    return mass.cpu() / queries[:, None], queries
