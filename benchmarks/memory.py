"""The memory map, the lifetimes and the reach of a real model: the numbers of docs/open-questions.md.

    python benchmarks/memory.py smollm2        (or builtin, gemma3-270m)

Each part is written to ``benchmarks/memory-MODEL.json`` when it is done, with its processor seconds and the peak of
memory so far, and a second call goes on with what is missing; parts may be named behind the model (lifetimes, moments,
maps, reach). The corpus is the shipped one. ``python benchmarks/memory.py --page`` writes the tables of the page.
"""

import json
import resource
import sys
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
    """Where the numbers of a model are kept."""
    return HERE / f"memory-{model}.json"


def measure(model: str, only: list[str]) -> None:
    """Measure what is missing."""
    found: dict[str, Any] = json.loads(file_of(model).read_text()) if file_of(model).exists() else {}
    weights = ls.load(model)
    kept: list[Moments] = []

    def moments() -> Moments:
        if not kept:
            kept.append(ls.moments(weights, read_corpus(weights)))
        return kept[0]

    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "lifetimes": lambda: ls.lifetimes(weights).to_dict(),
        "moments": lambda: {"tokens": len(moments().tokens)},
        "maps": lambda: ls.memory_map(weights, moments()).to_dict(),
        "reach": lambda: ls.reach(weights, moments(), effect=EFFECTS).to_dict(),
    }
    for name, work in parts.items():
        if name in found or (only and name not in only):
            continue
        start, wall = time.process_time(), time.perf_counter()
        found[name] = plain(work())
        found[name]["processor_seconds"] = round(time.process_time() - start, 1)
        found[name]["seconds"] = round(time.perf_counter() - wall, 1)
        found[name]["peak_gigabytes"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)
        part = file_of(model).with_suffix(".part")
        part.write_text(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
        part.replace(file_of(model))
        print(f"{model} {name}: {found[name]['processor_seconds']} s", flush=True)


if __name__ == "__main__":
    measure(sys.argv[1], sys.argv[2:])
