"""Sections of RESULTS.md from numbers of `make causes`, `make lens` and benchmarks/huggingface.py."""

import json
from pathlib import Path
from statistics import median
from typing import Any

NAMES = {
    "score": "composition score",
    "z": "z",
    "alignment": "alignment",
    "product": "‖A B‖, not normalised",
    "kernel": "projection kernel",
    "factorised": "**traffic, factorised**",
    "exact": "traffic, token by token",
}


def causes() -> str:
    """A section with a table for every measured model; empty if there is none."""
    files = sorted(Path(__file__).parent.glob("causes-*.json"))
    if not files:
        return ""
    parts = [
        "\n## Which numbers predict what a cut does\n\n"
        "Made by `make causes`; see [docs/what-predicts-a-cut.md](../docs/what-predicts-a-cut.md). AUC for the largest "
        "twentieth of effects / rank correlation, each with its 95 % interval over readers.\n"
    ]
    for file in files:
        found = json.loads(file.read_text(encoding="utf-8"))
        groups: dict[str, Any] = found["groups"]
        parts.append(
            f"\n### {found['model']}\n\nMoments from {found['tokens']:,} tokens of the shipped corpus, effects on "
            f"{found['prompts']} other prompts.\n\n| wires | {' | '.join(NAMES.values())} |\n"
            f"|---{'|---' * len(NAMES)}|\n"
        )
        for label, group in groups.items():
            cells = [_cell(group["measures"][name]) for name in NAMES]
            parts.append(f"| {label} ({group['wires']:,} into {group['readers']}) | {' | '.join(cells)} |\n")
    return "".join(parts)


def _cell(numbers: dict[str, list[float]]) -> str:
    (auc, low, high), (rank, least, most) = numbers["auc"], numbers["rank"]
    return f"{auc:.2f} ({low:.2f}–{high:.2f}) / {rank:.2f} ({least:.2f}–{most:.2f})"


def lens() -> str:
    """A section on TransformerLens' scores of the same wires; empty if it was not measured."""
    file = Path(__file__).parent / "lens.json"
    if not file.exists():
        return ""
    found = json.loads(file.read_text(encoding="utf-8"))
    depths: list[dict[str, Any]] = found["depths"]
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    errors = {name: max(depth[name]["error"] for depth in depths) for name in ("loadstore", "lens")}
    worst = max(depth["difference"] for depth in depths)
    fast = [str(depth["layers"]) for depth in depths if depth["ratio"] >= 10]
    most = max(depth["loadstore"]["peak"] for depth in depths)
    rows = "\n".join(f"| {' | '.join(_depth(depth))} |" for depth in depths)
    asked = ", ".join(str(depth["layers"]) for depth in depths)
    return (
        "\n## Beside TransformerLens\n\n"
        "Made by `make lens`. GPT-2 small's shape cut to several depths, random float32 weights, every wire that "
        'TransformerLens scores: head to head. `subspace_scores(norms="ignore")` also gives null, ceiling and '
        'alignment, `all_composition_scores` of "Q", "K" and "V" the score only. The last column is ours for all '
        "wires, those with embeddings, biases, MLPs and logits too.\n\n"
        f"{versions}; {found['threads']} threads on {found['cores']} cores, load {found['load']} before. Each tool in "
        f"a process of its own, in turns: medians of {found['rounds']} rounds after one that is not counted, the ratio "
        "taken round by round. Peak: anonymous memory above the level before the call, the most of all rounds.\n\n"
        "| layers | wires | ours | TransformerLens | time | our peak | its peak | memory | all wires, ours |\n"
        f"|---{'|---' * 8}|\n{rows}\n\n"
        f"Wanted: TransformerLens takes at least 10 times as long; so at {', '.join(fast) or 'none'} of {asked} "
        f"layers. Our peak below 500 MB: at most {most / 1e6:.0f} MB. Equal scores within 1e-06: they differ by at "
        f"most {worst:.0e}. From dense products in double precision ours differ by {errors['loadstore']:.0e}, "
        f"TransformerLens' by {errors['lens']:.0e}.\n"
    )


def _depth(found: dict[str, Any]) -> list[str]:
    times = {name: median(found[name]["seconds"]) for name in ("loadstore", "lens", "everything")}
    peaks = {name: found[name]["peak"] for name in times}
    return [
        str(found["layers"]),
        f"{found['wires']:,}",
        f"{times['loadstore']:.2f} s",
        f"{times['lens']:.2f} s",
        f"{found['ratio']:.1f} ×",
        f"{peaks['loadstore'] / 1e6:.0f} MB",
        f"{peaks['lens'] / 1e6:,.0f} MB",
        f"{peaks['lens'] / peaks['loadstore']:.1f} ×",
        f"{found['all wires']:,}: {times['everything']:.2f} s, {peaks['everything'] / 1e6:.0f} MB",
    ]


def huggingface() -> str:
    """A section on passes of ``transformers``; empty if it was not measured."""
    file = Path(__file__).parent / "huggingface.json"
    if not file.exists():
        return ""
    found = json.loads(file.read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    tokens, pairs, points = f"{found['tokens']} tokens", f"{found['pairs']} pairs", found["points"]
    batch = f"{pairs} of {found['length']} tokens"
    memory = found["memory"]
    rows = [
        _pass(found, f"`run`, {tokens}", "run", "sdpa", "SDPA", 1.15),
        _pass(found, f"`run` recording everything, {tokens}", "recorded", "eager", "eager, `output_attentions`", 1),
        _pass(
            found,
            f"`attribute`, {batch}, {found['wires']:,} wires, {points} points",
            *("attribute", "gradient", f"{points} × one forward and backward pass", 3, points),
        ),
        _pass(found, f"a circuit of 1 % of the wires, {batch}", "circuit", "plain", "a plain `run` of the batch", 2),
        [
            "memory of the process that attributes",
            f"{memory['peak'] / 1e9:.2f} GB; {memory['before'] / 1e9:.2f} before",
            *("", "< 2 GB"),
        ],
        ["from process start to the first logits of 20 tokens", f"{found['first_logits']:.1f} s", "", "< 6 s"],
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return (
        "\n## SmolLM2 beside transformers\n\n"
        "Made by `python benchmarks/huggingface.py`. The same weights in float32 and the same tokens, in one process "
        "and in turns; the backward pass is that of the metric by the embeddings, without gradients of weights. "
        f"{versions}; threads: {found['threads']}, load {found['load']} before. Medians of {len(found['run'])} rounds "
        "after one that is not counted, ratios taken round by round, with their range.\n\n"
        f"| work | ours | beside | limit |\n|---|---|---|---|\n{table}\n"
    )


def _pass(
    found: dict[str, Any], work: str, ours: str, other: str, name: str, limit: float, times: int = 1
) -> list[str]:
    """One row: our time, the other's, and their ratio."""
    ratios = [mine / (times * beside) for mine, beside in zip(found[ours], found[other], strict=True)]
    spread = f"{median(ratios):.2f} × ({min(ratios):.2f} to {max(ratios):.2f})"
    return [
        work,
        f"{median(found[ours]):.2f} s",
        f"{name}, {median(found[other]):.2f} s each: {spread}",
        f"≤ {limit:g} ×",
    ]
