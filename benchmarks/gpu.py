"""Every kind of analysis on an accelerator, beside the processor: one command.

    python benchmarks/gpu.py            cuda if there is one
    python benchmarks/gpu.py --device cuda:1

Prints a table: seconds on the processor and on the device, their ratio, the device's memory, and the largest difference
of the results relative to the largest number. Without an accelerator it says so and exits with 1. Scores need double
precision, which MPS does not have.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

import loadstore as ls
from loadstore.model.weights import Weights

ROUNDS, TOKENS, PAIRS = 3, 512, 43
Row = tuple[str, Callable[[Weights], torch.Tensor]]


def main(arguments: list[str]) -> int:
    """Measure on the device that was asked for, or on the first of CUDA."""
    name = arguments[arguments.index("--device") + 1] if "--device" in arguments else "cuda"
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("there is no CUDA device here, so nothing was measured", file=sys.stderr)
        return 1
    for source in ("builtin", "smollm2"):
        model = ls.load(source)
        there = replace(model, device=device)
        print(f"\n{source} on {_named(device)}\n")
        print("| work | processor | device | times as fast | memory of the device | largest difference |")
        print("|---|---|---|---|---|---|")
        for what, work in _rows(model):
            (slow, expected), (fast, found) = _timed(work, model), _timed(work, there)
            apart = float((found - expected).abs().max() / expected.abs().max())
            memory = (
                f"{torch.cuda.max_memory_allocated(device) / 1e6:,.0f} MB" if device.type == "cuda" else "not measured"
            )
            print(f"| {what} | {slow:.3f} s | {fast:.3f} s | {slow / fast:.1f} | {memory} | {apart:.1e} |")
    return 0


def _rows(model: Weights) -> Iterator[Row]:
    vocab = model.architecture.vocab
    ids = torch.randint(vocab, (1, TOKENS), generator=torch.Generator().manual_seed(0))
    ids = ids[:, : model.architecture.context]
    name = "ioi" if model.name == "smollm2" else "induction"

    def numbers(table: object) -> torch.Tensor:
        return torch.as_tensor(table).nan_to_num()

    yield f"`run`, {ids.shape[1]} tokens", lambda on: ls.run(on, ids).logits.cpu()
    yield "`run` recording everything", lambda on: ls.run(on, ids, record=True).logits.cpu()
    yield "scores of all wires", lambda on: numbers(ls.subspace_scores(on).score.values)
    yield "roles of all heads", lambda on: numbers(ls.head_roles(on).induction.values)
    yield (
        "attributions of a task",
        lambda on: numbers(ls.attribute(ls.task(on, name, pairs=PAIRS, seed=0), points=2).attribution.values),
    )
    yield "traffic of all wires, 512 tokens", lambda on: numbers(ls.traffic(on, tokens=512).traffic.values)


def _timed(work: Callable[[Weights], torch.Tensor], model: Weights) -> tuple[float, torch.Tensor]:
    """Median seconds after a run that is not counted, and the result, which the processor has when the clock stops."""
    if model.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(model.device)
    result = work(model)
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        result = work(model)
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def _named(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
