"""A training run in memory, and its exact way to the disk and back."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.nn import Module
from torch.nn.parallel import DistributedDataParallel

from loadstore.errors import BadRequest
from loadstore.training.conditions import conditions, set_threads
from loadstore.training.corpus import Corpus
from loadstore.training.folder import own
from loadstore.training.group import ALONE, Group
from loadstore.training.history import METRICS
from loadstore.training.optimise import Optimisers
from loadstore.training.parameters import Machine, Parameters
from loadstore.training.precision import faster_in_bfloat16
from loadstore.training.recipe import Recipe
from loadstore.training.start import initial
from loadstore.training.state import latest, save_state

STATE = "state.pt"
POSITION = ("phase", "at", "step", "tokens", "second_copy")


@dataclass
class Run:
    """Parameters, optimisers, random state, position, the number format of a step, and who takes it together."""

    recipe: Recipe
    parameters: Parameters
    optimisers: Optimisers
    generator: torch.Generator
    text: str
    bfloat16: bool = False
    phase: int = 0
    at: int = 0
    step: int = 0
    tokens: int = 0
    second_copy: float = math.inf
    saved: int | None = None
    group: Group = ALONE
    machine: Module = field(init=False)

    def __post_init__(self) -> None:
        self.machine = Machine(self.recipe, self.parameters)

    @property
    def finished(self) -> bool:
        """Whether every phase is done."""
        return self.phase == len(self.recipe.phases)

    def save(self, folder: Path) -> None:
        """Write everything that the next step depends on; the first process does. Raises BadRequest on a full disk."""
        state = {
            "recipe": repr(self.recipe),
            "text": self.text,
            "conditions": conditions(),
            "processes": self.group.size,
            "bfloat16": self.bfloat16,
            "parameters": {name: value.detach() for name, value in self.parameters.items()},
            "optimisers": self.optimisers.state_dict(),
            "generator": self.generator.get_state(),
            **{name: getattr(self, name) for name in POSITION},
        }
        if self.group.first:
            save_state(folder / STATE, state)
        self.saved = self.step


def begin(
    recipe: Recipe,
    corpus: Corpus,
    folder: Path,
    threads: int = 0,
    tell: Callable[[str], None] = lambda _: None,
    group: Group = ALONE,
) -> Run:
    """Start a fresh run, or continue the one whose state lies in ``folder``.

    Raises BadRequest for a state of another recipe, another text or another number of threads, for a damaged one, and
    for files of these names that are not the run's.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    parameters = initial(recipe, generator)
    run = Run(recipe, parameters, Optimisers(parameters), generator, corpus.digest, group=group)
    path = folder / STATE
    if group.first:
        own(folder, STATE, METRICS)
    saved = latest(path)
    if saved is None:
        set_threads(threads, None, tell)
        faster = recipe.dtype == "float32" and faster_in_bfloat16()
        run.bfloat16 = group.of_first(here=faster)
    else:
        try:
            _check(run, saved, path)
            set_threads(threads, saved["conditions"], tell)
            if saved["processes"] != group.size:
                tell(
                    f"the run was saved by {saved['processes']} processes, here are {group.size}: it goes on, but its "
                    "last bits may differ from an undisturbed run's"
                )
            _restore(run, saved)
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
            raise BadRequest(f"the saved state {path} is incomplete ({error}); delete it to start again") from None
    if group.size > 1:
        run.machine = DistributedDataParallel(run.machine)
    group.meet()  # the first must not save before all have looked for a state
    return run


def _check(run: Run, saved: dict[str, Any], path: Path) -> None:
    if saved["recipe"] != repr(run.recipe):
        raise BadRequest(f"{path} belongs to another recipe; choose another folder or delete it")
    if saved["text"] != run.text:
        raise BadRequest(f"{path} was trained on another text; give that text, choose another folder, or delete it")


def _restore(run: Run, saved: dict[str, Any]) -> None:
    with torch.no_grad():
        for name, parameter in run.parameters.items():
            parameter.copy_(saved["parameters"][name])
    run.optimisers.load_state_dict(saved["optimisers"])
    run.generator.set_state(saved["generator"])
    run.bfloat16 = saved["bfloat16"]
    for name in POSITION:
        setattr(run, name, saved[name])
    run.saved = run.step


def forget_finished(recipe: Recipe, folder: Path) -> None:
    """Remove state and metrics of a finished run of this recipe, which its seed can always make again."""
    saved = latest(folder / STATE)
    if saved is not None and saved.get("recipe") == repr(recipe) and saved.get("phase") == len(recipe.phases):
        (folder / STATE).unlink()
        (folder / METRICS).unlink(missing_ok=True)
