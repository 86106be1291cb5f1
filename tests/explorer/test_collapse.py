"""The sentence about the walk's cut claims a collapse only where attention and prediction fall beyond all controls."""

import math

import pytest

from loadstore.causal.collapse import collapses
from loadstore.explorer.collapse import Cut, verdict

CONTROLS = ((0.7, 0.62), (0.8, 0.70))  # attention and prediction after each control's cut
LESS = 1e-9


def said(attention: float, prediction: float, controls: tuple[tuple[float, float], ...] = CONTROLS) -> str:
    found = Cut((0.8, attention), (0.67, prediction), controls)
    assert found.collapses == collapses(found.attention, found.prediction, found.controls)
    told = verdict(found, "L5.H1", "these wires", "none carry as much")
    assert ("The address collapses" in told) == found.collapses
    assert ("cannot be shown to carry it" in told) == (not found.collapses)
    return told


def test_attention_and_prediction_below_every_control_are_a_collapse() -> None:
    told = said(0.1, 0.6)
    assert "both fall further than that" in told
    assert "moves the attention of L5.H1 there by at most .10" in told  # the strongest control of each
    assert "the probability of the prediction by at most .05" in told


@pytest.mark.parametrize(("prediction", "falls"), [(0.62 - LESS, True), (0.62, False), (0.62 + LESS, False)])
def test_the_prediction_is_compared_with_the_control_that_moves_it_most(prediction: float, *, falls: bool) -> None:
    told = said(0.1, prediction)
    assert ("the prediction does not fall further" not in told) == falls
    assert "attention does not" not in told


def test_a_control_that_raises_the_prediction_as_far_is_as_far() -> None:
    assert "the prediction does not fall further" in said(0.1, 0.57 + LESS, ((0.7, 0.77), (0.8, 0.66)))
    assert "collapses" in said(0.1, 0.57 - LESS, ((0.7, 0.77), (0.8, 0.66)))


@pytest.mark.parametrize(("attention", "falls"), [(0.4 - LESS, True), (0.4, False), (0.4 + LESS, False)])
def test_attention_falls_to_less_than_half(attention: float, *, falls: bool) -> None:
    told = said(attention, 0.6)
    assert ("attention does not fall below half of its value" not in told) == falls


@pytest.mark.parametrize(("attention", "falls"), [(0.2 - LESS, True), (0.2, False), (0.2 + LESS, False)])
def test_attention_is_compared_with_the_control_that_moves_it_most(attention: float, *, falls: bool) -> None:
    told = said(attention, 0.6, ((0.2, 0.65), (0.8, 0.7)))
    assert ("attention does not fall" not in told) == falls


def test_a_prediction_that_rises_is_no_collapse_whatever_controls_do() -> None:
    assert "the prediction does not fall" in said(0.1, 0.67, ((0.7, 0.67),))
    assert said(0.1, math.nextafter(0.67, 0), ((0.7, 0.67),)).count("collapses") == 1


def test_neither_is_said_of_both() -> None:
    told = said(0.75, 0.66)
    assert "attention does not fall below half of its value and further than that and the prediction does not" in told


def test_without_controls_nothing_is_claimed() -> None:
    told = said(0.0, 0.0, ())
    assert told.startswith("There are no controls: none carry as much.")


def test_one_control_is_enough_and_is_counted() -> None:
    assert "1 set of other wires" in said(0.1, 0.6, ((0.7, 0.62),))
    assert "2 sets of other wires" in said(0.1, 0.6)
