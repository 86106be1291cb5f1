"""The formation of an induction head: scores and losses over tokens of training."""

from loadstore.figures.words import percent, sentence
from loadstore.training.formation import FORMED, HIGH, LOW, Formation, chance
from loadstore.views.charts import Series
from loadstore.views.model import Figure, figure, lines, reading, rule, series


def formation_figure(formation: Formation, vocab: int) -> Figure:
    """Scores and losses over log tokens.

    Args:
        formation: The course of a training run.
        vocab: The size of the vocabulary, for the loss of uniform guessing.
    """
    shown = [i for i, tokens in enumerate(formation.tokens) if tokens > 0]  # a log axis has no zero

    def over_tokens(name: str, values: list[float], *, dashed: bool = False) -> Series:
        return series(name, [formation.tokens[i] for i in shown], [values[i] for i in shown], dashed=dashed)

    x = ("tokens", "tokens", "log")
    moments = [
        rule("x", moment.tokens, f"{percent(share)} of the rise")
        for moment, share in ((formation.began, LOW), (formation.ended, HIGH))
        if moment is not None
    ]
    scores = lines(
        "Scores on random repeats",
        x,
        ("score", "share of attention", "linear"),
        [
            over_tokens(f"induction, {formation.head}", formation.score),
            over_tokens(f"previous token, {formation.previous_head}", formation.previous, dashed=True),
        ],
        [*moments, rule("y", FORMED, "formed")],
    )
    losses = lines(
        "Losses on random repeats",
        x,
        ("loss", "nats", "linear"),
        [
            over_tokens("second copy", formation.second_copy),
            over_tokens("first copy", formation.first_copy, dashed=True),
        ],
        moments,
    )
    return figure(
        "Formation",
        "Where the heads looked, and what the two copies cost",
        sentence(chance(formation, vocab)),
        [scores, losses],
        reading(
            "The induction score is the mean attention on the token after an earlier copy of the "
            "present one; the previous-token score that on the token before. Both heads are those that "
            "are strongest at the end, followed back to the first step."
        ),
    )
