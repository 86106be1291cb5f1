"""Summarises a head in one sentence, graded by the strength of its effect."""

import math

from loadstore.evidence.head_facts import AblationEffect, Dossier, RoleScore
from loadstore.figures.words import listed, number, with_error
from loadstore.heads.roles import IS_ROLE

LITTLE = 0.05  # nats per token: a smaller effect is called little


def summary(dossier: Dossier) -> str:
    """One sentence: the role, the effect, and the criteria for both."""
    role = named_role(dossier)
    return f"{dossier.head} {role}. {lost(dossier)}"


def named_role(dossier: Dossier) -> str:
    """The roles of the head in words, or the nearest role if it has none."""
    named = [score for score in dossier.roles if score.score > IS_ROLE]
    if named:
        by_keys = {_keys(s): listed([f"{number(o.score)} on {o.on}" for o in named if o.role == s.role]) for s in named}
        return "puts most of its attention on " + listed([f"{keys} ({shares})" for keys, shares in by_keys.items()])
    best = _strongest(dossier)
    if best is None:
        return "could not be scored for any role"
    return (
        f"plays none of the {len({s.role for s in dossier.roles})} roles that are scored here: its largest share is "
        f"{number(best.score)}, on {_keys(best)} ({best.on})"
    )


def _keys(score: RoleScore) -> str:
    return {
        "previous": "the previous token",
        "current": "the token itself",
        "first": "the first token",
        "duplicate": "earlier occurrences of the same token",
        "induction": "what followed earlier occurrences",
    }[score.role]


def _strongest(dossier: Dossier) -> RoleScore | None:
    scored = [score for score in dossier.roles if not math.isnan(score.score)]
    return max(scored, key=lambda score: score.score, default=None)


def lost(dossier: Dossier) -> str:
    """The cost of mean ablation in words, and whether it is small."""
    changes = listed([_change(effect) for effect in dossier.ablation])
    if all(abs(effect.effect) < LITTLE for effect in dossier.ablation):
        return f"It does little: mean-ablating it changes the loss by {changes}."
    return f"Mean-ablating it changes the loss by {changes}."


def _change(effect: AblationEffect) -> str:
    sign = "+" if effect.effect > 0 else ""
    noise = ", within the noise" if abs(effect.effect) < 2 * effect.error else ""
    return f"{sign}{with_error(effect.effect, effect.error, 3)} nats on {effect.on} (of {number(effect.intact)}{noise})"
