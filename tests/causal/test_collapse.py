"""A collapse needs attention and prediction beyond every control; at a threshold it is not one."""

import pytest

from loadstore.causal.collapse import collapses

CONTROLS = [(0.7, 0.8), (0.4, 0.6)]


@pytest.mark.parametrize(
    ("attention", "prediction", "expected"),
    [
        ((0.9, 0.1), (0.8, 0.2), True),
        ((0.9, 0.1), (0.8, 0.6), False),  # the prediction at the strongest control
        ((0.9, 0.1), (0.8, 0.59), True),  # just below it
        ((0.9, 0.1), (0.8, 0.61), False),  # just above it
        ((0.9, 0.4), (0.8, 0.2), False),  # the attention at the strongest control
        ((0.9, 0.39), (0.8, 0.2), True),
        ((0.6, 0.3), (0.8, 0.2), False),  # half of the attention before
        ((0.6, 0.299), (0.8, 0.2), True),
        ((0.6, 0.301), (0.8, 0.2), False),
        ((0.9, 0.1), (0.2, 0.2), False),  # the prediction did not move
        ((0.9, 0.1), (0.2, 0.3), False),  # the prediction rose
        ((0.9, 0.1), (0.65, 0.49), True),  # it falls by .16, where a control raises it by .15
        ((0.9, 0.1), (0.65, 0.51), False),
        ((0.0, 0.0), (0.8, 0.2), False),  # no attention to lose
        ((float("nan"), float("nan")), (0.8, 0.2), False),
    ],
)
def test_a_collapse_is_beyond_all_controls_in_attention_and_prediction(
    attention: tuple[float, float], prediction: tuple[float, float], expected: bool
) -> None:
    assert collapses(attention, prediction, CONTROLS) is expected


def test_without_a_control_nothing_is_called_a_collapse() -> None:
    assert not collapses((0.9, 0.0), (0.9, 0.0), [])


def test_the_case_of_the_walk_that_called_a_loss_of_seven_points_a_collapse() -> None:
    """Attention .81 → .05 at SmolLM2, the prediction .67 → .60 where a control leaves .60 as well."""
    assert not collapses((0.81, 0.05), (0.67, 0.60), [(0.80, 0.62), (0.79, 0.60)])
