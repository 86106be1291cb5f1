"""When colours are logarithmic: where a few values own a linear scale, and only there."""

import numpy as np
import pytest

from loadstore.views.scales import transform_of

FEW = [0.01] * 19


@pytest.mark.parametrize(
    ("above", "chosen"),
    [([0.0999, 1.0], "log"), ([0.1, 1.0], "linear"), ([0.0999, 0.9], "linear"), ([-0.0999, -1.0], "log")],
)
def test_ninety_five_percent_below_a_tenth_of_the_largest_are_too_many(above: list[float], chosen: str) -> None:
    assert transform_of([FEW, np.array([above])]) == chosen


def test_missing_wires_and_zeros_have_no_say() -> None:
    spread = [0.2, 0.5, 1.0]
    assert transform_of([[0.0] * 1000 + [np.nan] * 1000 + spread]) == "linear"
    assert transform_of([[*FEW, 0.01, np.inf]]) == "linear"
    assert transform_of([]) == transform_of([[np.nan, 0.0]]) == "linear"
