"""The memory map, the lifetimes and the reach of a real model: the numbers of docs/open-questions.md.

    python benchmarks/memory.py smollm2        (or builtin, gemma3-270m; then parts, and --tokens 1024)

Each finished part is written to ``benchmarks/memory-MODEL.json``, with its seconds, those of the processor, and the
peak memory so far; a second call continues with the missing parts. The parts are lifetimes, moments, maps and reach.
The corpus is the shipped one. ``benchmarks/memory_page.py`` writes the section of the page from these files.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import loadstore as ls
from loadstore.cli.options import plain
from loadstore.corpora.corpus import read_corpus
from loadstore.wire_traffic.moments import Moments

HERE = Path(__file__).parent
MODELS = ("builtin", "smollm2", "gemma3-270m")
EFFECTS = 400  # wires that are cut for reach


def file_of(model: str) -> Path:
    """The file with the numbers of a model."""
    return HERE / f"memory-{model}.json"


def known(model: str) -> dict[str, Any]:
    """The measured parts."""
    return json.loads(file_of(model).read_text(encoding="utf-8")) if file_of(model).exists() else {}


def keep(model: str, name: str, part: dict[str, Any]) -> None:
    """Add one part to the file, which another process may have written to."""
    text = json.dumps(known(model) | {name: part}, ensure_ascii=False, separators=(",", ":"))
    new = file_of(model).with_suffix(f".{name}")
    new.write_text(text + "\n", encoding="utf-8")
    new.replace(file_of(model))


def measure(model: str, only: list[str], tokens: int | None, writers: list[str] | None) -> None:
    """Measure the missing parts."""
    weights = ls.load(model)
    kept: list[Moments] = []

    def moments() -> Moments:
        if not kept:
            kept.append(ls.statistics.moments(weights, read_corpus(weights, tokens=tokens)))
        return kept[0]

    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "lifetimes": lambda: ls.lifetimes(weights, tokens=tokens, writers=writers).to_dict() | {"asked": writers},
        "moments": lambda: {"tokens": len(moments().tokens)},
        "maps": lambda: ls.memory_map(weights, moments()).to_dict(),
        "reach": lambda: ls.reach(weights, moments(), effect=EFFECTS).to_dict(),
    }
    for name, work in parts.items():
        if name in known(model) or (only and name not in only):
            continue
        start, wall = time.process_time(), time.perf_counter()
        part = plain(work())
        part["processor_seconds"] = round(time.process_time() - start, 1)
        part["seconds"] = round(time.perf_counter() - wall, 1)
        part["peak_gigabytes"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)
        keep(model, name, part)
        print(f"{model} {name}: {part['processor_seconds']} s", flush=True)


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("model", choices=MODELS)
    words.add_argument("parts", nargs="*")
    words.add_argument("--tokens", type=int)
    words.add_argument("--writers", nargs="+", help="whose lifetimes; all if left out")
    given = words.parse_args()
    measure(given.model, given.parts, given.tokens, given.writers)
