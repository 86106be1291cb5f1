"""Lifetimes as text: changes of the stores, reported pairs, fresh shares and repair."""

import math
from collections.abc import Mapping
from typing import Any

from loadstore.decomposition.short import short

SHOWN = 12


def text(facts: Mapping[str, Any], top: int = SHOWN) -> str:
    """Return the whole text, with ``top`` writers of each end."""
    parts = [heading(facts), _ends(facts, top), *pair_lines(facts), *fresh_lines(facts), *repair_lines(facts)]
    return "\n".join(parts)


def heading(facts: Mapping[str, Any]) -> str:
    """A summary of the measurement."""
    white = ", whitened by the stream" if facts["whitened"] else ""
    return (
        f"{facts['model']}: lifetimes on {facts['documents']} documents ({facts['tokens']:,} tokens) of "
        f"{facts['corpus']}{white}\nrho: −1 erased, 0 untouched, above 0 repeated"
    )


def last(lifetime: Mapping[str, Any]) -> float:
    """ρ at the unembedding."""
    return lifetime["rho"]["unembed"]


def _ends(facts: Mapping[str, Any], top: int) -> str:
    """The most erased and the most repeated writers, at the unembedding."""
    order = sorted(facts["lifetimes"], key=last)
    erased = [each for each in order if last(each) < 0][:top]
    repeated = [each for each in reversed(order) if last(each) > 0][:top]
    return "\n".join(
        f"{word} at the unembedding: " + (", ".join(f"{e['writer']} {short(last(e))}" for e in entries) or "none")
        for word, entries in (("most erased", erased), ("most repeated", repeated))
    )


def pair_lines(facts: Mapping[str, Any]) -> list[str]:
    """The reported pairs, at one token and across tokens, and how many were tested."""
    lines: list[str] = []
    for which, where in (("", "pairs"), ("_across", "pairs across tokens")):
        screen, pairs = facts[f"screen{which}"], facts[f"pairs{which}"]
        reported = sorted((pair for pair in pairs if pair["reported"]), key=lambda pair: -abs(pair["caused"]))
        lines.append(
            f"\n{len(reported)} clean-up and repeater {where} of {screen['tests']:,}: {screen['large']:,} have a term "
            f"of at least 5 %, {screen['beyond']:,} of these are beyond both nulls at 1 % (Bonferroni), removals were "
            f"run for {screen['checked']:,} ({facts['pieces']} pieces of {facts['piece_tokens']} tokens)"
        )
        lines += [f"  {pair_line(pair)}" for pair in reported]
    return lines


def pair_line(pair: Mapping[str, Any]) -> str:
    """``L0.H7 cleaned up by L2.H0: −.98, caused −.98 (causal fraction: cut 1.00 [.99, 1.00], …``."""
    how = "cleaned up by" if pair["kind"] == "clean-up" else "repeated by"
    return (
        f"{pair['writer']} {how} {pair['later']}: {short(pair['term'])}, caused {short(pair['caused'])} (causal "
        f"fraction: cut {interval(pair['cut'])}, ablated {interval(pair['ablated'])}; "
        f"z {pair['z_shuffled']:.0f} shuffled, {pair['z_turned']:.1f} turned)"
    )


def fresh_lines(facts: Mapping[str, Any]) -> list[str]:
    """The sources of loads from the regions of reported pairs."""
    if not facts["fresh"]:
        return []
    return [
        "\nloaded from a writer's region: its own store, that of writers it reaches, that of others",
        *(
            f"  {each['writer']} by {each['reader']}: fresh {short(each['fresh'])}, repeated "
            f"{short(each['repeated'])}, other {short(each['other'])}"
            for each in facts["fresh"]
        ),
    ]


def repair_lines(facts: Mapping[str, Any]) -> list[str]:
    """The restored fraction of each ablated store."""
    if not facts["repairs"]:
        return []
    return [
        "\nput back of an ablated store: by writing, by writing with norms frozen, by the last norm's scale",
        *(
            f"  {each['writer']}: {interval(each['writing'])}, {interval(each['frozen'])}, {interval(each['scale'])}"
            for each in facts["repairs"]
        ),
    ]


def interval(ratio: Mapping[str, float] | None) -> str:
    """``.98 [.97, .99]``."""
    if ratio is None:
        return "–"
    ends = f" [{short(ratio['low'])}, {short(ratio['high'])}]"
    return short(ratio["value"]) + ("" if math.isnan(ratio["low"]) else ends)
