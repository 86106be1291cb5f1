"""``loadstore head``: all results for one head."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loadstore.cli.options import Begin, Head, Json, Model, Positions, open_model, print_json, print_table, subject

if TYPE_CHECKING:
    from loadstore.evidence.head_facts import Dossier, WireScore
    from loadstore.model.weights import Weights


def head(
    model: Model = "builtin",
    site: Annotated[
        str | None, typer.Argument(help="The head, such as L0.H4.", metavar="HEAD", show_default=False)
    ] = None,
    head: Head = None,
    offset: Annotated[
        int | None, typer.Option(help="query − key under rotary positions, for matched tokens.", show_default=False)
    ] = None,
    top: Annotated[int, typer.Option(help="The number of wires and tokens to print.", min=1, max=100)] = 6,
    sequences: Annotated[int, typer.Option(help="The number of random sequences.", min=1, max=10_000)] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the random tokens.", min=0, max=(1 << 63) - 1)] = 0,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write the dossier as an offline page.")] = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Show one head's roles, inputs, stores, matches and readers, and the cost of its ablation.

    Example: loadstore head builtin L0.H4 -o head.html

    Example: loadstore head smollm2 L18.H6
    """
    from loadstore.cli.progress import waiting
    from loadstore.cli.saving import check_page, saving

    name = subject(site, head, "--head", "which head? name one after the model, such as loadstore head builtin L0.H4")
    weights = open_model(model, positions, bos)
    if out is not None:
        check_page(out)
    from loadstore.cost.table import expected
    from loadstore.evidence.dossier import dossier
    from loadstore.sites import parse_head

    weights.architecture.check(parse_head(name), weights.name)  # refuse an unknown head before the slow part
    with waiting(f"dossier of {name}", expected(weights, "head")):
        facts = dossier(weights, name, top=top, sequences=sequences, seed=seed, offset=offset)
    with saving(out, lambda path: _write(weights, facts, path)) as saved:
        if json:
            print_json("head", asdict(facts) | {"bos": weights.begins, "participation": facts.participation})
            return
        _print(facts, top, weights.begins)
    if out is not None and saved:
        typer.echo(f"\nwrote {out} ({out.stat().st_size / 1e6:.1f} MB): open it in any browser")


def _write(weights: "Weights", facts: "Dossier", out: Path) -> None:
    from loadstore.atomic import replacing
    from loadstore.report.head import head_page
    from loadstore.views.page import render_page

    with replacing(out) as partial:
        partial.write_text(render_page(head_page(weights, facts)), encoding="utf-8")


def _print(facts: "Dossier", top: int, begins: str) -> None:
    from loadstore.evidence.head_facts import WIRE_SCORES
    from loadstore.figures.heads.dossier import room_figure, tokens_figure
    from loadstore.figures.heads.verdict import summary
    from loadstore.scores.measures import BY_NAME

    print(f"{facts.model}: {summary(facts)}")
    on = list(dict.fromkeys(score.on for score in facts.roles))
    by_role = {role: [s for s in facts.roles if s.role == role] for role in dict.fromkeys(s.role for s in facts.roles)}
    columns = ("attends to", *(column for name in on for column in (name, "±")))
    rows = [[role, *(part for s in scores for part in (s.score, s.error))] for role, scores in by_role.items()]
    _table(f"Share of attention; BOS: {begins}", columns, rows)
    wires = [wire for side in "QKV" for wire in facts.side(side)[: max(1, top // 2)]]
    columns = ("writer", "reader", *(BY_NAME[name].label for name in WIRE_SCORES), "")
    _table("What it reads, best aligned first", columns, _wires(wires))
    _table("Who reads it", columns, _wires(facts.readers[:top]))
    _table(
        f"Tokens it moves (median size {facts.typical_norm:.2f})",
        ("token", "size", "promotes"),
        [[token.text, token.norm, "  ".join(token.promotes)] for token in facts.moved],
    )
    if facts.matched:
        pairs = [[pair.query, pair.key, pair.score] for pair in facts.matched]
        _table("Pairs it matches by content", ("query", "key", "score"), pairs)
    print()
    print(room_figure(facts).claim)
    print(tokens_figure(facts).claim)


def _wires(wires: "list[WireScore] | tuple[WireScore, ...]") -> list[list[object]]:
    from loadstore.evidence.head_facts import WIRE_SCORES
    from loadstore.scores.measures import BY_NAME

    def said(name: str, value: float) -> object:
        """Format a number; a p-value keeps its order of magnitude."""
        return value if BY_NAME[name].decimals is not None else f"{value:.0e}" if value > 0 else "<1e-300"

    return [
        [
            wire.writer,
            wire.reader,
            *(said(name, getattr(wire, name)) for name in WIRE_SCORES),
            "above chance" if wire.above else "–",
        ]
        for wire in wires
    ]


def _table(title: str, columns: tuple[str, ...], rows: Sequence[Sequence[object]]) -> None:
    if rows:
        print()
        print_table(title, columns, rows)
