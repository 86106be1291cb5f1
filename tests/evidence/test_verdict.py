"""What a check and a verified listing say, from numbers written by hand: at each threshold and on both sides of it."""

import math
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hostile import unchecked

from loadstore.evidence.claimed import Claim
from loadstore.evidence.verdict import Check, Verified, mark, nats, note, summary
from loadstore.sites import Reader, Writer

WIRE = (Writer("head", 0, 7), Reader(1, 4, "K"))
CONTROLS = (0.1, -0.2)


def check(
    effect: float = -0.5, mean: float = -1.0, error: float = 0.25, controls: tuple[float, ...] = CONTROLS
) -> Check:
    """A cut that should lower the target."""
    claim = Claim((WIRE,), "K", -1.0, (("L1.H4", 10, 4),))
    return Check(claim, 0.7, effect, 0.3, 0.5, ((0.9, 0.1),), controls, mean, error)


def verified(*checks: Check) -> Verified:
    """Checks of a listing whose target has probability .9; nothing else of the listing is read here."""
    with unchecked():
        return Verified(cast("Any", SimpleNamespace(probability=0.9)), checks, 8, "paraphrases")


@pytest.mark.parametrize(
    ("mean", "replicated"),
    [(-0.5, False), (math.nextafter(-0.5, -1), True), (-0.3, False), (0.6, False), (0.0, False), (math.nan, False)],
)
def test_a_mean_beyond_two_standard_errors_on_its_side_is_replicated(mean: float, *, replicated: bool) -> None:
    assert check(mean=mean).replicated is replicated
    assert check(mean=mean).verified is replicated


@pytest.mark.parametrize(("effect", "p"), [(-0.2, 2 / 3), (math.nextafter(-0.2, -1), 1 / 3), (0.5, 1.0)])
def test_its_p_counts_the_controls_that_go_as_far_either_way(effect: float, p: float) -> None:
    assert check(effect=effect).p == pytest.approx(p)


def test_a_mark_says_verified_or_beyond_or_neither() -> None:
    assert mark(check()) == "✔ verified"
    assert mark(check(mean=0.0)) == "◦ beyond its controls, not replicated"
    assert mark(check(effect=-0.1)) == "✘ not beyond its controls"


def test_a_note_gives_the_largest_control_whatever_its_sign() -> None:
    assert note(verified(check()), check()) == (
        "cut L0.H7: p .90 → .50, −.50 nats (controls ≤ .20; replicates −1.00 ± .25) ✔ verified"
    )


@pytest.mark.parametrize(("value", "text"), [(0.094, ".094"), (-0.0949, "−.095"), (0.095, ".10"), (-1.5, "−1.50")])
def test_small_changes_have_three_digits(value: float, text: str) -> None:
    assert nats(value) == text


def test_luck_is_the_chance_of_as_many_cuts_beyond_their_controls() -> None:
    one = check()  # of two controls: by luck in one of three
    assert verified(one).luck == pytest.approx(1 / 3)
    assert verified(one, one).luck == pytest.approx(1 / 9)
    assert verified(one, check(mean=0.0)).luck == pytest.approx(1 - 4 / 9)
    assert verified(check(mean=0.0)).luck == pytest.approx(1.0)


@pytest.mark.parametrize(("controls", "holds"), [(99, False), (100, True), (98, False)])
def test_a_listing_holds_where_luck_is_below_one_hundredth(controls: int, *, holds: bool) -> None:
    found = verified(check(controls=(0.0,) * controls))
    assert found.luck == pytest.approx(1 / (1 + controls))
    assert found.holds is holds


def test_the_summary_counts_what_is_verified_and_what_luck_would_give() -> None:
    found = verified(check(), check(mean=0.0), check(effect=-0.1, controls=(0.1, 0.2, 0.3)))
    assert summary(found) == (
        "the listing FAILS verification: 1 of 3 cuts are verified, 2 are beyond all of their controls "
        "(2 to 3 each; by luck 0.9 would be, and 1 or more with p 0.7); replicated on 8 paraphrases"
    )
    sure = verified(*[check(controls=(0.0,) * 100)] * 5)
    assert summary(sure).startswith("the listing holds: 5 of 5 cuts are verified, 5 are beyond")
    assert "(100 each; by luck 0.0 would be, and 5 or more with p < 1e-9)" in summary(sure)
