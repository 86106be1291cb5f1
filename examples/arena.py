"""The known answers of ARENA's "Intro to mech interp", on any two-layer model, beside its published figures.

    python examples/arena.py [MODEL]

ARENA's model (attn_only_2L_half: d_model 768, vocabulary 50,278) is not the built-in one (384 and 4,096), so the
numbers differ; the heads are numbered alike, and what must hold is the same.
"""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

import loadstore as ls
from loadstore.errors import LoadstoreError
from loadstore.execution.edits import Edit
from loadstore.heads.patterns import mass_on, role_masks
from loadstore.heads.roles import bos_of, random_repeats
from loadstore.sites import parse_head

if TYPE_CHECKING:
    import torch
    import xarray as xr

IS_ROLE = 0.5  # more than half of the attention


@dataclass(frozen=True)
class Found:
    """The heads of the circuit, strongest first, and their scores on random repeats."""

    previous: str
    induction: tuple[str, ...]
    roles: "xr.Dataset"

    def score(self, role: str, head: str) -> float:
        """One role score."""
        return float(self.roles[role].sel(head=head))


@dataclass(frozen=True)
class Line:
    """One question, this model's answer, and ARENA's for its own model; ``value`` is the number in the answer."""

    question: str
    value: float
    ours: str
    arena: str


def find_heads(model: ls.Weights) -> Found:
    """The strongest previous-token head and the induction heads of later layers; at least one is returned."""
    roles = ls.head_roles(model)
    previous = str(roles.previous.to_series().idxmax())
    ranked = roles.induction.to_series().sort_values(ascending=False)
    later = [str(name) for name in ranked.index if parse_head(str(name)).layer > parse_head(previous).layer]
    strong = tuple(name for name in later if ranked[name] > IS_ROLE)
    if not later:
        raise SystemExit(f"no head of {model.name} comes after {previous}: there is no circuit of two layers")
    return Found(previous, tuple(sorted(strong, key=parse_head)) or (later[0],), roles)


def induction_score(model: ls.Weights, tokens: "torch.Tensor", head: str, edits: tuple[Edit, ...] = ()) -> float:
    """Mean attention of a head on what followed the earlier occurrence, in a run with edits."""
    trace = ls.run(model, tokens, edits, record=True)
    return float(mass_on(trace.pattern(head)[:, None], role_masks(tokens, bos_of(model))["induction"])[0].mean())


def known_answers(model: ls.Weights) -> tuple[Found, list[Line]]:
    """The heads and every line of the table; ARENA's scores, losses and ablations are a replication's on its model."""
    found = find_heads(model)
    lines = [*_heads(found), *_copying(model, found), *_composition(model, found), *_ablations(model, found)]
    return found, [*lines, *_paths(model, found)]


def _heads(found: Found) -> list[Line]:
    previous = found.score("previous", found.previous)
    lines = [Line("previous-token head", previous, f"{found.previous}: {previous:.3f}", "0.7")]
    arena = {"L1.H4": "1.4: .669", "L1.H10": "1.10: .873"}
    for head in found.induction:
        score = found.score("induction", head)
        lines.append(Line(f"induction head {head}", score, f"{score:.3f}", arena.get(head, "–")))
    return lines


def _copying(model: ls.Weights, found: Found) -> list[Line]:
    arena = {("L1.H4",): "30.8 % / 47.7 %", ("L1.H4", "L1.H10"): "95.6 % / 98 %"}
    lines: list[Line] = []
    groups = [*((head,) for head in found.induction), found.induction]
    for heads in dict.fromkeys(groups):
        result = ls.vocabulary.copying(model, heads)
        first, five = (float(value) for value in result.accuracy.values)
        lines.append(
            Line(
                f"OV copying {' + '.join(heads)}, top-1 / top-5",
                first,
                f"{first:.2%} / {five:.2%} (eigenvalues {float(result.eigenvalue_score):+.2f})".replace("%", " %"),
                arena.get(heads, "–"),
            )
        )
    return lines


def _composition(model: ls.Weights, found: Found) -> list[Line]:
    """K-composition as ARENA prints it: each moved token's best query is itself; and the aligned writer."""
    arena = {"L1.H4": ".520", "L1.H10": ".552"}
    lines: list[Line] = []
    for head in found.induction:
        result = ls.vocabulary.key_composition(model, head, found.previous)
        one = float(result.accuracy.sel(direction="query of key", k=1))
        other = float(result.accuracy.sel(direction="key of query", k=1))
        text = f"{one:.3f} (the other way {other:.3f}, chance {1 / model.architecture.vocab:.4f})"
        lines.append(Line(f"K-composition {found.previous} → {head}, top-1", one, text, arena.get(head, "–")))
        scores = ls.subspace_scores(model, readers=f"{head}.K")
        column = scores.isel(reader=0)
        best = column.isel(writer=int(column.alignment.fillna(-2).argmax("writer")))
        text = f"{best['writer'].item()}: alignment {float(best.alignment):.2f}, z {float(best.z):.0f}"
        lines.append(Line(f"writer best aligned with {head}.K", float(best.alignment), text, "0.7 (largest score)"))
    return lines


def _ablations(model: ls.Weights, found: Found) -> list[Line]:
    arena = {
        "L1.H4": ("+2.44", "+2.96"),
        "L1.H10": ("+5.63", "+5.85"),
        "L1.H4 + L1.H10": ("+8.61", "+9.36"),
        "L0.H7": ("+9.13", "+9.23"),
    }
    both = [found.induction] if len(found.induction) > 1 else []
    heads = [*found.induction, *both, found.previous]
    zero, mean = (ls.experiments.ablation_effects(model, heads, by=by) for by in ("zero", "mean"))
    lines = [Line("loss of second copies, nats", float(mean.intact), f"{float(mean.intact):.3f}", "4.37")]
    for name in (str(name) for name in mean["head"].values):
        values = [(float(t.effect.sel(head=name)), float(t.effect_se.sel(head=name))) for t in (zero, mean)]
        ours = " / ".join(f"{effect:+.2f} ± {error:.2f}" for effect, error in values)
        known = " / ".join(arena[name]) if name in arena else "–"
        lines.append(Line(f"Δ loss, {name} ablated by zero / mean", values[1][0], ours, known))
    return lines


def _paths(model: ls.Weights, found: Found) -> list[Line]:
    """The previous-token head cut from one input only."""
    tokens = random_repeats(model, 8)
    lines: list[Line] = []
    for head in found.induction:
        intact = induction_score(model, tokens, head)
        without = induction_score(model, tokens, head, (ls.cut(found.previous, f"{head}.K"),))
        known = ".68 → ≈ 0" if head == "L1.H4" else "–"
        text = f"{intact:.2f} → {without:.3f}"
        lines.append(Line(f"induction of {head}, {found.previous} → {head}.K cut", without, text, known))
    return lines


def main() -> None:
    """Print the table."""
    try:
        model = ls.load(sys.argv[1] if len(sys.argv) > 1 else "builtin")
        _, lines = known_answers(model)
    except LoadstoreError as error:
        sys.exit(f"arena: {error}")
    table = Table("question", model.name, "ARENA (its own model)", box=None, pad_edge=False)
    for line in lines:
        table.add_row(line.question, line.ours, line.arena)
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)


if __name__ == "__main__":
    main()
