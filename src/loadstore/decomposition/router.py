"""The address of a router's load at one token: which writers made it choose an expert.

With s_e the scores of the experts, x W_router + b_router, the shares divide a contrast:

    share of c = (s_e^c − s̄^c) / (s_e − s̄)        s̄: the mean over all experts, or the score of another one

A router loads at its own token. Softmax ignores a common shift of all scores, and s_e − s̄ is log p_e − mean log p_e′.
Shares are signed and sum to 1 with ``const``. A bias that only chooses is not part of a score.
Test: tests/theorems/test_expert_sites.py.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from loadstore.decomposition.projections import Question, projections
from loadstore.decomposition.reading import refuse_cuts
from loadstore.decomposition.short import short
from loadstore.decomposition.sides import VANISHED
from loadstore.decomposition.single import one_prompt_index
from loadstore.errors import BadRequest
from loadstore.execution.positions import At
from loadstore.execution.trace import Trace
from loadstore.sites import Reader
from loadstore.threads import threads_for


@dataclass(frozen=True)
class RouterAddress:
    """The source of a router's load at one token: for the contrast of one expert, the share of every writer.

    ``weights``: those of all experts, 0 where the token does not use one. ``expert``: the expert that the shares are
    about. ``than``: the one that it is compared with, None for the mean of all. ``shares`` sum to 1, or are NaN for the
    reason in ``undefined``. ``contrast``: the divided difference of scores. ``remainder``: the recorded contrast minus
    the sum over writers, relative to that sum.
    """

    layer: int
    at: int
    labels: tuple[str, ...]
    weights: tuple[float, ...]
    expert: int
    than: int | None
    shares: Mapping[str, float]
    contrast: float
    remainder: float
    undefined: str = ""

    @property
    def used(self) -> tuple[int, ...]:
        """The experts that the token uses, largest weight first."""
        order = sorted(range(len(self.weights)), key=lambda expert: -self.weights[expert])
        return tuple(expert for expert in order if self.weights[expert] != 0)

    @property
    def top(self) -> str:
        """The writer with the largest share; empty if shares are undefined."""
        return "" if self.undefined else max(self.shares, key=lambda writer: self.shares[writer])

    def __str__(self) -> str:
        """One line: ``L3.router  sat·10:L1.H4 .71 → E5 .62 | E2 .38``."""
        used = " | ".join(f"E{expert} {short(self.weights[expert])}" for expert in self.used)
        source = f"{self.top} {short(self.shares[self.top])}" if self.top else "undefined"
        return f"L{self.layer}.router  {self.labels[self.at]}:{source} → {used}"


@threads_for(0)
def router_address(
    trace: Trace, layer: int, at: At, *, expert: int | None = None, than: int | None = None
) -> RouterAddress:
    """The address of the router of a layer at one token.

    Args:
        trace: One prompt; for a batch, use ``trace.prompt(index)``.
        layer: A layer whose MLP has experts.
        at: The token, an index or a text.
        expert: The expert that the shares are about; None for the one with the largest weight.
        than: The expert that it is compared with; None for the mean of all experts.

    Returns:
        The weights of the experts, and the share of every writer in the contrast.

    Raises:
        NoSuchSite: There is no such layer, or it has no experts.
        BadRequest: There is no such expert, or it is compared with itself.
        Undefined: The run is a batch or has cuts, or the token does not exist.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat")
        >>> ls.parts.router_address(trace, 0, at=-1)  # the built-in model has no experts
        Traceback (most recent call last):
            ...
        loadstore.errors.NoSuchSite: there are no experts in layer 0: builtin is 2 layers × 12 heads of 32, ...
    """
    at = one_prompt_index(trace, at)
    refuse_cuts(trace)
    weights = trace.routing(layer)[at]
    scores = trace.record.layers[layer].router
    assert scores is not None
    recorded = scores[0, at]
    count = len(recorded)
    about = int(weights.argmax()) if expert is None else expert
    for each in (about, *([] if than is None else [than])):
        if not 0 <= each < count:
            raise BadRequest(f"there is no expert {each} in layer {layer}: it has experts 0 to {count - 1}")
    if about == than:
        raise BadRequest(f"expert {about} is compared with itself; name two experts, or one for the mean of all")
    direction = torch.full_like(recorded, -1 / count) if than is None else torch.zeros_like(recorded)
    direction[about] += 1
    if than is not None:
        direction[than] -= 1
    (answer,) = projections(trace, [Question(Reader(layer, -1, "router"), direction[None], at)])
    parts = {name: float(value.double()) for name, value in answer.items()}
    whole = math.fsum(parts.values())
    vanished = not abs(whole) > VANISHED * math.fsum(map(abs, parts.values()))
    contrast = float((direction @ recorded).double())
    return RouterAddress(
        layer=layer,
        at=at,
        labels=tuple(trace.labels),
        weights=tuple(weights.tolist()),
        expert=about,
        than=than,
        shares={name: math.nan if vanished else part / whole for name, part in parts.items()},
        contrast=contrast,
        remainder=math.nan if vanished else (contrast - whole) / whole,
        undefined="the router scores both alike" if vanished else "",
    )
