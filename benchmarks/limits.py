"""Every limit of speed and memory, measured on an idle machine and again beside a process that never waits.

    python benchmarks/limits.py [idle] [busy]    measure (half an hour), write benchmarks/limits.json, print the section
    python benchmarks/limits.py tests [idle] [busy]    likewise ``make quick`` and ``make test`` (an hour)

`limits_page.py` renders the JSON. Each measurement is a process of its own, or several; ratios are to work of the same
process, so that other load affects both sides.
"""

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from busy import beside, scores
from limits_page import FILE, Numbers, page

HERE = Path(__file__).parent
STARTS = {"help": ("-m", "loadstore", "--help"), "import": ("-c", "import loadstore"), "torch": ("-c", "import torch")}


def main(names: Sequence[str]) -> None:
    """Measure as ``names`` say, both without any, and write the numbers."""
    here = {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    found: Numbers = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    work = tests if "tests" in names else measured
    for name in [name for name in names if name != "tests"] or ("idle", "busy"):
        before = {"one thread": scores(OMP_NUM_THREADS="1")} if work is measured else {}
        with beside() if name == "busy" else nullcontext():
            found |= here | {name: found.get(name, {}) | before | work()}
        FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(page())


def measured() -> Numbers:
    """Every number but the times of tests, as the machine is now."""
    found: Numbers = {"starts": {name: _process(*words) for name, words in STARTS.items()}}
    with TemporaryDirectory() as folder:
        pages, passes = Path(folder, "report.html"), Path(folder, "passes.json")
        found["report"] = _process("-m", "loadstore", "report", "-o", str(pages))
        found["page"] = pages.stat().st_size
        found["explorer"] = statistics.median([_served() for _ in range(4)][1:])
        for what in ("gpt2", "copying", "llama"):
            found[what] = json.loads(_output(HERE / "circuits.py", what))
            print(what, found[what], flush=True)
        found["lens"] = json.loads(_output(HERE.parent / "scripts/beside", "4.3.0", HERE / "lens.py", "12", by=()))
        found["scores"] = scores()
        _output(HERE / "huggingface.py", str(passes))
        found["passes"] = json.loads(passes.read_text(encoding="utf-8"))
    print(found, flush=True)
    return found


def tests() -> Numbers:
    """Seconds of the tests, once; their output is shown."""
    found: Numbers = {}
    for target in ("quick", "test"):
        began = time.perf_counter()
        subprocess.run(["make", target], check=True, cwd=HERE.parent)
        found[f"make {target}"] = time.perf_counter() - began
        print(found, flush=True)
    return found


def _output(*words: object, by: Sequence[str] = (sys.executable,)) -> str:
    command = [*by, *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=HERE.parent).stdout


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


if __name__ == "__main__":
    main(sys.argv[1:])
