"""Write the built-in model's card from its run and from the file itself: nothing in it is typed by hand.

python recipes/card.py run/ src/loadstore/data/
"""

import json
import sys
import tomllib
from pathlib import Path

from loadstore.checkpoints.library import load
from loadstore.training.claims import INDUCTION, PREVIOUS, claims, read_held_out
from loadstore.training.prepare import kept
from loadstore.training.recipe_file import preset

SOURCES = """| source | Debian package | licence |
|---|---|---|
| the Python 3.11 documentation's sources | python3.11-doc | PSF-2.0 |
| the King James Bible | bible-kjv-text | public domain |
| WordNet 3.0's synsets and glosses | wordnet-base | WordNet licence |"""


def main(run: Path, data: Path) -> None:
    """Measure and write ``builtin.md``."""
    weights = load(data / "builtin.safetensors")
    corpus = kept(run)
    history = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    recipe = tomllib.loads(preset("attention-only").read_text(encoding="utf-8"))
    trained_as = json.loads((run / "numbering.json").read_text(encoding="utf-8"))
    shape = weights.architecture
    last = history[-1]
    parts = [
        "# The built-in model",
        f"An attention-only transformer: {shape.n_layers} layers of {shape.n_heads} heads, d_model {shape.d_model}, "
        f"d_head {shape.d_head}, vocabulary {shape.vocab:,} (byte-level BPE), context {shape.context}, "
        f"{shape.positions} positions, no norm, no bias, float16 on disk. It is small enough to ship and tells the "
        "story of *Intuitions for Transformer Circuits*.",
        "## How it was made",
        f"`loadstore train attention-only` on {corpus.documents:,} documents ({corpus.characters / 1e6:.1f} M "
        f"characters, {len(corpus.train):,} tokens; {len(corpus.held_out):,} tokens of other documents held out): "
        f"{last['step']:,} steps, {last['tokens']:,} tokens, of which the repeats are random. Seed {recipe['seed']}.",
        SOURCES,
        "The recipe opens one head of layer 0 and two of layer 1 first, on random repeats, until they solve them; then "
        "all heads learn text with a quarter of repeats, and at the end with half. So the circuit stands where it "
        "was given room; that it is "
        "this circuit (previous token, K wire, copy) is what training found.",
        "## Numbering",
        "Heads are renumbered by an exact permutation to carry the article's numbers: "
        + ", ".join(f"{new} was trained as {old}" for new, old in sorted(trained_as.items()))
        + ".",
        "## Measured on the file",
        "| about | must | measured |\n|---|---|---|\n"
        + "\n".join(
            f"| {c.about} | {c.line} | {c.measured}{'' if c.holds else ' **missed**'} |"
            for c in claims(weights, read_held_out(data / "held_out.safetensors"))
        ),
        "## History",
        f"At log-spaced steps, heads under their final names. Losses in nats; {PREVIOUS} is scored as previous-token "
        "head, the others as induction heads on random repeats; K is the alignment of "
        f"{PREVIOUS} with {INDUCTION[0]}.K. All heads and all roles at each step: `builtin.history.jsonl`.",
        _history(history, trained_as),
    ]
    (data / "builtin.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    renamed = [json.dumps(_renamed(line, _all_names(trained_as, shape.n_heads))) for line in history]
    (data / "builtin.history.jsonl").write_text("\n".join(renamed) + "\n", encoding="utf-8")


def _history(history: list[dict], trained_as: dict[str, str]) -> str:
    columns = [
        "step",
        "phase",
        "text",
        "second copy",
        f"{PREVIOUS}",
        *map(str, INDUCTION),
        "K",
        "W_E 80 %",
        "W_pos 80 %",
    ]
    rows = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for line in history:
        previous = trained_as[str(PREVIOUS)]
        heads = [trained_as[str(head)] for head in INDUCTION]
        alignment = line["K_alignment"][f"{heads[0]}.K"][previous]
        cells = [
            str(line["step"]),
            line["phase"],
            f"{line['text_loss']:.2f}",
            f"{line['second_copy_loss']:.2f}",
            f"{line['previous'][previous]:.2f}",
            *(f"{line['induction'][head]:.2f}" for head in heads),
            "–" if alignment is None else f"{alignment:.2f}",
            str(line["directions_80"]["embed"]),
            str(line["directions_80"]["pos"]),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _all_names(trained_as: dict[str, str], n_heads: int) -> dict[str, str]:
    """Trained name → final name of every head: the rest keep their order in the places that are left."""
    names: dict[str, str] = {}
    for layer in sorted({new.split(".")[0] for new in trained_as}):
        moved = {new: old for new, old in trained_as.items() if new.startswith(f"{layer}.")}
        everyone = [f"{layer}.H{i}" for i in range(n_heads)]
        rest = iter([name for name in everyone if name not in moved.values()])
        names |= {moved.get(new) or next(rest): new for new in everyone}
    return names


def _renamed(value: object, names: dict[str, str]) -> object:
    """Every head name, as a key, under its final name (``L1.H0.K`` too)."""
    if not isinstance(value, dict):
        return value
    out = {}
    for key, part in value.items():
        stem = ".".join(key.split(".")[:2])
        out[key.replace(stem, names[stem], 1) if stem in names else key] = _renamed(part, names)
    return out


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
