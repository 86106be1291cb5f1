"""The section "Map, lifetime, reach" of docs/open-questions.md, made from the numbers of benchmarks/memory.py.

python benchmarks/memory_page.py        rewrite the section; tests/memory/test_page.py checks that it is up to date
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "open-questions.md"
BEGIN, END = "<!-- map, lifetime, reach: begin -->", "<!-- map, lifetime, reach: end -->"
MODELS = {"builtin": "built-in", "smollm2": "SmolLM2-135M", "gemma3-270m": "Gemma 3 270M"}
REAL = ("smollm2", "gemma3-270m")
SIDES = ("Q", "K", "V", "mlp", "unembed")
SHOWN = 12  # pairs of a model

Found = dict[str, dict[str, Any]]


def numbers() -> dict[str, Found]:
    """The numbers of all existing files."""
    files = {model: HERE / f"memory-{model}.json" for model in MODELS}
    return {model: json.loads(file.read_text(encoding="utf-8")) for model, file in files.items() if file.exists()}


def short(value: float | None) -> str:
    """``.31``, ``−1.20``, ``–`` for an undefined value."""
    if value is None or value != value:
        return "–"
    text = f"{abs(value):.2f}"
    return ("−" if value < 0 and text != "0.00" else "") + (text[1:] if text.startswith("0") else text)


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def with_part(found: dict[str, Found], part: str) -> dict[str, dict[str, Any]]:
    """The models for which a part was measured."""
    return {model: parts[part] for model, parts in found.items() if part in parts}


def measured(found: dict[str, Found]) -> list[str]:
    """The measurements and their cost."""
    rows = [
        [
            MODELS[model],
            f"{part['tokens']:,}",
            name,
            f"{part['seconds']:.0f}",
            f"{part['processor_seconds']:.0f}",
            str(part["peak_gigabytes"]),
        ]
        for model, parts in found.items()
        for name in ("lifetimes", "maps", "reach")
        if (part := parts.get(name))
    ]
    heads = ["model", "tokens", "part", "seconds, two threads", "processor seconds", "peak memory, GB"]
    seconds = {model: sum(part["seconds"] for part in parts.values()) for model, parts in found.items()}
    sums = ", ".join(f"{MODELS[model]} {some:.0f} s" for model, some in seconds.items())
    together = f"Together, with the runs of the corpus, on two cores: {sums}."
    return [*table(heads, rows), "", together]


def regions(part: dict[str, Any]) -> dict[str, float]:
    """Numbers of a map: ranks by kind of writer, and the frequency of overlap beyond chance."""
    heads = [region for region in part["regions"] if ".H" in region["writer"]]
    mlps = [region for region in part["regions"] if region["writer"].endswith("mlp")]
    beyond = sum(region["overwriters"] for region in part["regions"])
    return {
        "heads": float(np.median([region["rank"] for region in heads])),
        "mlps": float(np.median([region["rank"] for region in mlps])) if mlps else float("nan"),
        "beyond": beyond / part["pairs"],
        "pairs": part["pairs"],
    }


def maps(found: dict[str, Found]) -> list[str]:
    """The memory maps in numbers."""
    parts = with_part(found, "maps")
    rows: list[list[str]] = []
    for model, part in parts.items():
        facts, loudest = regions(part), max(part["regions"], key=lambda region: region["power"] or 0)
        rows.append(
            [
                MODELS[model],
                f"{facts['heads']:.0f}",
                "–" if facts["mlps"] != facts["mlps"] else f"{facts['mlps']:.0f}",
                f"{facts['beyond']:.0%} of {facts['pairs']:,}",
                f"{loudest['writer']} {short(loudest['power'])}",
            ]
        )
    heads = ["model", "rank of a head, median", "of an MLP", "pairs that overlap beyond chance", "most power"]
    return table(heads, rows)


def reported(part: dict[str, Any], name: str = "pairs") -> list[dict[str, Any]]:
    """Pairs that hold, the largest caused part first."""
    return sorted((pair for pair in part[name] if pair["reported"]), key=lambda pair: -abs(pair["caused"]))


def pairs(found: dict[str, Found]) -> list[str]:
    """The number of pairs that hold, and the strongest ones."""
    lines: list[str] = []
    for model, part in with_part(found, "lifetimes").items():
        screen, some, asked = part["screen"], reported(part), part.get("asked")
        only = f" Only the lifetimes of {', '.join(asked)} were measured, chosen for large terms." if asked else ""
        only += f" Removals are on {part['pieces']} pieces of text." if "pieces" in part else ""
        cleaned = sum(pair["kind"] == "clean-up" for pair in some)
        lines += [
            f"**{MODELS[model]}.** Of {screen['tests']:,} pairs of a writer and a later one, {screen['large']:,} have "
            f"a term of at least 5 %, and {screen['beyond']:,} of these are beyond both nulls. Removals were run for "
            f"{screen['checked']:,}: {len(some)} hold, {cleaned} of them clean-up and {len(some) - cleaned} repeaters. "
            f"The others have another cause, or too small a caused part.{only}",
            "",
        ]
        if some:
            rows = [
                [p["writer"], p["later"], p["kind"], *(short(p[n]) for n in ("term", "caused")), interval(p["ablated"])]
                for p in some[:SHOWN]
            ]
            lines += [*table(["writer", "later", "kind", "term", "caused", "causal fraction (ablated)"], rows), ""]
        if "screen_across" in part:
            screen, some = part["screen_across"], reported(part, "pairs_across")
            said = "; ".join(
                f"{p['writer']} and {p['later']} ({p['kind']}, caused {short(p['caused'])})" for p in some[:SHOWN]
            )
            first = f", the {SHOWN} largest" if len(some) > SHOWN else ""
            lines += [
                f"Across tokens {screen['large']:,} of {screen['tests']:,} terms are at least 5 %, "
                f"{screen['beyond']:,} of these are beyond both nulls, and {len(some)} of {screen['checked']:,} "
                f"checked hold{f'{first}: {said}' if said else ''}.",
                "",
            ]
    return lines[:-1]


def interval(ratio: dict[str, float | None]) -> str:
    """``.50 (.45 to .55)``."""
    return f"{short(ratio['value'])} ({short(ratio['low'])} to {short(ratio['high'])})"


def mean_of(values: list[float | None]) -> float:
    """The mean of the defined values."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")


def repairs(found: dict[str, Found]) -> list[str]:
    """The restored part of stores, by mechanism."""
    rows: list[list[str]] = []
    for model, part in with_part(found, "lifetimes").items():
        some = part["repairs"]
        if some:
            mean = {n: mean_of([each[n]["value"] for each in some]) for n in ("writing", "frozen", "scale")}
            back = sum((each["frozen"]["low"] or 0) > 0 for each in some)
            rows.append([MODELS[model], str(len(some)), *(short(mean[n]) for n in mean), f"{back} of {len(some)}"])
    heads = [
        "model",
        "ablated writers",
        "writing",
        "writing, norms frozen",
        "last norm's scale",
        "put back beyond error, norms frozen",
    ]
    return table(heads, rows)


def fresh(found: dict[str, Found]) -> list[str]:
    """The writers whose stores are loaded from the regions of writers in pairs."""
    rows: list[list[str]] = []
    for model, part in with_part(found, "lifetimes").items():
        some = [each for each in part["fresh"] if each["fresh"] is not None]
        if some:
            medians = [float(np.median([each[name] for each in some])) for name in ("fresh", "repeated", "other")]
            rows.append([MODELS[model], str(len(some)), *map(short, medians)])
    return table(["model", "loads", "fresh, median", "repeated", "other"], rows)


def ratios(part: dict[str, Any]) -> dict[str, float]:
    """Mean distance relative to equal reading, by side."""
    rows = [row for row in part.get("readers", ()) if len(row["distance"]) > 1]
    sides = {side: [row["mean"] / row["mean_equal"] for row in rows if row["side"] == side] for side in SIDES}
    return {side: float(np.mean(some)) for side, some in sides.items() if some}


def reach(found: dict[str, Found]) -> list[str]:
    """Reach in numbers."""
    rows: list[list[str]] = []
    for model, part in with_part(found, "reach").items():
        by_side = ratios(part)
        half = "does not fall" if part["half_life"] is None else f"{part['half_life']:.1f} layers"
        rows.append([MODELS[model], short(part["ratio"]), half, *(short(by_side.get(side)) for side in SIDES)])
    return table(["model", "ratio", "half-life", *SIDES], rows)


def effects(found: dict[str, Found]) -> list[str]:
    """Effects of cut wires, near and far."""
    lines: list[str] = []
    for model, part in with_part(found, "reach").items():
        rows = part["effects"]
        if len(rows) < 4:
            continue
        half = len(rows) // 2
        near, far = (float(np.mean([row["effect"] for row in some])) for some in (rows[:half], rows[half:]))
        lines.append(
            f"- {MODELS[model]}: {sum(row['wires'] for row in rows)} wires were cut. Up to "
            f"{rows[half - 1]['distance']} layers back a cut changes its reader by {near:.4f} on average, beyond that "
            f"by {far:.4f}."
        )
    return lines


def joined(values: Sequence[float], form: str) -> str:
    """``65% and 70%``."""
    return " and ".join(format(value, form) for value in values)


def agreement(found: dict[str, Found]) -> list[str]:
    """Where the two real models agree, sentence by sentence from the numbers."""
    real = {model: found[model] for model in REAL if model in found}
    both = {name: list(with_part(real, name).values()) for name in ("maps", "lifetimes", "reach")}
    lines: list[str] = []
    if len(both["maps"]) == 2:
        facts = [regions(part) for part in both["maps"]]
        shares, ranks = [each["beyond"] for each in facts], [each["heads"] for each in facts]
        same = (shares[0] > 0.5) == (shares[1] > 0.5)
        lines.append(
            f"- Overlap: {joined(shares, '.0%')} of pairs overlap beyond the chance of random subspaces; the models "
            f"{'agree' if same else 'differ'} on whether most do. The median ranks of heads are "
            f"{joined(ranks, '.0f')}."
        )
    if len(both["lifetimes"]) == 2:
        kinds = [[pair["kind"] for pair in reported(part)] for part in both["lifetimes"]]
        cleaned, repeated = ([some.count(kind) for some in kinds] for kind in ("clean-up", "repeater"))
        words = ["both" if all(some) else "one" if any(some) else "neither" for some in (cleaned, repeated)]
        lines.append(
            f"- Pairs: {joined(cleaned, 'd')} clean-up and {joined(repeated, 'd')} repeater pairs hold. Caused "
            f"clean-up is found in {words[0]} of the models, caused repetition in {words[1]}."
        )
    across = [part["pairs_across"] for part in both["lifetimes"] if "pairs_across" in part]
    if len(across) == 2:
        held = [sum(pair["reported"] for pair in some) for some in across]
        word = "both" if all(held) else "one" if any(held) else "neither"
        lines.append(f"- Pairs across tokens: {joined(held, 'd')} hold, so they are found in {word} of the models.")
    if len(both["reach"]) == 2:
        values = [part["ratio"] for part in both["reach"]]
        if (values[0] < 1) == (values[1] < 1):
            said = f"both read {'nearer' if values[0] < 1 else 'farther back'} than equal reading would"
        else:
            said = "the models differ on whether near writers are preferred"
        lines.append(f"- Reach: the ratios are {' and '.join(map(short, values))}, so {said}.")
        sides = [ratios(part) for part in both["reach"]]
        for word, extreme in (("nearest", min), ("farthest back", max)):
            names = [extreme(some, key=some.__getitem__) for some in sides if some]
            if len(names) == 2:
                who = f"{names[0]} in both" if names[0] == names[1] else f"{names[0]} and {names[1]}"
                lines.append(f"- The side that reads {word}: {who}.")
    return lines or ["- Only one of the two real models has been measured so far, so nothing is compared."]


SECTION = """## Map, lifetime, reach

Definitions and theorems are in [memory.md](memory.md). `benchmarks/memory.py MODEL` measured the numbers, on documents
that ship with loadstore, and `benchmarks/memory_page.py` generates this section from them.{missing}

{measured}

**Is there an analogue of a memory map?** Every writer has a region, small for heads. Regions are not exclusive:

{maps}

**Which writers clean up, and which keep a signal alive?** A pair *holds* if it satisfies all conditions of
[memory.md](memory.md).

{pairs}

**Which writers' stores does a reader load?** These are the loads of the largest readers from the regions of writers in
pairs, as medians over loads:

{fresh}

**Self-repair.** Writers were ablated for these pairs. The table has the fraction of their stores that the model
restores (means; below 0, more was lost than the store):

{repairs}

**How many layers back can a layer communicate?** Any number, because every wire exists. The table shows the distances
that readers use: the mean distance over that of equal reading (1: near and far writers equally), also by side:

{reach}

{effects}

**Where the two real models agree**

{agreement}

**Established:** the sums are exact. The pairs are beyond both nulls, and none of 100 random models had such a pair
(`tests/memory/test_causes.py`). On these texts, the caused part disappears when its writer is removed.

**Not established:** that other texts give the same pairs; that a pair serves a purpose, because a removal shows a
cause, not a use; any claim about pairs beyond the nulls that were not checked; that overlap is harmful, because the
null of random subspaces ignores the few high-variance directions of the stream that all writers share; that other
models, or these on other texts, have such reaches, because the ratios are of one corpus and have no interval."""


def section() -> str:
    """The whole section."""
    found = numbers()
    parts = ("lifetimes", "maps", "reach")
    missing = [f"{MODELS[model]} ({part})" for model in MODELS for part in parts if part not in found.get(model, {})]
    made = (measured, maps, pairs, fresh, repairs, reach, effects, agreement)
    said = {work.__name__: "\n".join(work(found)) for work in made}
    return SECTION.format(missing=f" Not measured: {', '.join(missing)}." if missing else "", **said)


def page(text: str) -> str:
    """The page with the updated section."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{section()}\n\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
