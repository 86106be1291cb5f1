"""A page about the moment an induction head formed."""

from pathlib import Path

from loadstore.atomic import write_whole
from loadstore.figures.facts import facts
from loadstore.heads.roles import random_repeats
from loadstore.model.weights import Weights
from loadstore.tokenizer.tokens import labels
from loadstore.training.formation import FORMED, HIGH, LOW, Formation, chance, verdict
from loadstore.version import VERSION
from loadstore.views.charts import Series
from loadstore.views.figures import Page, Section
from loadstore.views.model import figure, lines, reading, rule, series
from loadstore.views.page import render_page


def formation_document(weights: Weights, found: Formation) -> Page:
    """Scores and losses over log tokens as a page, on a repeat of random words."""
    ids = random_repeats(weights, 1, period=8)[0].tolist()
    shown = [i for i, tokens in enumerate(found.tokens) if tokens > 0]  # a log axis has no zero

    def over_tokens(name: str, values: list[float], *, dashed: bool = False) -> Series:
        return series(name, [found.tokens[i] for i in shown], [values[i] for i in shown], dashed=dashed)

    x = ("tokens", "tokens", "log")
    moments = [
        rule("x", moment.tokens, f"{share:.0%} of the rise")
        for moment, share in ((found.began, LOW), (found.ended, HIGH))
        if moment is not None
    ]
    scores = lines(
        "Scores on random repeats",
        x,
        ("score", "share of attention", "linear"),
        [
            over_tokens(f"induction, {found.head}", found.score),
            over_tokens(f"previous token, {found.previous_head}", found.previous, dashed=True),
        ],
        [*moments, rule("y", FORMED, "formed")],
    )
    losses = lines(
        "Losses on random repeats",
        x,
        ("loss", "nats", "linear"),
        [
            over_tokens("second copy", found.second_copy),
            over_tokens("first copy", found.first_copy, dashed=True),
        ],
        moments,
    )
    return Page(
        title="The moment an induction head forms" if found.formed else "No induction head formed",
        lead=_sentence(verdict(found)),
        prompt="" if weights.tokens is None else weights.tokens.tokenizer.decode(ids),
        tokens=tuple(labels(ids, weights.tokens)),
        facts=tuple(facts(weights)),
        sections=(
            Section(
                id="formation",
                title="The moment" if found.formed else "The run",
                lead="The text is random words, repeated: only looking back can tell what comes next.",
                figures=(
                    figure(
                        "1",
                        "Where the heads looked, and what the two copies cost",
                        _sentence(chance(found, weights.architecture.vocab)),
                        [scores, losses],
                        reading(
                            "The induction score is the mean attention on the token after an earlier copy of the "
                            "present one; the previous-token score that on the token before. Both heads are those that "
                            "are strongest at the end, followed back to the first step."
                        ),
                    ),
                ),
            ),
        ),
        footer=(f"loadstore {VERSION}. This page carries all numbers in it; it loads nothing.",),
    )


def write_formation(weights: Weights, found: Formation, path: Path) -> None:
    """Write the page, whole or not at all. Raises BadRequest when it cannot be written."""
    write_whole(path, render_page(formation_document(weights, found)).encode())


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
