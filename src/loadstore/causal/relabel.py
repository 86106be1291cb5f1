"""Replaces the tokens of a prompt at random but preserves which positions repeat each other."""

import torch

from loadstore.errors import Undefined
from loadstore.execution.trace import Trace
from loadstore.heads.roles import bos_of


def relabelled(trace: Trace, token: int, count: int, seed: int = 0) -> list[tuple[list[int], int]]:
    """Return ``count`` prompts with every distinct token, including the target ``token``, replaced by a random one.

    BOS is kept. Each result is the list of ids and the id of the replaced target. Raises Undefined if the vocabulary
    has fewer tokens than the prompt has distinct ones.
    """
    ids: list[int] = trace.tokens[0].tolist()
    bos = bos_of(trace.weights)
    kept = set[int]() if bos is None else {bos}
    distinct = [token_id for token_id in dict.fromkeys([*ids, token]) if token_id not in kept]
    free = torch.tensor([token_id for token_id in range(trace.weights.architecture.vocab) if token_id not in kept])
    if len(free) < len(distinct):
        raise Undefined(f"{len(distinct)} distinct tokens cannot be exchanged within a vocabulary of {len(free)}")
    generator = torch.Generator().manual_seed(seed)
    prompts: list[tuple[list[int], int]] = []
    for _ in range(count):
        drawn = free[torch.randperm(len(free), generator=generator)[: len(distinct)]].tolist()
        names = dict(zip(distinct, drawn, strict=True)) | {token_id: token_id for token_id in kept}
        prompts.append(([names[token_id] for token_id in ids], names[token]))
    return prompts
