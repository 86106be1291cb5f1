"""Train a tiny recipe in processes that are killed at random moments; run as ``python kills.py FOLDER KILLS RECIPE``.

A program of its own, because it forks: it loads torch once and never computes, so that every child starts at once
with no threads behind it. Prints what the kills hit as JSON.
"""

import importlib
import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loadstore.training import run
from loadstore.training.loop import train
from loadstore.training.recipe_file import read_recipe
from loadstore.training.synthetic import made_up_words

for slow in ("torch._dynamo", "xarray", "pandas"):  # what training imports late, once for all children
    importlib.import_module(slow)
RECIPE = read_recipe(Path(__file__).with_name(sys.argv[3]))
CORPUS = made_up_words(RECIPE.vocab)
PLANNED = ("state begun", "state written", "state about to be moved", "line torn")
TIMED = "some moment"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fatal(kind: str, countdown: int) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that kills this very process inside its so manyth write of a kind."""
    left = [countdown]
    sync = os.fsync

    def fsync(handle: int) -> None:
        sync(handle)
        sys.audit("kills.fsync", os.readlink(f"/proc/self/fd/{handle}"), None, 0)

    os.fsync = fsync

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("open", "os.rename", "kills.fsync"):
            return
        name, mode, appends = str(arguments[0]), arguments[1], event == "open" and arguments[2] & os.O_APPEND
        part = name.endswith(".part")
        here = {
            "state begun": event == "open" and part and str(mode)[0] == "r",
            "state written": event == "kills.fsync" and part,
            "state about to be moved": event == "os.rename" and part,
            "line torn": mode is None and appends and name.endswith("metrics.jsonl"),
        }
        if not here[kind]:
            return
        left[0] -= 1
        if left[0] == 0:
            if kind in ("state begun", "line torn"):
                left[0] = -1
                handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.write(handle, b'{"step": 1, "tok')
            die()

    return hook


def fork(folder: Path, hook: Callable[[str, tuple[Any, ...]], None] | None = None) -> int:
    """Train or resume in a child."""
    child = os.fork()
    if child:
        return child
    try:
        run.faster_in_bfloat16 = lambda: False
        if hook is not None:
            sys.addaudithook(hook)
        train(RECIPE, CORPUS, folder, save_every=2, threads=2)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def killed(child: int) -> bool:
    """Wait for a child; whether it was killed. Anything but that and success ends this program."""
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    if os.WEXITSTATUS(status) != 0:
        sys.exit("a resumed run failed")
    return False


def main(folder: Path, kills: int) -> None:
    began = time.monotonic()
    killed(fork(folder / "undisturbed"))
    whole = time.monotonic() - began
    chance = random.Random(5)
    hit: Counter[str] = Counter()
    runs = 0
    while hit.total() < kills:
        runs += 1
        if runs > kills:
            sys.exit(f"the kills do not hit: {hit}")
        while True:
            kind = chance.choice((TIMED, *PLANNED)) if hit.total() < kills else "none"
            if kind == TIMED:
                child = fork(folder / f"run {runs}")
                time.sleep(chance.uniform(0, whole / 3))
                os.kill(child, signal.SIGKILL)
            else:
                hook = fatal(kind, chance.randint(1, 7)) if kind in PLANNED else None
                child = fork(folder / f"run {runs}", hook)
            if not killed(child):
                break
            hit[kind] += 1
    print(json.dumps({"hit": hit, "runs": runs, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
