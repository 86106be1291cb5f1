"""Compare rankings of wires by the areas of MIB (Mechanistic Interpretability Benchmark), beside its published numbers.

    python scripts/mib.py MODEL PAIRS.jsonl

MODEL is a GPT-2 model: a folder, a file or a name on the hub. PAIRS.jsonl holds MIB's IOI data as pairs
(docs/tasks.md): ``clean``, ``counterfactual``, ``good``, ``bad``, and ``split`` ("find" for MIB's training pairs,
"judge" for those that it evaluates on; "choose" is not used). Exits with 2 and a message if the model or the pairs are
missing.

CMD is the area under |1 − F| and CPR the area under F, by trapezoids over MIB's ten sizes. MIB ranks by |signed mean|
for CMD and by the signed mean for CPR. Checked against patches by hand in tests/circuits/test_mib.py.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import loadstore as ls
from loadstore.circuits.curve import MIB, curve_on
from loadstore.circuits.measured import measured
from loadstore.errors import LoadstoreError

if TYPE_CHECKING:
    import xarray as xr

    from loadstore.circuits.reads import Norms

EAP_IG, MASK = "EAP-IG (inputs)", "mask path"
ORDERS = {"|signed mean|": "for CMD in MIB", "signed mean": "for CPR in MIB", "mean of |a|": "default of loadstore"}
PUBLISHED = """\
published by MIB for IOI on GPT-2 small (CMD; CPR): EAP-IG-activations .03; –. EAP-IG-inputs –; 1.85.
exact edge patching .02; –. edge pruning + EAP-IG ensemble .02; 2.43. random .75; .25."""


class Row(NamedTuple):
    """One ranking in one order: F at every size, and both areas."""

    method: str
    order: str
    f: list[float]
    cmd: float
    cpr: float


def rankings(task: ls.Task, points: int = 5) -> "dict[str, xr.Dataset]":
    """The rankings to compare."""
    return {EAP_IG: ls.attribute(task, method="eap-ig", points=points), MASK: ls.attribute(task, points=points)}


def compared(
    task: ls.Task, ranked: "Mapping[str, xr.Dataset]", sizes: Sequence[float] = MIB, norms: "Norms" = "free"
) -> list[Row]:
    """F and the areas of every ranking in every order, on the pairs to judge."""
    on, rows = measured(task.judge, norms=norms), list[Row]()
    for method, each in ranked.items():
        by_order = {
            "|signed mean|": (each.assign(attribution=abs(each.signed)), "attribution"),
            "signed mean": (each, "signed"),
            "mean of |a|": (each, "attribution"),
        }
        for order, (dataset, by) in by_order.items():
            found = curve_on(dataset, on, sizes, by)
            f = [float(value) for value in found.faithfulness.values]
            rows.append(Row(method, order, f, found.attrs["cmd"], found.attrs["cpr"]))
    return rows


def main(words: Sequence[str]) -> int:
    """Print the table."""
    if len(words) != 2:
        print("mib.py: give a model and a .jsonl file of pairs", file=sys.stderr)
        return 2
    try:
        task = ls.task(ls.load(words[0]), words[1])
        rows = compared(task, rankings(task))
    except LoadstoreError as error:
        print(f"mib.py: {error}", file=sys.stderr)
        return 2
    print(f"{task}\n\nF at {', '.join(f'{size:g}' for size in MIB)} of all edges; areas over these sizes\n")
    for row in rows:
        values = " ".join(f"{value:6.2f}" for value in row.f)
        print(f"{row.method:<16} {row.order:<14} CMD {row.cmd:6.3f}  CPR {row.cpr:6.3f}  F {values}")
    print(f"\n{'; '.join(f'{order}: {what}' for order, what in ORDERS.items())}\n{PUBLISHED}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
