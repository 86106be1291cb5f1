"""Recorded runs and attribution patching of GPT-2's shape beside TransformerLens.

    make lens

Both tools have the same random float32 weights and tokens and take turns in one process. Attribution patching of
TransformerLens is that of its demonstrations: a clean and a counterfactual run that keep values, a backward pass of
the clean one, and their difference times the gradient, of what every head and MLP stores. Ours is ``ls.attribute`` by
the same gradient, of every wire. The wires of a writer sum to TransformerLens' number. Writes ``lens_passes.json``.
"""

import json
import os
import statistics
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from shapes import random_gpt2

import loadstore as ls

FILE = Path(__file__).with_suffix(".json")
ROUNDS, TOKENS, PAIRS, LENGTH, GOOD, BAD = 5, 512, 16, 15, 11, 12
WORK = {
    "run": f"a run that records everything, {TOKENS} tokens",
    "patching": f"attribution patching, {PAIRS} pairs of {LENGTH} tokens",
}


def pairs() -> tuple[torch.Tensor, torch.Tensor]:
    """Random clean prompts, and the same with another token in the middle."""
    clean = torch.randint(100, 50_000, (PAIRS + 2, LENGTH), generator=torch.Generator().manual_seed(0))
    other = clean.clone()
    other[:, LENGTH // 2] += 7
    return clean, other


def theirs(model: Any, clean: torch.Tensor, other: torch.Tensor) -> dict[str, torch.Tensor]:
    """Attributions of what heads and MLPs store, means over pairs, by their names in loadstore."""
    names = [f"blocks.{layer}.{at}" for layer in range(model.cfg.n_layers) for at in ("attn.hook_z", "hook_mlp_out")]
    kept: dict[str, torch.Tensor] = {}
    others: dict[str, torch.Tensor] = {}
    gradients: dict[str, torch.Tensor] = {}

    def into(place: dict[str, torch.Tensor]) -> list[tuple[str, Any]]:
        """Hooks that keep values under these names; a hook itself is known by another name."""

        def keeping(name: str) -> Any:
            return lambda value, hook: place.__setitem__(name, value.detach())

        return [(name, keeping(name)) for name in names]

    with torch.no_grad(), model.hooks(into(others)):
        model(other)
    with torch.enable_grad(), model.hooks(into(kept), into(gradients)):
        logits = model(clean)[:, -1]
        (logits[:, GOOD] - logits[:, BAD]).sum().backward()
    model.zero_grad()
    found: dict[str, torch.Tensor] = {}
    for name in names:
        part = ((kept[name] - others[name]) * gradients[name]).view(PAIRS, LENGTH, -1)
        layer = int(name.split(".")[1])
        if name.endswith("mlp_out"):
            found[f"L{layer}.mlp"] = part.sum((1, 2)).mean()
            continue
        for head, value in enumerate(part.unflatten(-1, (model.cfg.n_heads, -1)).sum((1, 3)).mean(0)):
            found[f"L{layer}.H{head}"] = value
    return found


def main() -> None:
    """Measure in turns, and write the numbers."""
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    live = random_gpt2()
    ours, lens = ls.load(live), build_bridge_from_module(live, "GPT2LMHeadModel", hf_config=live.config)
    ids = torch.randint(100, 50_000, (1, TOKENS), generator=torch.Generator().manual_seed(1))
    clean, other = pairs()
    metric = ls.logit_difference([GOOD] * len(clean), [BAD] * len(clean))
    splits = ("find",) * PAIRS + ("choose", "judge")  # a task has all three
    given = ls.Task(ours, clean.tolist(), other.tolist(), metric, splits=splits)
    clean, other = clean[:PAIRS], other[:PAIRS]
    work = {
        "run": (lambda: ls.run(ours, ids, record=True), torch.no_grad()(lambda: lens.run_with_cache(ids))),
        "patching": (lambda: ls.attribute(given, method="eap", points=1), lambda: theirs(lens, clean, other)),
    }
    found: dict[str, Any] = {
        "versions": {name: version(name) for name in ("torch", "transformer-lens", "transformers")},
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "wires": int(ls.attribute(given, method="eap", points=1).sizes["wire"]),
    }
    with torch.no_grad():
        logits = ls.run(ours, ids).logits
        found["logits"] = float((lens(ids)[0] - logits).abs().max() / logits.abs().max())
    found["attributions"] = apart(ls.attribute(given, method="eap", points=1), theirs(lens, clean, other))
    for name, calls in work.items():
        rounds = [[_seconds(call) for call in calls] for _ in range(1 + ROUNDS)][1:]
        found[name] = {"ours": [mine for mine, _ in rounds], "theirs": [their for _, their in rounds]}
        print(name, found[name], flush=True)
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(page())


def apart(ranked: Any, theirs: dict[str, torch.Tensor]) -> float:
    """The largest difference between a writer's wires, summed, and TransformerLens' number, over the largest."""
    sums = ranked.signed.groupby("writer").sum()
    return max(abs(float(sums.sel(writer=name)) - float(value)) for name, value in theirs.items()) / max(
        abs(float(value)) for value in theirs.values()
    )


def _seconds(call: Any) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def page() -> str:
    """A section for RESULTS.md; empty if nothing was measured."""
    if not FILE.exists():
        return ""
    found = json.loads(FILE.read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    rows = "\n".join(f"| {work} | {_row(found[name])} |" for name, work in WORK.items())
    return (
        "\n### Runs and attribution patching beside TransformerLens\n\n"
        "Made by `make lens`. GPT-2 small's shape, 12 layers, the same random float32 weights and tokens, in one "
        "process and in turns. TransformerLens attributes to what 144 heads and 12 MLPs store, "
        f'`ls.attribute(method="eap", points=1)` to {found["wires"]:,} wires by the same gradient.\n\n'
        f"{versions}; {found['threads']} threads on {found['cores']} cores, load {found['load']} before; medians of "
        f"{ROUNDS} rounds after one that is not counted, with their range.\n\n"
        f"| work | ours | TransformerLens | its time ÷ ours |\n|---|---|---|---|\n{rows}\n\n"
        f"Logits differ by at most {found['logits']:.0e} of the largest. The wires of a writer sum to TransformerLens' "
        f"number of it within {found['attributions']:.0e} of the largest.\n"
    )


def _row(found: dict[str, list[float]]) -> str:
    ratios = [their / mine for mine, their in zip(found["ours"], found["theirs"], strict=True)]
    return " | ".join([*(_spread(found[name], " s") for name in ("ours", "theirs")), _spread(ratios, " ×")])


def _spread(values: list[float], unit: str) -> str:
    return f"{statistics.median(values):.2f}{unit} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
