"""The program of a prediction as a figure, estimated or verified."""

from collections.abc import Mapping

from loadstore.decomposition.program import Listing
from loadstore.decomposition.program import program as lines
from loadstore.decomposition.short import short
from loadstore.evidence.verdict import Check, Verified, notes, summary
from loadstore.evidence.whole import Whole
from loadstore.figures.picture.pictured import picture_of_listing
from loadstore.figures.words import number, percent
from loadstore.views.model import Figure, View, figure, table
from loadstore.views.program import line, program

ESTIMATED = (
    "Shares of a load sum to 1; ≈ marks an MLP: how its store would change without that writer. What a cut does is "
    "estimated by attribution; loadstore verify makes the cuts, beside controls."
)


def listing_figure(
    result: Listing | Verified,
    name: str = "Program",
    roles: Mapping[str, str] | None = None,
    whole: Whole | None = None,
) -> Figure:
    """The listing as a picture and as a program; for a proof, with its cuts."""
    shown, proof = (result.listing, result) if isinstance(result, Verified) else (result, None)
    title = f"What made {shown.text_of(shown.token)} after {shown.labels[shown.at]}"
    drawn = picture_of_listing(shown, roles or {}, proof, whole if proof is None else proof.whole)
    views: list[View] = [drawn.view, _program(shown, proof, title)]
    claim = (
        f"The logit of {shown.text_of(shown.token)} is {number(abs(shown.contrast), 1)} "
        f"{'below' if shown.contrast < 0 else 'above'} "
        f"{'the mean of all' if shown.against is None else f'that of {shown.text_of(shown.against)}'}; "
        f"{explained(shown.explained)}. {ESTIMATED if isinstance(result, Listing) else _verdict(result)}"
    )
    if isinstance(result, Verified):
        views.append(_cuts(result))
    return figure(name, title, claim, views)


def explained(part: float) -> str:
    """The listed writers' part of a target in words; an excess over the whole is cancelled by the others."""
    held = f"the writers listed hold {percent(part)} of that"
    return f"{held}, and all others together take the excess away" if round(part, 2) > 1 else held


def _program(shown: Listing, proof: Verified | None, title: str) -> View:
    steps = {(step.site, step.at): index for index, step in enumerate(shown.steps)}
    rows, step = [], -2  # the target's two lines come before the steps
    for row in lines(shown, None if proof is None else notes(proof, whole=False)):
        step += bool(row.site) or row.op == "target"
        parts = [(text, None if cell is None else steps.get(cell)) for text, cell in row.parts]
        rows.append(line(row.site, row.op, row.place, parts, row.comment, row.mark, step if step >= 0 else None))
    return program(title, rows)


def _verdict(proof: Verified) -> str:
    said = summary(proof)
    return f"{said[0].upper()}{said[1:]}."


def _cuts(proof: Verified) -> View:
    columns = [
        ("cut", "cut", None),
        ("probability", "p after", 3),
        ("effect", "effect (nats)", 3),
        ("largest", "largest control", 3),
        ("controls", "controls", 0),
        ("mean", "mean of replicates", 3),
        ("error", "± standard error", 3),
        ("attention", "attention", None),
        ("verdict", "verdict", None),
    ]
    rows = [
        [
            check.claim.text,
            check.probability,
            check.effect,
            max(map(abs, check.controls)),
            len(check.controls),
            check.mean,
            check.standard_error,
            _attention(proof, check),
            "✔ verified" if check.verified else "◦ beyond its controls" if check.beyond else "✘ not beyond",
        ]
        for check in proof.checks
    ]
    return table("Every cut beside its controls", columns, rows)


def _attention(proof: Verified, check: Check) -> str:
    labels = proof.listing.labels
    return ", ".join(
        f"{head} {labels[query]} → {labels[key]} {short(before)} → {short(after)}"
        for (head, query, key), (before, after) in zip(check.claim.watched, check.attention, strict=True)
    )
