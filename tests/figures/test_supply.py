"""A wire is said to supply an induction head only where attention and prediction need it more than all controls."""

import pytest

from loadstore.figures.subject.supply import Supply

CARRIES = "It finds its keys by what L16.H0 stored."
NOT = "cannot be shown to need this wire."


@pytest.mark.parametrize(
    ("score", "change", "expected"),
    [
        (0.1, 0.5, CARRIES),
        (0.1, 0.4, NOT),  # a control changes the loss as much
        (0.1, 0.41, CARRIES),
        (0.1, 0.39, NOT),
        (0.45, 0.5, NOT),  # half of the attention is left
        (0.44, 0.5, CARRIES),
        (0.1, -0.1, NOT),
    ],
)
def test_it_needs_attention_and_prediction(score: float, change: float, expected: str) -> None:
    told = Supply("L16.H0", 0.9, score, change, ((0.6, 0.4), (0.8, 0.0))).sentence
    assert told.endswith(expected)
    assert "cuts of the 2 other wires into that K nearest in traffic move the score by at most .30 and the loss" in told


def test_without_controls_nothing_is_concluded() -> None:
    assert "no other wire to compare" in Supply("embed", 0.9, 0.1, 1.0, ()).sentence
