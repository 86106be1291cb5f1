"""Train a recipe: resumable to the last bit, measured at log-spaced steps, nothing half-written."""

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from loadstore.errors import BadRequest
from loadstore.execution.forward import forward
from loadstore.training.batches import next_batch
from loadstore.training.corpus import Corpus
from loadstore.training.folder import claimed
from loadstore.training.history import METRICS, History, Line
from loadstore.training.metrics import measure
from loadstore.training.parameters import as_weights, close_heads
from loadstore.training.recipe import Phase, Recipe
from loadstore.training.run import Run, begin

SMOOTH = 0.9


@dataclass(frozen=True, slots=True)
class Progress:
    """What one step reports to a display: where it is, losses in nats, head scores in short, the last measured line."""

    step: int
    steps: int
    phase: str
    loss: float
    first_copy: float
    second_copy: float
    scores: str
    line: Line


def train(
    recipe: Recipe,
    corpus: Corpus,
    folder: Path,
    report: Callable[[Progress], None] = lambda _: None,
    save_every: int = 50,
    *,
    stop: Callable[[], bool] = lambda: False,
    threads: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Run:
    """Run every phase, or up to the step after which ``stop`` says so; the run is then not ``finished``.

    States and ``metrics.jsonl`` are written to ``folder``; ``tell`` takes sentences about a resumed run. Raises
    BadRequest for too little text, a folder that is in use or of another run, a full disk, and a loss that diverges.
    """
    needed = max(recipe.context, *(phase.length for phase in recipe.phases)) + 1
    for name, ids in (("to train on", corpus.train), ("held out", corpus.held_out)):
        if len(ids) < needed:
            raise BadRequest(f"there are {len(ids)} tokens {name}; at least {needed} are needed, give more text")
    with claimed(folder):
        run = begin(recipe, corpus, folder, threads, tell)
        with _said_how_to_go_on(run):
            history = History(folder / METRICS, run.step, recipe.per_octave)
            if run.saved is None:
                run.save(folder)
            _phases(run, corpus, folder, history, report, save_every, stop)
            if run.finished:
                history.add(_measured(run, corpus))
    return run


def _phases(
    run: Run,
    corpus: Corpus,
    folder: Path,
    history: History,
    report: Callable[[Progress], None],
    save_every: int,
    stop: Callable[[], bool],
) -> None:
    recipe = run.recipe
    while not run.finished:
        phase = recipe.phases[run.phase]
        while run.at < phase.steps and not run.second_copy < phase.until:
            if run.step in history.moments:
                history.add(_measured(run, corpus))
            loss, first = _step(run, phase, corpus)
            stopped = stop()
            if stopped or run.step % save_every == 0:
                run.save(folder)
            line = history.lines[-1] if history.lines else {}
            report(Progress(run.step, recipe.steps, phase.name, loss, first, run.second_copy, _short(line), line))
            if stopped:
                return
        run.phase, run.at, run.second_copy = run.phase + 1, 0, math.inf
        run.save(folder)


@contextmanager
def _said_how_to_go_on(run: Run) -> Generator[None]:
    """Add to a refusal what is safe and how to continue."""
    try:
        yield
    except BadRequest as error:
        at = "nothing was saved yet" if run.saved is None else f"the state of step {run.saved} is saved and whole"
        raise BadRequest(f"{error}. {at.capitalize()}; then run the same command again to go on") from None


def _step(run: Run, phase: Phase, corpus: Corpus) -> tuple[float, float]:
    """One batch, one update; returns the loss and the loss of tokens that no repeat makes certain, in nats."""
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
    seen = each.detach()
    if bool(batch.second_copy.any()):
        now = _mean(seen[batch.second_copy])
        run.second_copy = now if math.isinf(run.second_copy) else SMOOTH * run.second_copy + (1 - SMOOTH) * now
    run.at, run.step, run.tokens = run.at + 1, run.step + 1, run.tokens + batch.tokens.numel()
    value = float(loss.detach())
    if not math.isfinite(value):
        raise BadRequest(f"the loss became {value} at step {run.step}; lower lr or muon_lr in the recipe")
    return value, _mean(seen[~batch.second_copy])


def _mean(losses: Tensor) -> float:
    return float(losses.mean())


def _measured(run: Run, corpus: Corpus) -> Line:
    with torch.no_grad():
        line = measure(as_weights(run.recipe, run.parameters, corpus.tokens), corpus)
    phase = run.recipe.phases[min(run.phase, len(run.recipe.phases) - 1)].name
    return {"step": run.step, "tokens": run.tokens, "phase": phase, **line}


def _short(line: Line) -> str:
    """The strongest heads and the text loss in one breath; nothing for a line that an editor or a disk changed."""
    with suppress(KeyError, AttributeError, TypeError, ValueError):
        previous, induction = (max(line[role].values()) for role in ("previous", "induction"))
        return f"prev {previous:.2f} ind {induction:.2f} text {line['text_loss']:.2f}"
    return ""
