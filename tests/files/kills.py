"""Commands that are killed at random moments; run as ``python kills.py FOLDER KILLS``.

A program of its own, because it forks: it imports everything once and never computes, so that every child starts at
once. Each of five commands is killed KILLS times, by SIGKILL and SIGTERM in turn, then run to its end. Prints what
happened as JSON, and ends with a sentence at the first file that is half-written, wrong or left behind.
"""

import importlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from hostile import WORDS, small, words
from safetensors import safe_open

from loadstore import cli
from loadstore.checkpoints.families.own import save_weights
from loadstore.part_files import SUFFIX
from loadstore.scores import resume
from loadstore.tokenizer.tokens import Tokens
from loadstore.training import run as training

LATE = ("xarray", "pandas", "loadstore.report.page", "loadstore.evidence.wires", "loadstore.training.loop")
LATE += ("loadstore.report.swept", "loadstore.sweep.local", "loadstore.sweep.on_ray")
for late in (*LATE, "loadstore.training.prepare", "loadstore.training.export", "loadstore.scores.scores"):
    importlib.import_module(late)
RECIPE = Path(__file__).parents[1] / "training" / "small.toml"
COMMANDS = {
    "report": ("report m.safetensors --ids 0,1,2,3,0,1,2,3 -o result.html", "result.html"),
    "scores": ("scores m.safetensors --resume kept.npz -o result.csv", "result.csv"),
    "traffic": ("wires m.safetensors --corpus words -o result.csv", "result.csv"),
    "sweep": ("sweep --models m.safetensors other.safetensors --analysis scores,heads,tasks --workers 0 -o out", "out"),
    "training": (f"train {RECIPE} text -o run --threads 1", "run/small.safetensors"),
}
OLD = b"an older result"


def fork(line: str) -> int:
    """Run a command in a child, silently."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        torch.set_num_threads(1)
        training.faster_in_bfloat16 = lambda: False
        resume.EVERY = -1.0  # saved at every step
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        sys.argv = ["loadstore", *line.split()]
        cli.main()
        code = 0
    except SystemExit as left:
        code = int(str(left.code or 0))
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """The exit code of a child, or less than 0 where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def given(folder: Path) -> None:
    """A working folder with a model, a text and a folder of texts."""
    folder.mkdir(parents=True)
    os.chdir(folder)
    model = small()
    tokens = Tokens.from_json(words(WORDS).to_str(), None, model.architecture.vocab, "words")
    save_weights(replace(model, tokens=tokens), folder / "m.safetensors")
    save_weights(replace(model, W_E=-model.W_E, tokens=tokens), folder / "other.safetensors")
    Path("words").write_text("the cat sat on the mat " * 40, encoding="utf-8")
    Path("text").mkdir()
    for i in range(100):
        Path(f"text/{i}.txt").write_text(f"the cat {i} sat on the mat {i}", encoding="utf-8")


def content(path: Path) -> object:
    """What is in a file, or in each of a folder; of a model tensors and facts, for the order of its facts is chance."""
    if path.is_dir():
        whole = [file for file in sorted(path.rglob("*")) if file.is_file() and file.suffix != SUFFIX]
        return {str(file): file.read_bytes() for file in whole}
    if not path.exists():
        return None
    if path.suffix != ".safetensors":
        return path.read_bytes()
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name).tolist() for name in file.keys()}, file.metadata()  # noqa: SIM118


def is_part(now: object, whole: object) -> bool:
    """Whether some files of a folder are those of the whole one."""
    return isinstance(now, dict) and isinstance(whole, dict) and now.items() <= whole.items()


def parts() -> list[str]:
    return [str(path) for path in Path().rglob(f".*{SUFFIX}")]


def check(*, holds: bool, what: str) -> None:
    if not holds:
        sys.exit(f"{Path.cwd()}: {what}")


def main(folder: Path, kills: int) -> None:
    began = time.monotonic()
    chance, hit = random.Random(17), Counter[str]()
    for name, (line, target) in COMMANDS.items():
        given(folder / name / "undisturbed")
        start = time.monotonic()
        check(holds=ended(fork(line)) == 0, what="the undisturbed run failed")
        whole, seconds = content(Path(target)), time.monotonic() - start
        for turn in range(kills):
            given(folder / name / str(turn))
            before = OLD if name not in ("training", "sweep") else None
            if before is not None:
                Path(target).write_bytes(before)
                Path(target).chmod(0o600)
            number = signal.SIGTERM if turn % 2 else signal.SIGKILL
            child = fork(line)
            time.sleep(chance.uniform(0, seconds))
            os.kill(child, number)
            code = ended(child)
            expected = (0, 143, -signal.SIGTERM) if turn % 2 else (0, -signal.SIGKILL)
            check(holds=code in expected, what=f"{name}: exit {code} after signal {number}")
            hit[f"{name}: {'done before' if code == 0 else signal.Signals(number).name}"] += 1
            now = content(Path(target))
            check(holds=now in (before, whole) or is_part(now, whole), what=f"{target} is half-written")
            check(holds=code != 143 or not parts(), what=f"SIGTERM left {parts()}")
            check(holds=ended(fork(line)) == 0, what=f"{name}: the next run failed")
            check(holds=content(Path(target)) == whole, what=f"the next run's {target} is wrong")
            check(holds=not parts() and not Path("kept.npz").exists(), what=f"{parts()} or kept.npz was left behind")
            check(holds=before is None or Path(target).stat().st_mode & 0o777 == 0o600, what="the mode is not kept")
    print(json.dumps({"hit": dict(sorted(hit.items())), "seconds": round(time.monotonic() - began)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]))
