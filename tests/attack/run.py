"""Run parts of the attack, each in a process of its own so that one that dies is a failure with a name, and count."""

import argparse
import faulthandler
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from attack.tally import FAILED, OUTCOMES, Tally

PARTS = ("models", "functions", "commands", "questions", "files")
TESTS = Path(__file__).resolve().parent.parent
PATIENCE = 120.0  # seconds that a part may take beyond its share, for the try that is running when its time is up


def main(words: Sequence[str] | None = None) -> int:
    """Run the parts that are named; returns the exit code."""
    asked = _parser().parse_args(words)
    parts = asked.parts or list(PARTS)
    if asked.alone is not None:
        _here(parts[0], asked.seed, asked.minutes, asked.alone).save(asked.alone)
        return 0
    if asked.few:
        tallies = [_here(part, asked.seed, few=True) for part in parts]
    else:
        tallies = [apart(part, asked.seed, asked.minutes / len(parts)) for part in parts]
    print(table(tallies, asked.seed))
    failures = [failure for tally in tallies for failure in tally.failures]
    print("\n".join(["", f"{len(failures)} failures", *failures]))
    return 1 if failures else 0


def table(tallies: Sequence[Tally], seed: int) -> str:
    """What was tried, how often, and the outcomes."""
    lines = [f"seed {seed}", "", f"{'part':10} {'what':44} {'tried':>8} " + " ".join(f"{o:>16}" for o in OUTCOMES)]
    for tally in tallies:
        for what in sorted({what for what, _ in tally.counts}):
            numbers = [tally.counts[what, outcome] for outcome in OUTCOMES]
            lines.append(f"{tally.part:10} {what:44} {sum(numbers):8,} " + " ".join(f"{n:16,}" for n in numbers))
    numbers = [sum(n for t in tallies for (_, made), n in t.counts.items() if made == outcome) for outcome in OUTCOMES]
    return "\n".join([*lines, f"{'all':55} {sum(numbers):8,} " + " ".join(f"{n:16,}" for n in numbers)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="attack.py", description="Attack loadstore as a stranger would.")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="parts to run; all by default", metavar="PART")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=10.0, help="for all parts together")
    parser.add_argument("--few", action="store_true", help="a few tries of everything, whatever the time")
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    return parser


def apart(part: str, seed: int, minutes: float) -> Tally:
    """Run one part in a process of its own."""
    with TemporaryDirectory() as folder:
        counted = Path(folder, "tally.json")
        words = [part, "--seed", str(seed), "--minutes", str(minutes), "--alone", str(counted)]
        paths = [str(TESTS), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        command = [sys.executable, "-m", "attack.run", *words]
        try:
            done = subprocess.run(command, env=environment, check=False, timeout=minutes * 60 + PATIENCE)
            ended = done.returncode
        except subprocess.TimeoutExpired:
            ended = "no end in time"
        if counted.exists() and ended == 0:
            return Tally.of(json.loads(counted.read_text(encoding="utf-8")))
        last = counted.with_suffix(".last")
        tally = Tally(part)
        where = last.read_text(encoding="utf-8") if last.exists() else "its beginning"
        tally.count("the whole part", FAILED, where, f"the process ended with {ended}")
        return tally


def _here(part: str, seed: int, minutes: float = 0.0, counted: Path | None = None, *, few: bool = False) -> Tally:
    """Run one part in this process."""
    import torch

    faulthandler.enable()
    torch.set_num_threads(1)
    last = None if counted is None else counted.with_suffix(".last")
    tally = Tally(part, time.monotonic() + minutes * 60, last)
    importlib.import_module(f"attack.{part}").attack(tally, seed, few=few)
    return tally


if __name__ == "__main__":
    sys.exit(main())
