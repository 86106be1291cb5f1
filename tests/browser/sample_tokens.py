"""The tokens of the sample, one of them hostile, and packed patterns of any size on them."""

import base64
import math
from typing import Any

HOSTILE = '</script><img src="https://example.invalid/x.png" onerror="document.title=`owned`">'
TOKENS = ["the", "␣cat", "␣sat", "␣on", "␣the", "␣mat", ".", "␣the", "␣dog", "␣sat", "␣on"]
LABELS = [f"{token}·{index}" for index, token in enumerate(TOKENS)]


def patterns(heads: int, size: int, across: int | None = 12) -> dict[str, Any]:
    """Heads that look one, two, three … tokens back, packed as a byte a weight."""
    labels = [f"{TOKENS[index % len(TOKENS)]}·{index}" for index in range(size)]
    badges = {0: ["first token"], 7: ["previous token"], 16: ["induction", HOSTILE]}
    return {
        "schema": "loadstore/patterns@1",
        "title": "all heads on the prompt, packed",
        "tokens": labels,
        "heads": [{"name": f"L{head // 12}.H{head % 12}", "badges": badges.get(head, [])} for head in range(heads)],
        "across": across,
        "causal": True,
        "packed": base64.b64encode(bytes(weight for head in range(heads) for weight in causal(head, size))).decode(),
        "first_is_sink": True,
        "orders": [
            {"name": "by index", "heads": list(range(heads))},
            {"name": "last first", "heads": list(range(heads))[::-1]},
        ],
    }


def causal(head: int, size: int) -> list[int]:
    """The lower triangle of one head: half on the first token, the rest near `head` tokens back."""
    packed: list[int] = []
    for query in range(size):
        raw = [math.exp(-abs(query - head % 12 - key)) for key in range(query + 1)]
        packed += [round(255 * (0.5 * (key == 0) + 0.5 * weight / sum(raw))) for key, weight in enumerate(raw)]
    return packed
