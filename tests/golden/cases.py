"""The models of the golden numbers, the prompts that they run, and the sites that are looked at."""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import torch
import xarray as xr
from golden import functions as of
from tiny import Kind, some_tokens, tiny
from torch import Tensor

from loadstore.execution.trace import Trace
from loadstore.model.weights import Weights

TINY = {  # every scheme of positions with attention alone, and every family; two kinds of norm, windows, shared keys
    "learned": Kind("learned", "none", True),
    "shortformer": Kind("shortformer", "layer", True),
    "rotary": Kind("rotary", "rms", True),
    "none": Kind("none", "layer", False, window=True),
    "gpt2": Kind("learned", "layer", True, "gelu"),
    "neox": Kind("rotary", "layer", True, "parallel"),  # and Phi
    "llama": Kind("rotary", "rms", False, "gated", kv=2),
    "qwen3": Kind("rotary", "rms", False, "gated", kv=2, qk_norm=True),
}
SENTENCE = "the cat sat on the mat. the dog sat on the log. the"


@dataclass(frozen=True)
class Case:
    """One model. ``early`` is a head that ``late``, of a later layer, reads; ``last`` is of the last layer."""

    name: str
    early: str
    late: str
    last: str
    readers: tuple[str, ...]

    @property
    def is_tiny(self) -> bool:
        return self.name in TINY

    @property
    def is_large(self) -> bool:
        return self.name == "smollm2"

    @cached_property
    def model(self) -> Weights:
        """In float64, every matrix as numbers: a quantised one is read once."""
        return tiny(TINY[self.name]) if self.is_tiny else of.load(self.name).map(lambda tensor: tensor.double())

    @property
    def rotary(self) -> bool:
        return self.model.architecture.rotary is not None

    @property
    def offset(self) -> int | None:
        """Where rotary positions need one."""
        return 2 if self.rotary else None

    @property
    def mlp(self) -> str | None:
        """An MLP below ``late``."""
        return "L0.mlp" if self.model.architecture.mlp is not None else None

    @cached_property
    def ids(self) -> list[int]:
        """One prompt, with repeats."""
        return self._ids(1) if self.model.tokens is None else self.model.tokens.encode(SENTENCE)

    @cached_property
    def other_ids(self) -> list[int]:
        """Another prompt of the same length."""
        return self._ids(3) if self.model.tokens is None else [self.ids[0], *reversed(self.ids[1:])]

    def _ids(self, seed: int) -> list[int]:
        once = torch.randperm(17, generator=torch.Generator().manual_seed(seed))[:5]
        return torch.cat([once, once]).tolist()

    @cached_property
    def batch(self) -> Tensor:
        """Three prompts of one length."""
        if self.is_tiny:
            return some_tokens(self.model, batch=3, length=10)
        return of.random_repeats(self.model, 2 if self.is_large else 3, 8)

    @cached_property
    def trace(self) -> Trace:
        return of.run(self.model, self.ids, record=True)

    @cached_property
    def other(self) -> Trace:
        return of.run(self.model, self.other_ids, record=True)

    @cached_property
    def batched(self) -> Trace:
        return of.run(self.model, self.batch, record=True)

    @cached_property
    def circuits(self) -> xr.Dataset:
        """Induction circuits; every pair of heads of a tiny model takes part, which has no head of a role."""
        how: dict[str, Any] = {"least": 0.0, "top": 4, "controls": 4} if self.is_tiny else {"controls": 6}
        return of.circuits(self.model, sequences=2, **how)

    @cached_property
    def verdicts(self) -> dict[str, of.Verified]:
        """A listing verified on prompts with other tokens, and on given ones."""
        found = of.listing(self.trace, top=2 if self.is_large else 8, share=0.97 if self.is_tiny else 0.9)
        few = 2 if self.is_large else 3
        relabelled = of.verify(found, controls=2 if self.is_large else 4, replicates=few, seed=1)
        if self.is_large or (self.is_tiny and self.name not in ("learned", "llama")):
            return {"relabelled": relabelled}
        given = [self.ids, self.other_ids, self.ids[::-1]]
        return {"relabelled": relabelled, "paraphrases": of.verify(found, controls=4, paraphrases=given)}

    @cached_property
    def explorer(self) -> of.Explorer:
        return of.Explorer(self.model, self.ids)

    def answered(self, question: str, **fields: Any) -> Any:
        """The answer to a question of the explorer's page about the prompt."""
        name, _ = self.explorer.runs.make(self.ids)
        return of.answered(question, self.explorer, {"run": name, **fields})


@cache
def case(name: str) -> Case:
    """A model by its name."""
    if name == "builtin":
        return Case(name, "L0.H7", "L1.H4", "L1.H10", ("L1.H4.?", "L1.H10.?", "L0.H7.?", "unembed"))
    if name == "smollm2":
        return Case(name, "L16.H0", "L18.H6", "L29.H0", ("L18.H6.?", "L17.mlp"))
    return Case(name, "L0.H1", "L1.H2", "L2.H0", ("*",))
