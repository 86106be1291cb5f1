"""A real model, SmolLM2-135M in four bits: traffic of every wire, an address, the report; time and memory."""

import subprocess
import sys
import time
from pathlib import Path

import torch

import loadstore as ls
from loadstore.checkpoints.installed import installed

PROMPT = "When Mary and John went to the store, John gave a drink to"
TOKENS = 2000
Row = tuple[str, str, str]


def real() -> str:
    """A section for RESULTS.md."""
    rows = [_wires(), *(_address(tokens) for tokens in (20, 200)), _report()]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    size = installed("smollm2").stat().st_size
    return (
        f"\n## SmolLM2-135M (30 layers × 9 heads, {size / 1e6:.0f} MB of Q4_1)\n\n"
        "Each once, in a process of its own but for addresses. Peak: anonymous memory, mapped files not counted.\n\n"
        f"| work | measured | limit |\n|---|---|---|\n{table}\n"
    )


def _wires() -> Row:
    seconds, peak = watched("wires", "smollm2", "--tokens", str(TOKENS), "--top", "1", "-o", "build/wires.csv")
    what = f"`loadstore wires`: alignment and traffic of all wires, {TOKENS:,} tokens"
    return what, f"{seconds:.0f} s, peak {peak / 1e9:.2f} GB", "< 240 s, < 2 GB"


def _report() -> Row:
    page = Path("build/real.html")
    seconds, peak = watched("report", "smollm2", "--prompt", PROMPT, "-o", str(page))
    measured = f"{seconds:.0f} s, peak {peak / 1e9:.2f} GB, {page.stat().st_size / 1e6:.1f} MB"
    return "`loadstore report`", measured, "< 90 s, ≤ 5 MB"


def _address(tokens: int) -> Row:
    """Seconds for the address of the last token, median over heads of all depths; the run is not counted."""
    model = ls.load("smollm2")
    ids = torch.randint(model.architecture.vocab, (tokens,), generator=torch.Generator().manual_seed(0))
    trace = ls.run(model, ids, record=True)
    times: list[float] = []
    for layer in range(2, model.architecture.n_layers, 4):
        began = time.perf_counter()
        ls.address(trace, f"L{layer}.H6", tokens - 1)
        times.append(time.perf_counter() - began)
    return f"an address after a run of {tokens} tokens", f"{min(times):.2f} to {max(times):.2f} s", "< 1 s"


def watched(*words: str) -> tuple[float, int]:
    """Seconds and peak anonymous bytes of one command."""
    began, peak = time.perf_counter(), 0
    process = subprocess.Popen([sys.executable, "-m", "loadstore", *words], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        found = [int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon")]
        peak = max([peak, *found])
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"loadstore {' '.join(words)} ended with {process.returncode}")
    return time.perf_counter() - began, peak


if __name__ == "__main__":
    print(real())
