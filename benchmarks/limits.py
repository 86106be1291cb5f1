"""Every limit of speed and memory, measured on an idle machine and again beside a process that never waits.

    python benchmarks/limits.py [idle] [busy]    measure (half an hour), write benchmarks/limits.json, print the section

`make bench` renders the JSON. Each measurement is a process of its own, or several; ratios are to work of the same
process, so that other load affects both sides. ``make test`` and ``make quick`` are not measured here.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from busy import beside, scores

HERE = Path(__file__).parent
FILE = Path(__file__).with_suffix(".json")
GPT2 = 550e9  # operations of the cores route
COPYING = 2 * 50_257**2 * 64
STARTS = {"help": ("-m", "loadstore", "--help"), "import": ("-c", "import loadstore"), "torch": ("-c", "import torch")}
Numbers = dict[str, Any]


@dataclass(frozen=True)
class Limit:
    """Some work, its limit in words, its number, and the most and the least that is allowed."""

    work: str
    said: str
    of: Callable[[Numbers], float]
    unit: str
    most: float = math.inf
    least: float = -math.inf


def main(names: Sequence[str]) -> None:
    """Measure as ``names`` say, both without any, and write the numbers."""
    here = {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    found: Numbers = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    for name in names or ("idle", "busy"):
        alone = scores(OMP_NUM_THREADS="1")
        with beside() if name == "busy" else nullcontext():
            found |= here | {name: measured() | {"one thread": alone}}
        FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(page())


def measured() -> Numbers:
    """Every number, as the machine is now."""
    found: Numbers = {"starts": {name: _process(*words) for name, words in STARTS.items()}}
    with TemporaryDirectory() as folder:
        pages, passes = Path(folder, "report.html"), Path(folder, "passes.json")
        found["report"] = _process("-m", "loadstore", "report", "-o", str(pages))
        found["page"] = pages.stat().st_size
        found["explorer"] = statistics.median([_served() for _ in range(4)][1:])
        for what in ("gpt2", "copying", "llama"):
            found[what] = json.loads(_output(HERE / "circuits.py", what))
            print(what, found[what], flush=True)
        found["scores"] = scores()
        _output(HERE / "huggingface.py", str(passes))
        found["passes"] = json.loads(passes.read_text(encoding="utf-8"))
    print(found, flush=True)
    return found


def _output(*words: object) -> str:
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _process(*words: str) -> float:
    """Median seconds of a process, after one that is not counted."""
    times: list[float] = []
    for _ in range(4):
        began = time.perf_counter()
        _output(*words)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def _served() -> float:
    """Seconds from the start of the explorer's process to its first answer about the model."""
    began = time.perf_counter()
    command = (sys.executable, "-m", "loadstore", "explore", "--no-browser")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as server:
        assert server.stdout is not None
        address, key = server.stdout.readline().split()[2].split("#key=")
        headers = {"Content-Type": "application/json", "X-Loadstore-Key": key}
        body = json.dumps({"schema": "loadstore/explorer@1"}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{address}api/model", body, headers)) as answer:
            answer.read()
        seconds = time.perf_counter() - began
        server.terminate()
    return seconds


def page() -> str:
    """A section for RESULTS.md; empty unless both were measured."""
    found = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    if not found.keys() >= {"idle", "busy"}:
        return ""
    cells = [(limit.work, limit.said, *(_cell(limit, found[name]) for name in ("idle", "busy"))) for limit in LIMITS]
    rows = "\n".join(f"| {' | '.join(row)} |" for row in cells)
    return (
        "\n## Every limit, idle and beside a busy process\n\n"
        f"Made by `python benchmarks/limits.py` on {found['cores']} processors, load {found['load']} before; the busy "
        "process never waits. A number beyond its limit is followed by how far. Why limits are missed: "
        "[docs/speed.md](../docs/speed.md).\n\n"
        f"| work | limit | idle | beside a busy process |\n|---|---|---|---|\n{rows}\n"
    )


def _cell(limit: Limit, now: Numbers) -> str:
    """A number, and by how much it misses its limit."""
    value = limit.of(now)
    shown = f"{value:.0%}" if limit.unit == "%" else f"{value:.2f} {limit.unit}"
    if value > limit.most:
        return f"{shown} (**{value / limit.most:.2f} × the limit**)"
    return f"{shown} (**{value / limit.least:.2f} × the limit**)" if value < limit.least else shown


def _passes(work: str, yardstick: str, times: int = 1) -> Callable[[Numbers], float]:
    """The median over rounds of some work beside ``times`` passes of a yardstick."""

    def ratio(now: Numbers) -> float:
        each = zip(now["passes"][work], now["passes"][yardstick], strict=True)
        return statistics.median(mine / theirs / times for mine, theirs in each)

    return ratio


def _cores(now: Numbers) -> float:
    return now["gpt2"]["seconds"] * now["gpt2"]["rate"] / GPT2


def _cheaper(now: Numbers) -> float:
    shape = now["llama"]
    return shape["seconds"] * shape["rate"] / (2 * (shape["terms"] + shape["dense"]))


def _copying(now: Numbers) -> float:
    return COPYING / now["copying"]["rate"] / now["copying"]["seconds"]


def _busy(now: Numbers) -> float:
    return now["scores"] / now["one thread"]


def _import(now: Numbers) -> float:
    return now["starts"]["import"] - now["starts"]["torch"]


LIMITS = (
    Limit("scores of GPT-2's shape beside the arithmetic of the cores route", "≤ .8 ×", _cores, "×", 0.8),
    Limit("the same, memory above the weights", "< 500 MB", lambda now: now["gpt2"]["peak"] / 1e6, "MB", 500),
    Limit("scores of 4 layers of a 7B shape beside the cheaper route's arithmetic", "≤ 1.3 ×", _cheaper, "×", 1.3),
    Limit("the same, anonymous memory", "< 6 GB", lambda now: now["llama"]["peak"] / 1e9, "GB", 6),
    Limit("scores of SmolLM2 beside one idle thread", "< 2.5 ×", _busy, "×", 2.5),
    Limit("copying of a head, 50,257 tokens, at the rate of products", "≥ 70 %", _copying, "%", least=0.7),
    Limit("the same, memory", "< 1 GB", lambda now: now["copying"]["peak"] / 1e9, "GB", 1),
    Limit("`attribute` beside 5 passes with gradients", "≤ 3 ×", _passes("attribute", "gradient", 5), "×", 3),
    Limit("the same, memory of the process", "< 2 GB", lambda now: now["passes"]["memory"]["peak"] / 1e9, "GB", 2),
    Limit("a circuit of 1 % of the wires beside a plain run", "≤ 2 ×", _passes("circuit", "plain"), "×", 2),
    Limit("`run`, 512 tokens, beside `transformers`, SDPA", "≤ 1.15 ×", _passes("run", "sdpa"), "×", 1.15),
    Limit("`run` recording everything beside eager attention", "≤ 1 ×", _passes("recorded", "eager"), "×", 1),
    Limit("`loadstore --help`", "< .3 s", lambda now: now["starts"]["help"], "s", 0.3),
    Limit("`import loadstore`", "< torch's + .3 s", _import, "s", 0.3),
    Limit("`loadstore report`, built-in model", "< 10 s", lambda now: now["report"], "s", 10),
    Limit("its page", "≤ 3 MB", lambda now: now["page"] / 1e6, "MB", 3),
    Limit("`loadstore explore`, process start to its first answer", "none", lambda now: now["explorer"], "s"),
    Limit("SmolLM2, process start to logits of 20 tokens", "< 6 s", lambda now: now["passes"]["first_logits"], "s", 6),
)


if __name__ == "__main__":
    main(sys.argv[1:])
