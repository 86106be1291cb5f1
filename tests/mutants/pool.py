"""Trials of many mutants, as many at a time as there are copies of the project, with the time left."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from mutants.catalogue import Mutant
from mutants.copies import broken
from mutants.trial import Outcome, Trial

PAUSE = 0.05  # seconds between looks at the trials that run


@dataclass(frozen=True)
class Running:
    """A trial, the mutant it tries, and what mends its copy."""

    mutant: Mutant
    copy: Path
    trial: Trial
    mending: ExitStack


def try_all(
    mutants: Sequence[Mutant],
    copies: Sequence[Path],
    expected: Mapping[str, float],
    done: Callable[[Mutant, Outcome, float], None],
    *,
    limit: float,
) -> None:
    """Try mutants, those that are expected to be quick first.

    Args:
        mutants: The mutants, with different names. One without a file leaves the copy whole.
        copies: Private copies of the project; one trial at a time runs in each.
        expected: Seconds that each mutant is expected to take, by name.
        done: Called after each trial with the mutant, its outcome, and the seconds that all others may still take.
        limit: Seconds after which a trial is killed.
    """
    todo = sorted(mutants, key=lambda mutant: expected[mutant.name], reverse=True)
    total = left = sum(expected[mutant.name] for mutant in mutants)
    free, running, start = list(copies), list[Running](), time.monotonic()
    try:
        while todo or running:
            while todo and free:
                running.append(_start(todo.pop(), free.pop(), limit))
            time.sleep(PAUSE)
            for one in list(running):
                if (outcome := one.trial.outcome()) is None:
                    continue
                one.mending.close()
                running.remove(one)
                free.append(one.copy)
                left -= expected[one.mutant.name]
                done(one.mutant, outcome, (time.monotonic() - start) * left / max(total - left, 1e-9))
    finally:
        for one in running:
            one.trial.kill()
            one.mending.close()


def _start(mutant: Mutant, copy: Path, limit: float) -> Running:
    mending = ExitStack()
    if mutant.file:
        mending.enter_context(broken(copy, mutant))
    return Running(mutant, copy, Trial(copy, mutant.tests, limit=limit, broken=bool(mutant.file)), mending)
