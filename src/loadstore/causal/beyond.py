"""When an effect is beyond its controls: the one rule of every proof, report and screen.

An effect is beyond its controls if it goes the claimed way, further than any control goes either way. A control that
goes the other way counts too: it shows how far cuts of wires that carry as much move the number, and the claimed way
may have been read off the same run. If the wire is like its n controls, so that every order of their effects is equally
likely, that happens with probability 1/(n + 1) at most.

Tests: tests/causal/test_beyond.py, and tests/causal/test_calibration.py for the probability.
"""

from collections.abc import Sequence


def reaching(effect: float, controls: Sequence[float]) -> int:
    """How many controls go at least as far, either way, as the effect goes the claimed way.

    Args:
        effect: The change of the measured number; positive is the claimed way.
        controls: The change with each control cut instead.

    Returns:
        A count. All controls reach an effect that goes the other way, and NaN.
    """
    return sum(not effect > abs(control) for control in controls)


def p_value(effect: float, controls: Sequence[float]) -> float:
    """(1 + the controls that reach the effect) / (1 + all controls); 1 without controls."""
    return (1 + reaching(effect, controls)) / (1 + len(controls))


def beyond(effect: float, controls: Sequence[float]) -> bool:
    """Whether there are controls, and none reaches the effect."""
    return bool(controls) and reaching(effect, controls) == 0
