"""Measure speed as ratios in one process, and write ``benchmarks/RESULTS.md``.

    make bench

The baselines are this machine's float32 matrix product and the textbook way to score (dense virtual weights, one wire
at a time, as in notebooks), both measured in the same process.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from busy import busy
from circuits import circuits
from growth import page as growth
from lens_passes import page as passes
from limits_page import page as limits
from long import page as long_prompts
from modelled import modelled
from real import real
from tables import causes, huggingface, lens

import loadstore as ls
from loadstore.model.ports import ov, qk
from loadstore.model.weights import Weights
from loadstore.sites import Head

REPEATS = 5


def median(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median seconds of several runs after a warm-up run."""
    work()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def matmul_rate(dtype: torch.dtype, size: int = 1024) -> float:
    """Multiply–add operations per second, two per term."""
    a = torch.randn(size, size, dtype=dtype)
    return 2 * size**3 / median(lambda: a @ a, 20)


def textbook(model: Weights) -> list[float]:
    """Head-to-head scores as in notebooks: dense d × d products, one wire at a time, no null."""
    shape = model.architecture
    norm = torch.linalg.matrix_norm
    out: list[float] = []
    for index in range(shape.n_heads):
        writer = ov(model, Head(0, index), "ignore").dense()
        for reading in range(shape.n_heads):
            head = Head(1, reading)
            attention, moved = qk(model, head, "ignore").dense(), ov(model, head, "ignore").dense()
            for reader in (attention, attention.mT, moved):
                out.append(float(norm(writer @ reader) / (norm(writer) * norm(reader))))
    return out


def process(*words: str) -> float:
    """Median seconds of a fresh process."""
    return median(lambda: subprocess.run([sys.executable, *words], check=True, capture_output=True), 3)


def main() -> None:
    """Measure everything and write the table."""
    model = ls.load("builtin")
    prompt = torch.randint(0, 4096, (1, 256))
    importing, torch_only = process("-c", "import loadstore"), process("-c", "import torch")
    using = process("-c", "import loadstore as ls; ls.load()")
    page = Path("build/report.html")
    page.parent.mkdir(exist_ok=True)
    reporting = process("-m", "loadstore", "report", "-o", str(page))
    whole = median(lambda: ls.subspace_scores(model))
    heads_only = median(lambda: ls.subspace_scores(model, norms="ignore", writers="L0.H*", readers="L1.H*"))
    book = median(lambda: textbook(model), 3)
    plain, recorded = median(lambda: ls.run(model, prompt)), median(lambda: ls.run(model, prompt, record=True))
    rows = [
        ("`loadstore --help`", f"{process('-m', 'loadstore', '--help'):.2f} s", "< 0.3 s"),
        ("`import loadstore`", f"{importing:.2f} s", f"torch alone {torch_only:.2f} s + 0.3 s"),
        ("import, and the built-in model loaded", f"{using:.2f} s", ""),
        (
            "`loadstore report`, from process start",
            f"{reporting:.1f} s",
            "< 10 s",
        ),
        ("the report's page", f"{page.stat().st_size / 1e6:.2f} MB", "≤ 3 MB"),
        ("all 577 wires of the built-in model, with null and ceiling", f"{whole:.2f} s", ""),
        ("its 432 head-to-head wires, with null and ceiling", f"{heads_only:.2f} s", ""),
        ("the same 432 as dense products one by one, no null", f"{book:.2f} s", f"{book / heads_only:.1f} × ours"),
        ("`run`, 256 tokens", f"{plain * 1e3:.0f} ms", ""),
        ("`run` recording everything", f"{recorded * 1e3:.0f} ms", f"{recorded / plain:.1f} × plain"),
        ("float32 matrix product", f"{matmul_rate(torch.float32) / 1e9:.0f} GFLOP/s", "the yardstick"),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    text = (
        "# Benchmarks\n\n"
        f"Made by `make bench`; medians, {torch.get_num_threads()} threads, torch {torch.__version__}.\n\n"
        f"| work | measured | beside |\n|---|---|---|\n{table}\n"
        f"{limits()}{modelled()}{circuits()}{growth()}{long_prompts()}{lens()}{passes()}{huggingface()}"
        f"{real() + busy()}{causes()}"
    )
    (Path(__file__).parent / "RESULTS.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
