"""SmolLM2 beside a busy process: scores and report, as ratios to an idle machine.

    python benchmarks/busy.py

Also a section of ``make bench``. The one-thread times are measured in a separate process with OMP_NUM_THREADS=1.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext

PROMPT = "When Mary and John went to the store, John gave a drink to"
ROUNDS = 3
SCORES = """
import time
import loadstore as ls
model = ls.load("smollm2")
ls.subspace_scores(model)
began = time.perf_counter()
ls.subspace_scores(model)
print(time.perf_counter() - began)
"""


def busy() -> str:
    """A section for RESULTS.md."""
    alone, quiet, beside = scores(OMP_NUM_THREADS="1"), scores(), scores(other=True)
    spinning = scores(other=True, OMP_WAIT_POLICY="ACTIVE")
    idle, loaded = report(), report(other=True)
    rows = [
        ("all scores, one thread, quiet machine", f"{alone:.1f} s", ""),
        ("all scores, quiet machine", f"{quiet:.1f} s", ""),
        ("all scores, beside a busy process", f"{beside:.1f} s, {beside / alone:.1f} × one thread alone", "< 2.5 ×"),
        ("the same where waiting threads spin (OMP_WAIT_POLICY=ACTIVE)", f"{spinning:.1f} s", ""),
        ("`loadstore report`, quiet machine", f"{idle:.0f} s", "< 60 s"),
        ("`loadstore report`, beside a busy process", f"{loaded:.0f} s, {loaded / idle:.1f} × quiet", "< 4 ×"),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return (
        "\n## SmolLM2 beside a busy process\n\n"
        f"{os.cpu_count()} processors, one of them wanted by a process that never waits. Medians of {ROUNDS} processes "
        f"for scores, one process for each report.\n\n| work | measured | limit |\n|---|---|---|\n{table}\n"
    )


def scores(*, other: bool = False, **settings: str) -> float:
    """Median seconds of all subspace scores, warm, over several processes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "MKL_"))}
    times: list[float] = []
    with beside() if other else nullcontext():
        for _ in range(ROUNDS):
            command = [sys.executable, "-c", SCORES]
            done = subprocess.run(command, env=kept | settings, check=True, capture_output=True, text=True)
            times.append(float(done.stdout))
    return statistics.median(times)


def report(*, other: bool = False) -> float:
    """Seconds of a report from process start."""
    command = [sys.executable, "-m", "loadstore", "report", "smollm2", "--prompt", PROMPT, "-o", "build/busy.html"]
    with beside() if other else nullcontext():
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - began


@contextmanager
def beside() -> Generator[None]:
    """Keep one processor busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    os.makedirs("build", exist_ok=True)
    print(busy())
