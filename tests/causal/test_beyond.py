"""Beyond all controls: the claimed way, further than any goes either way; at the largest control it is not."""

import math

import pytest

from loadstore.causal.beyond import beyond, p_value, reaching

CONTROLS = (0.1, -0.4, 0.25)
JUST = (math.nextafter(0.4, 0), 0.4, math.nextafter(0.4, 1))


@pytest.mark.parametrize(("effect", "reached"), [(JUST[0], 1), (JUST[1], 1), (JUST[2], 0), (0.25, 2), (0.05, 3)])
def test_controls_reach_an_effect_either_way(effect: float, reached: int) -> None:
    assert reaching(effect, CONTROLS) == reached
    assert beyond(effect, CONTROLS) == (reached == 0)
    assert p_value(effect, CONTROLS) == (1 + reached) / 4


@pytest.mark.parametrize("effect", [-9.0, 0.0, math.nan])
def test_an_effect_of_the_other_way_is_never_beyond(effect: float) -> None:
    assert not beyond(effect, (0.0, 0.01))
    assert p_value(effect, CONTROLS) == 1


def test_without_controls_nothing_is_beyond() -> None:
    assert not beyond(9.0, ())
    assert p_value(9.0, ()) == 1


def test_a_control_without_a_number_is_reached() -> None:
    assert not beyond(9.0, (0.1, math.nan))
