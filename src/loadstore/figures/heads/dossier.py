"""The figures of one head's dossier: its roles, reads, stores and matches, and the cost of its ablation."""

import math
from typing import TYPE_CHECKING

from loadstore.evidence.dossier import dossier
from loadstore.evidence.head_facts import Dossier, MatchedPair, WireScore, participation
from loadstore.figures.heads.verdict import LITTLE, lost, named_role
from loadstore.figures.words import chance, number, percent, plural
from loadstore.heads.roles import IS_ROLE
from loadstore.model.weights import Weights
from loadstore.scores.measures import BY_NAME
from loadstore.sites import SIDES, Head
from loadstore.views.base import round_up
from loadstore.views.dots import dot, dots
from loadstore.views.model import Figure, View, bars, figure, lines, reading, series, table

if TYPE_CHECKING:
    import xarray as xr

MOST = 6  # wires shown for a side
AVERAGED = "Q and K depend on an offset here; their scores are averaged over those that the layer lets meet."


def dossier_figures(
    weights: Weights, head: Head | str, roles: "xr.Dataset | None" = None, scores: "xr.Dataset | None" = None
) -> list[Figure]:
    """Roles, inputs, readers, spectrum and tokens of a head, and the cost of its ablation."""
    return figures_of(dossier(weights, head, roles=roles, scores=scores))


def figures_of(dossier: Dossier) -> list[Figure]:
    """The same figures, from an existing dossier."""
    return [
        _roles(dossier),
        _reads(dossier),
        _readers(dossier),
        room_figure(dossier),
        tokens_figure(dossier),
        _ablation(dossier),
    ]


def _roles(dossier: Dossier) -> Figure:
    on = list(dict.fromkeys(score.on for score in dossier.roles))
    views: list[View] = []
    for name in on:
        here = [score for score in dossier.roles if score.on == name]
        rows = [(s.role, s.score, "" if math.isnan(s.error) else f"± {number(s.error, 3)}") for s in here]
        rules = [(IS_ROLE, "a head is named by a role above this")]
        views.append(
            bars(
                f"On {name}",
                "share of attention",
                ("role", "standard error"),
                rows,
                kind="unsigned",
                low=0.0,
                high=1.0,
                rules=rules,
                strong=[i for i, s in enumerate(here) if s.score > IS_ROLE],
            )
        )
    return figure("H1", f"Where {dossier.head} looks", f"{dossier.head} {named_role(dossier)}.", views)


def _wire_bars(title: str, rows: list[tuple[str, WireScore]], column: str) -> View:
    reach = min(1.0, round_up(max((abs(wire.alignment) for _, wire in rows), default=1.0)))
    return bars(
        title,
        BY_NAME["alignment"].axis,
        (column, "z, p"),
        [(label, wire.alignment, _null(wire)) for label, wire in rows],
        low=-reach if any(wire.alignment < 0 for _, wire in rows) else 0.0,
        high=reach,
        strong=[index for index, (_, wire) in enumerate(rows) if wire.above],
    )


def _null(wire: WireScore) -> str:
    return f"z {number(wire.z, 0)}, {chance(wire.p)}{'' if wire.above else ', not above chance'}"


def _measured(wire: WireScore) -> str:
    return f"(alignment {number(wire.alignment)}, z {number(wire.z, 0)})"


def _aligned(side: str, wires: tuple[WireScore, ...]) -> str:
    """The best aligned writer of a side, or that there is none above chance."""
    if not wires:
        return f"{side}: no writer has a score"
    best = f"{wires[0].writer} {_measured(wires[0])}"
    return f"{side}: {best}" if wires[0].above else f"{side}: none above chance, not even the best, {best}"


def _reads(dossier: Dossier) -> Figure:
    rows = [(f"{side} ← {wire.writer}", wire) for side in SIDES for wire in dossier.side(side)[:MOST]]
    views = [_wire_bars("Best aligned writers", rows, "side and writer")]
    parts = "; ".join(_aligned(side, dossier.side(side)) for side in SIDES)
    note = reading(
        "Alignment shows what a side can read, not what it loads. Strong bars have p < .01 after Bonferroni over the "
        "writers of their side." + (f" {AVERAGED}" if dossier.averaged else "")
    )
    return figure("H2", f"What {dossier.head} reads", f"Best aligned writers of {dossier.head}: {parts}.", views, note)


def _readers(dossier: Dossier) -> Figure:
    above = sum(wire.above for wire in dossier.readers)
    if above:
        best = dossier.readers[0]
        claim = (
            f"Of the {plural(len(dossier.readers), 'reader')} that can load from {dossier.head}, {above} "
            f"{'is' if above == 1 else 'are'} aligned with what it stores above chance; best {best.reader} "
            f"{_measured(best)}."
        )
    else:
        best = (
            f", not even the best, {dossier.readers[0].reader} {_measured(dossier.readers[0])}"
            if dossier.readers
            else ""
        )
        claim = f"No reader is aligned above chance with what {dossier.head} stores{best}."
    rows = [(wire.reader, wire) for wire in dossier.readers[:MOST]]
    views = [_wire_bars("Best aligned readers", rows, "reader")] if rows else []
    return figure("H3", f"Who reads {dossier.head}", claim, views)


def room_figure(dossier: Dossier) -> Figure:
    """The singular values of W_OV compared with those of two random matrices."""
    ranks = list(range(1, len(dossier.singular_values) + 1))
    flat = participation(dossier.structureless)
    claim = (
        f"W_OV of {dossier.head} has an effective rank of {number(dossier.participation, 1)} of {len(ranks)} (the "
        f"participation ratio of its squared singular values); a product of two random matrices as large (dashed) has "
        f"{number(flat, 1)}."
    )
    drawn = [
        series(dossier.head, ranks, dossier.singular_values),
        series("random", ranks, dossier.structureless, dashed=True),
    ]
    view = lines(
        "Singular values of W_OV", ("rank", "direction", "linear"), ("value", "singular value", "linear"), drawn
    )
    return figure("H4", f"How much room {dossier.head} takes", claim, [view])


def tokens_figure(dossier: Dossier) -> Figure:
    """The tokens that the head moves most, and the pairs that it matches best."""
    shares = ", ".join(
        f"{'most' if k == 1 else f'among the first {k}'} for {percent(share, 1)}" for k, share in dossier.accuracy
    )
    claim = (
        f"Attending to a token, {dossier.head} raises this token's own logit {shares} of tokens; eigenvalue score "
        f"{number(dossier.eigenvalue_score)} (1 copies, −1 suppresses)."
    )
    moved = [[token.text, token.norm, "  ".join(token.promotes)] for token in dossier.moved]
    columns = (("token", "token", None), ("norm", "size of the store", 2), ("promotes", "promotes", None))
    views = [table(f"Tokens moved most (median size {number(dossier.typical_norm)})", columns, moved)]
    if dossier.matched:
        pairs = _distinct(dossier.matched)
        columns = (("query", "query", None), ("key", "key", None), ("score", "score above the mean key", 2))
        views.append(table("Pairs matched best by content", columns, pairs))
        claim += f" The best matched pair is {dossier.matched[0].query} → {dossier.matched[0].key}."
    else:
        claim += f" Which tokens it matches is undefined: {dossier.unmatched}."
    return figure("H5", f"The tokens of {dossier.head}", claim, views)


def _distinct(pairs: tuple[MatchedPair, ...]) -> list[list[str | float]]:
    """The pairs in order; pairs with equal text, such as bytes of one character, are shown once with their number."""
    groups: dict[tuple[str, str], list[MatchedPair]] = {}
    for pair in pairs:
        groups.setdefault((pair.query, pair.key), []).append(pair)
    return [
        [query, key if len(same) == 1 else f"{key}  ({len(same)} tokens that look the same)", same[0].score]
        for (query, key), same in groups.items()
    ]


def _ablation(dossier: Dossier) -> Figure:
    rows = [
        dot(
            effect.on,
            effect.effect,
            None if math.isnan(effect.error) else (effect.effect - 2 * effect.error, effect.effect + 2 * effect.error),
            text=f"of {number(effect.intact, 3)} nats intact",
        )
        for effect in dossier.ablation
    ]
    label = "change of the loss, nats per token"
    return figure(
        "H6",
        f"What is lost without {dossier.head}",
        lost(dossier),
        [dots("Mean ablation", label, rows, rules=[(0.0, "no change")], digits=3)],
        reading(
            f"An effect below {number(LITTLE)} nats per token is called little; one below two standard errors, the "
            "bar, noise."
        ),
    )
