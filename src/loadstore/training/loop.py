"""Train a recipe: resumable to the last bit, measured at log-spaced steps, nothing half-written."""

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from loadstore.errors import BadRequest
from loadstore.training.checkpoints import keep, steps_kept
from loadstore.training.corpus import Corpus
from loadstore.training.folder import claimed
from loadstore.training.group import ALONE, Group
from loadstore.training.history import METRICS, History, Line
from loadstore.training.metrics import measure
from loadstore.training.parameters import as_weights
from loadstore.training.recipe import Recipe
from loadstore.training.run import Run, begin
from loadstore.training.step import take_step
from loadstore.training.tensorboard import board


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
    group: Group = ALONE,
) -> Run:
    """Run every phase, or up to the step after which ``stop`` says so; the run is then not ``finished``.

    The first process of ``group`` writes states, ``metrics.jsonl`` and checkpoints to ``folder``; ``tell`` takes
    sentences about a resumed run. Raises BadRequest for too little text, a folder that is in use or of another run, a
    full disk, and a loss that diverges.
    """
    needed = max(recipe.context, *(phase.length for phase in recipe.phases)) + 1
    for name, ids in (("to train on", corpus.train), ("held out", corpus.held_out)):
        if len(ids) < needed:
            raise BadRequest(f"there are {len(ids)} tokens {name}; at least {needed} are needed, give more text")
    with claimed(folder) if group.first else nullcontext():
        run = begin(recipe, corpus, folder, threads, tell, group)
        with _said_how_to_go_on(run):
            notes = Notes(run, corpus, folder) if group.first else None
            if run.saved is None:
                run.save(folder)
            _phases(run, corpus, folder, notes, report, save_every, stop)
            if run.finished and notes is not None:
                notes.take(run, last=True)
    return run


class Notes:
    """What the first process writes besides the state: measured lines and checkpoints, each at its moments."""

    def __init__(self, run: Run, corpus: Corpus, folder: Path) -> None:
        self.corpus, self.folder = corpus, folder
        self.history = History(folder / METRICS, run.step, run.recipe.per_octave)
        self.kept = steps_kept(run.recipe)
        self.board = board(folder, run.step)

    @property
    def line(self) -> Line:
        """The last measured line."""
        return self.history.lines[-1] if self.history.lines else {}

    def take(self, run: Run, *, last: bool = False) -> None:
        """Write what is due at the step of a run. Raises BadRequest when the disk refuses."""
        if last or run.step in self.history.moments:
            line = _measured(run, self.corpus)
            self.history.add(line)
            self.board(line)
        if run.step in self.kept or (last and self.kept):
            keep(run, self.corpus, self.folder)


def _phases(
    run: Run,
    corpus: Corpus,
    folder: Path,
    notes: Notes | None,
    report: Callable[[Progress], None],
    save_every: int,
    stop: Callable[[], bool],
) -> None:
    recipe = run.recipe
    while not run.finished:
        phase = recipe.phases[run.phase]
        while run.at < phase.steps and not run.second_copy < phase.until:
            if notes is not None:
                notes.take(run)
            loss, first = take_step(run, phase, corpus)
            stopped = run.group.any(here=stop())
            if stopped or run.step % save_every == 0:
                run.save(folder)
            line = {} if notes is None else notes.line
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
