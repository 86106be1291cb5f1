"""The rule for an effect beyond its controls, shared by every proof, report and screen.

An effect is beyond its controls if it goes further in the claimed direction than any control goes in either direction.
A control in the opposite direction counts too: it shows how far cuts of comparable wires move the number, and the
claimed direction may come from the same run. If the wire is exchangeable with its n controls, every order of their
effects is equally likely. The probability of an effect beyond them is then at most 1/(n + 1).

Tests: tests/causal/test_beyond.py, and tests/causal/test_calibration.py for the probability.
"""

from collections.abc import Sequence


def reaching(effect: float, controls: Sequence[float]) -> int:
    """The number of controls whose effect, in either direction, is at least the effect in the claimed direction.

    Args:
        effect: The change of the measured number; positive is the claimed direction.
        controls: The change when each control is cut instead.

    Returns:
        A count. It includes all controls if the effect is NaN or goes in the opposite direction.
    """
    return sum(not effect > abs(control) for control in controls)


def p_value(effect: float, controls: Sequence[float]) -> float:
    """(1 + the number of controls that reach the effect) / (1 + the number of controls); 1 without controls."""
    return (1 + reaching(effect, controls)) / (1 + len(controls))


def beyond(effect: float, controls: Sequence[float]) -> bool:
    """Whether there is at least one control and none reaches the effect."""
    return bool(controls) and reaching(effect, controls) == 0
