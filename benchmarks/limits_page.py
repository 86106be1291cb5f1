"""Renders the numbers of ``limits.py``: every limit, idle and busy, and by how much a number misses it."""

import json
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("limits.json")
GPT2 = 550e9  # operations of the cores route
COPYING = 2 * 50_257**2 * 64
Numbers = dict[str, Any]


@dataclass(frozen=True)
class Limit:
    """Some work, its limit in words, its number, and the most and the least that is allowed."""

    work: str
    said: str
    of: Callable[[Numbers], float]
    unit: str
    most: float = math.inf
    least: float = -math.inf


def page() -> str:
    """A section for RESULTS.md; empty unless both were measured."""
    found = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    if not found.keys() >= {"idle", "busy"}:
        return ""
    cells = [(limit.work, limit.said, *(_cell(limit, found[name]) for name in ("idle", "busy"))) for limit in LIMITS]
    rows = "\n".join(f"| {' | '.join(row)} |" for row in cells)
    return (
        "\n## Every limit, idle and beside a busy process\n\n"
        f"Made by `python benchmarks/limits.py` on {found['cores']} processors, load {found['load']} before; the busy "
        "process never waits. A number beyond its limit is followed by how far. Why limits are missed: "
        "[docs/speed.md](../docs/speed.md).\n\n"
        f"| work | limit | idle | beside a busy process |\n|---|---|---|---|\n{rows}\n"
    )


def _cell(limit: Limit, now: Numbers) -> str:
    """A number, and by how much it misses its limit."""
    try:
        value = limit.of(now)
    except KeyError:
        return "not measured"
    shown = f"{value:.0%}" if limit.unit == "%" else f"{value:.2f} {limit.unit}"
    if value > limit.most:
        return f"{shown} (**{value / limit.most:.2f} × the limit**)"
    return f"{shown} (**{value / limit.least:.2f} × the limit**)" if value < limit.least else shown


def _passes(work: str, yardstick: str, times: int = 1) -> Callable[[Numbers], float]:
    """The median over rounds of some work beside ``times`` passes of a yardstick."""

    def ratio(now: Numbers) -> float:
        each = zip(now["passes"][work], now["passes"][yardstick], strict=True)
        return statistics.median(mine / theirs / times for mine, theirs in each)

    return ratio


def _cores(now: Numbers) -> float:
    return now["gpt2"]["seconds"] * now["gpt2"]["rate"] / GPT2


def _cheaper(now: Numbers) -> float:
    shape = now["llama"]
    return shape["seconds"] * shape["rate"] / (2 * (shape["terms"] + shape["dense"]))


def _copying(now: Numbers) -> float:
    return COPYING / now["copying"]["rate"] / now["copying"]["seconds"]


def _busy(now: Numbers) -> float:
    return now["scores"] / now["one thread"]


def _import(now: Numbers) -> float:
    return now["starts"]["import"] - now["starts"]["torch"]


LIMITS = (
    Limit("scores of GPT-2's shape beside the arithmetic of the cores route", "≤ .8 ×", _cores, "×", 0.8),
    Limit("the same, memory above the weights", "< 500 MB", lambda now: now["gpt2"]["peak"] / 1e6, "MB", 500),
    Limit("its wires between heads, beside TransformerLens", "≥ 10 ×", lambda now: now["lens"]["ratio"], "×", least=10),
    Limit("scores of 4 layers of a 7B shape beside the cheaper route's arithmetic", "≤ 1.3 ×", _cheaper, "×", 1.3),
    Limit("the same, anonymous memory", "< 6 GB", lambda now: now["llama"]["peak"] / 1e9, "GB", 6),
    Limit("scores of SmolLM2 beside one idle thread", "< 2.5 ×", _busy, "×", 2.5),
    Limit("copying of a head, 50,257 tokens, at the rate of products", "≥ 70 %", _copying, "%", least=0.7),
    Limit("the same, memory", "< 1 GB", lambda now: now["copying"]["peak"] / 1e9, "GB", 1),
    Limit("`attribute` beside 5 passes with gradients", "≤ 3 ×", _passes("attribute", "gradient", 5), "×", 3),
    Limit("the same, memory of the process", "< 2 GB", lambda now: now["passes"]["memory"]["peak"] / 1e9, "GB", 2),
    Limit("a circuit of 1 % of the wires beside a plain run", "≤ 2 ×", _passes("circuit", "plain"), "×", 2),
    Limit("`run`, 512 tokens, beside `transformers`, SDPA", "≤ 1.15 ×", _passes("run", "sdpa"), "×", 1.15),
    Limit("`run` recording everything beside eager attention", "≤ 1 ×", _passes("recorded", "eager"), "×", 1),
    Limit("`loadstore --help`", "< .3 s", lambda now: now["starts"]["help"], "s", 0.3),
    Limit("`import loadstore`", "< torch's + .3 s", _import, "s", 0.3),
    Limit("`loadstore report`, built-in model", "< 10 s", lambda now: now["report"], "s", 10),
    Limit("its page", "≤ 3 MB", lambda now: now["page"] / 1e6, "MB", 3),
    Limit("`loadstore explore`, process start to its first answer", "none", lambda now: now["explorer"], "s"),
    Limit("SmolLM2, process start to logits of 20 tokens", "< 6 s", lambda now: now["passes"]["first_logits"], "s", 6),
    Limit("`make quick`", "< 90 s", lambda now: now["make quick"], "s", 90),
    Limit("`make test`", "< 12 min", lambda now: now["make test"] / 60, "min", 12),
)
