"""Runs, circuits and attributions of SmolLM2 beside passes of ``transformers`` on the same weights and tokens.

    python benchmarks/huggingface.py [FILE]

All work is done in one process, in turns, so that other load on the machine affects all of it; ratios are taken round
by round. Memory, and the time to the first logits, are those of processes of their own. Writes ``huggingface.json``,
or another file, which `make bench` renders.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

import loadstore as ls
from loadstore.checkpoints.installed import installed
from loadstore.circuits.measured import measured
from loadstore.circuits.ranking import mask_of_first, ranking

FILE = Path(__file__).parent / "huggingface.json"
PAIRS, POINTS, TOKENS, SHARE, ROUNDS = 43, 5, 512, 0.01, 3  # 43 pairs leave 16 to find
FIRST = (
    "import loadstore as ls\n"
    "model = ls.load('smollm2')\n"
    "print(float(ls.run(model, list(range(100, 120))).logits.sum()))\n"
)
Work = dict[str, Callable[[], object]]


def rounds(work: Work, times: int = ROUNDS) -> dict[str, list[float]]:
    """Seconds of each piece of work, in turns, after a round that is not counted."""
    found: dict[str, list[float]] = {name: [] for name in work}
    for number in range(1 + times):
        for name, call in work.items():
            began = time.perf_counter()
            call()
            seconds = time.perf_counter() - began
            print(name, round(seconds, 2), flush=True)
            if number:
                found[name].append(seconds)
    return found


def reference(attention: str) -> Any:
    """The same weights in ``transformers``, without gradients of parameters."""
    logging.disable_progress_bar()
    path = installed("smollm2")
    settings = {"dtype": torch.float32, "attn_implementation": attention, "local_files_only": True}
    return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, **settings).requires_grad_(
        requires_grad=False
    )


def passes(model: ls.Weights, sdpa: Any) -> dict[str, list[float]]:
    """Plain and recorded runs."""
    ids = torch.randint(model.architecture.vocab, (1, TOKENS), generator=torch.Generator().manual_seed(0))
    eager = reference("eager")
    with torch.no_grad():
        assert (sdpa(ids).logits - ls.run(model, ids).logits).abs().max() < 1e-2
        return rounds(
            {
                "run": lambda: ls.run(model, ids),
                "sdpa": lambda: sdpa(ids),
                "recorded": lambda: ls.run(model, ids, record=True),
                "eager": lambda: eager(ids, output_attentions=True),
            }
        )


def gradients(model: ls.Weights, sdpa: Any) -> dict[str, Any]:
    """Attributions of all wires, a circuit, and the passes that they are compared with."""
    task = ls.task(model, "ioi", pairs=PAIRS, seed=0)
    pairs = task.find
    ends, each = torch.tensor(pairs.ends), torch.arange(len(pairs))

    def gradient() -> None:
        embedded = sdpa.model.embed_tokens(pairs.clean).requires_grad_()
        hidden = sdpa.model(inputs_embeds=embedded, use_cache=False).last_hidden_state
        logits = sdpa.lm_head(hidden[each, ends])
        torch.autograd.grad(pairs.measure(logits, logits).sum(), embedded)

    on = measured(pairs)
    ranked = ls.attribute(task, points=POINTS)
    mask = mask_of_first(on.live, ranking(ranked), round(SHARE * on.live.count))
    found = rounds(
        {
            "attribute": lambda: ls.attribute(task, points=POINTS),
            "gradient": gradient,
            "circuit": lambda: on.values(mask),
            "plain": lambda: ls.run(model, pairs.clean),
        }
    )
    return found | {"pairs": len(pairs), "length": pairs.clean.shape[1], "wires": on.live.count}


def alone(*words: str) -> tuple[float, str]:
    """Seconds of a process, and its output."""
    began = time.perf_counter()
    said = subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - began, said


def peak() -> dict[str, float]:
    """Resident memory of a process before and after it attributes, in bytes."""
    model = ls.load("smollm2")
    task = ls.task(model, "ioi", pairs=PAIRS, seed=0)
    ls.run(model, task.find.clean)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    ls.attribute(task, points=POINTS)
    return {"before": before, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def main(file: Path) -> None:
    """Measure, and write the numbers."""
    import transformers

    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    settings = {
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),
        "tokens": TOKENS,
        "points": POINTS,
    }
    memory = json.loads(alone(__file__, "peak")[1])
    first = min(alone("-c", FIRST)[0] for _ in range(ROUNDS))
    model, sdpa = ls.load("smollm2"), reference("sdpa")
    found = passes(model, sdpa) | gradients(model, sdpa) | {"memory": memory, "first_logits": first}
    file.write_text(json.dumps({"versions": versions, **settings, **found}, indent=1) + "\n", encoding="utf-8")
    print(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    print(json.dumps(peak())) if sys.argv[1:] == ["peak"] else main(Path(*sys.argv[1:]) if sys.argv[1:] else FILE)
