"""The study of causes (``causes.py``) as tables for RESULTS.md, from the numbers that it wrote."""

import json
from pathlib import Path
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
    """A section with a table for every model that was measured; empty where none was."""
    files = sorted(Path(__file__).parent.glob("causes-*.json"))
    if not files:
        return ""
    parts = [
        "\n## Which numbers predict what a cut does\n\n"
        "Made by `make causes`; see [docs/causes.md](../docs/causes.md). AUC for the largest "
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
