"""The sentences of a head's dossier follow from its numbers, whatever they are."""

from dataclasses import replace

import pytest

from loadstore.evidence.head_facts import AblationEffect, Dossier, MatchedPair, RoleScore, WireScore
from loadstore.figures.heads.dossier import figures_of
from loadstore.figures.heads.verdict import LITTLE, summary

NAN = float("nan")
QUIET = Dossier(
    model="m",
    head="L0.H4",
    roles=(RoleScore("previous", "random repeats", 0.05, 0.001), RoleScore("induction", "random repeats", NAN, NAN)),
    reads=(
        WireScore("embed", "L0.H4.Q", 0.001, 0.2, 0.4, above=False),
        WireScore("pos", "L0.H4.K", 0.5, 99.0, 0.0, above=True),
    ),
    readers=(WireScore("L0.H4", "unembed", 0.01, 0.5, 0.3, above=False),),
    singular_values=(2.0, 0.0),
    structureless=(2**0.5, 2**0.5),
    accuracy=((1, 0.25), (5, 0.5)),
    eigenvalue_score=-0.5,
    moved=(),
    typical_norm=1.0,
    matched=(),
    unmatched="W_QK depends on query − key; give one, offset=",
    ablation=(
        AblationEffect("second copies of random repeats", 0.03, -0.001, 0.002),
        AblationEffect("text", 4.0, 0.02, 0.004),
    ),
)


def claims(found: Dossier) -> dict[str, str]:
    return {figure.number: figure.claim for figure in figures_of(found)}


def test_a_quiet_head_is_said_to_do_little_and_noise_to_be_noise() -> None:
    said = summary(QUIET)
    assert "plays none of the 2 roles" in said
    assert "largest share is .05, on the previous token" in said
    assert "It does little" in said
    assert "−.001 ± .002 nats on second copies of random repeats (of .03, within the noise)" in said
    assert "+.020 ± .004 nats on text (of 4.00)" in said


def test_one_large_effect_or_role_is_told() -> None:
    loud = replace(
        QUIET,
        roles=(RoleScore("first", "text", 0.7, 0.01), RoleScore("first", "random repeats", 0.6, 0.01)),
        ablation=(QUIET.ablation[0], AblationEffect("text", 4.0, LITTLE, 0.001)),
    )
    assert "puts most of its attention on the first token (.70 on text and .60 on random repeats)" in summary(loud)
    assert "little" not in summary(loud)
    helped = replace(QUIET, ablation=(AblationEffect("text", 4.0, -2 * LITTLE, 0.001),))
    assert "little" not in summary(helped)
    assert "could not be scored" in summary(replace(QUIET, roles=(RoleScore("first", "text", NAN, NAN),)))


def test_nothing_above_chance_is_said_for_each_side() -> None:
    said = claims(QUIET)
    assert "Q: none above chance, not even the best, embed (alignment .00, z 0); K: pos (alignment .50" in said["H2"]
    assert said["H2"].endswith("V: no writer has a score.")
    assert said["H3"].startswith("No reader is aligned above chance with what L0.H4 stores, not even the best, ")
    assert claims(replace(QUIET, readers=()))["H3"] == "No reader is aligned above chance with what L0.H4 stores."
    shown = [[row.text for row in figure.views[0].rows] for figure in figures_of(QUIET)[1:3]]
    assert [text.endswith(", not above chance") for texts in shown for text in texts] == [True, False, True]
    heard = replace(QUIET, readers=(WireScore("L0.H4", "L1.H1.V", 0.3, 44.0, 1e-9, above=True), *QUIET.readers))
    assert "Of the 2 readers that can load from L0.H4, 1 is aligned" in claims(heard)["H3"]
    assert "best L1.H1.V (alignment .30, z 44)" in claims(heard)["H3"]


def test_spectrum_and_tokens_are_told() -> None:
    said = claims(QUIET)
    assert "has an effective rank of 1.0 of 2 (the participation ratio" in said["H4"]
    assert "as large (dashed) has 2.0." in said["H4"]
    assert "most for 25.0 %, among the first 5 for 50.0 % of tokens; eigenvalue score −.50" in said["H5"]
    assert "undefined: W_QK depends on query − key" in said["H5"]
    pair = replace(QUIET, matched=(MatchedPair("␣he", "␣his", 6.9),), unmatched="")
    assert "The best matched pair is ␣he → ␣his." in claims(pair)["H5"]
    assert len(figures_of(pair)[4].views) == len(figures_of(QUIET)[4].views) + 1


def test_pairs_that_read_the_same_are_one_row_with_their_number() -> None:
    pairs = tuple(MatchedPair(query, "\ufffd", score) for query, score in (("Test", 3.9), ("exc", 3.8), ("Test", 3.7)))
    (*_, view) = figures_of(replace(QUIET, matched=pairs, unmatched=""))[4].views
    assert view.rows == (("Test", "\ufffd  (2 tokens that look the same)", 3.9), ("exc", "\ufffd", 3.8))


def test_ablation_is_a_dot_with_two_standard_errors() -> None:
    (view,) = figures_of(QUIET)[5].views
    for row, effect in zip(view.rows, QUIET.ablation, strict=True):
        assert row.value == pytest.approx(effect.effect)
        assert row.interval == pytest.approx((effect.effect - 2 * effect.error, effect.effect + 2 * effect.error))


def test_strong_bars_are_those_above_chance() -> None:
    shown = {figure.number: [row.strong for row in figure.views[0].rows] for figure in figures_of(QUIET)[1:3]}
    assert shown == {"H2": [False, True], "H3": [False]}
