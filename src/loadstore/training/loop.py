"""Train a recipe on a folder of text: resumable, measured at log-spaced steps, nothing half-written."""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from loadstore.errors import BadRequest
from loadstore.models.forward import forward
from loadstore.training.batches import next_batch
from loadstore.training.corpus import Corpus
from loadstore.training.metrics import measure
from loadstore.training.optimise import Optimisers
from loadstore.training.parameters import Parameters, as_weights, close_heads, initial
from loadstore.training.precision import faster_in_bfloat16
from loadstore.training.recipe import Phase, Recipe
from loadstore.training.state import latest, save_state

SMOOTH = 0.9
STATE = "state.pt"


@dataclass(frozen=True, slots=True)
class Progress:
    """What one step tells a progress bar: where it is, the loss, the running second-copy loss, head scores."""

    step: int
    steps: int
    phase: str
    loss: float
    second_copy: float
    scores: str


@dataclass
class Run:
    """A training run in memory: parameters, optimisers, random state, position, and the number format of a step."""

    recipe: Recipe
    parameters: Parameters
    optimisers: Optimisers
    generator: torch.Generator
    bfloat16: bool = False
    phase: int = 0
    at: int = 0
    step: int = 0
    tokens: int = 0
    second_copy: float = math.inf
    scores: str = ""


def start(recipe: Recipe, folder: Path) -> Run:
    """Start a fresh run, or continue the one whose state lies in ``folder``. Raises BadRequest on another recipe's."""
    generator = torch.Generator().manual_seed(recipe.seed)
    parameters = initial(recipe, generator)
    run = Run(recipe, parameters, Optimisers(parameters), generator)
    saved = latest(folder / STATE)
    if saved is None:
        run.bfloat16 = faster_in_bfloat16()
        return run
    if saved["recipe"] != repr(recipe):
        raise BadRequest(f"{folder / STATE} belongs to another recipe; choose another folder or delete it")
    with torch.no_grad():
        for name, value in saved["parameters"].items():
            parameters[name].copy_(value)
    run.optimisers.load_state_dict(saved["optimisers"])
    generator.set_state(saved["generator"])
    run.phase, run.at, run.step, run.tokens = (saved[k] for k in ("phase", "at", "step", "tokens"))
    run.second_copy, run.bfloat16 = saved["second_copy"], saved["bfloat16"]
    return run


def train(
    recipe: Recipe,
    corpus: Corpus,
    folder: Path,
    report: Callable[[Progress], None] = lambda _: None,
    save_every: int = 50,
) -> Run:
    """Run every phase; states and ``metrics.jsonl`` are written to ``folder``, atomically."""
    needed = max(recipe.context, *(phase.length for phase in recipe.phases)) + 1
    for name, ids in (("to train on", corpus.train), ("held out", corpus.held_out)):
        if len(ids) < needed:
            raise BadRequest(f"there are {len(ids)} tokens {name}; at least {needed} are needed, give more text")
    folder.mkdir(parents=True, exist_ok=True)
    run = start(recipe, folder)
    metrics = _Metrics(folder / "metrics.jsonl", run.step)
    while run.phase < len(recipe.phases):
        phase = recipe.phases[run.phase]
        while run.at < phase.steps and not run.second_copy < phase.until:
            if run.step in metrics.moments:
                run.scores = metrics.add(run, corpus)
            loss = _step(run, phase, corpus)
            if run.step % save_every == 0:
                _save(run, folder)
            report(Progress(run.step, recipe.steps, phase.name, loss, run.second_copy, run.scores))
        run.phase, run.at, run.second_copy = run.phase + 1, 0, math.inf
        _save(run, folder)
    metrics.add(run, corpus)
    return run


def _step(run: Run, phase: Phase, corpus: Corpus) -> float:
    """One batch, one update; returns the loss in nats."""
    recipe, context = run.recipe, run.recipe.context
    close_heads(recipe, phase.open_heads, run.parameters)
    batch = next_batch(corpus, recipe.vocab, phase, run.generator)
    offset = int(torch.randint(0, context - phase.length + 1, (1,), generator=run.generator))
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=run.bfloat16):
        logits = forward(as_weights(recipe, run.parameters), batch.tokens, offset=offset)
    each = F.cross_entropy(logits.float().flatten(0, 1), batch.targets.flatten(), reduction="none").view(
        batch.targets.shape
    )
    loss = (each * batch.weight).sum()
    for parameter in run.parameters.values():
        parameter.grad = None
    loss.backward()
    close_heads(recipe, phase.open_heads, run.parameters)
    run.optimisers.step(phase, run.at)
    if bool(batch.second_copy.any()):
        now = float(each.detach()[batch.second_copy].mean())
        run.second_copy = now if math.isinf(run.second_copy) else SMOOTH * run.second_copy + (1 - SMOOTH) * now
    run.at, run.step, run.tokens = run.at + 1, run.step + 1, run.tokens + batch.tokens.numel()
    value = float(loss.detach())
    if not math.isfinite(value):
        raise BadRequest(f"the loss became {value} at step {run.step}; lower lr or muon_lr in the recipe")
    return value


def _save(run: Run, folder: Path) -> None:
    save_state(
        folder / STATE,
        {
            "recipe": repr(run.recipe),
            "bfloat16": run.bfloat16,
            "parameters": {name: value.detach() for name, value in run.parameters.items()},
            "optimisers": run.optimisers.state_dict(),
            "generator": run.generator.get_state(),
            "phase": run.phase,
            "at": run.at,
            "step": run.step,
            "tokens": run.tokens,
            "second_copy": run.second_copy,
        },
    )


def log_spaced(last: int, per_octave: int = 3) -> Iterator[int]:
    """Yield 0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, … up to ``last``: about so many steps an octave."""
    yield 0
    seen = 0
    for k in range(per_octave * 40):
        step = round(2 ** (k / per_octave))
        if step > last:
            return
        if step > seen:
            seen = step
            yield step


class _Metrics:
    """Scores at log-spaced steps as JSON lines; lines past a resumed step are dropped, so none is twice."""

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        self.moments = set(log_spaced(1 << 20)) - {1, 2, 3}
        self.began = time.monotonic()
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [line for line in lines if json.loads(line)["step"] < step]
        path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def add(self, run: Run, corpus: Corpus) -> str:
        """Measure now, write a line, and return the short form for the progress bar."""
        with torch.no_grad():
            line: dict[str, Any] = measure(as_weights(run.recipe, run.parameters, corpus.tokens), corpus)
        phase = run.recipe.phases[min(run.phase, len(run.recipe.phases) - 1)].name
        line = {"step": run.step, "tokens": run.tokens, "phase": phase, **line}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return (
            f"prev {max(line['previous'].values()):.2f} "
            f"ind {max(line['induction'].values()):.2f} text {line['text_loss']:.2f}"
        )
