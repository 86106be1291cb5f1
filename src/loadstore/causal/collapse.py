"""The criterion for a collapse: a cut makes attention and prediction fall further than any control moves them.

Every sentence in report and explorer that claims a collapse uses it. Test: tests/causal/test_collapse.py.
"""

from collections.abc import Sequence

from loadstore.causal.beyond import beyond

REMAINS = 0.5
"""A collapse leaves less than this share of the attention before the cut."""


def collapses(
    attention: tuple[float, float], prediction: tuple[float, float], controls: Sequence[tuple[float, float]]
) -> bool:
    """Return True if a cut makes attention and prediction fall further than any control moves them.

    Args:
        attention: Attention before and after the cut.
        prediction: Probability of the explained prediction, before and after the cut.
        controls: Attention and prediction after each control's cut.

    Returns:
        True if all of this holds, else False:

        - There is at least one control.
        - The attention left is less than ``REMAINS`` of the attention before.
        - Attention and prediction each fall further than any control moves them, up or down.
    """
    if not controls or not attention[1] < REMAINS * attention[0]:
        return False
    kept, left = zip(*controls, strict=True)
    return falls(attention, kept) and falls(prediction, left)


def falls(values: tuple[float, float], controls: Sequence[float]) -> bool:
    """Whether a number falls further than any control moves it.

    Args:
        values: The number before and after the cut.
        controls: The number after each control's cut.
    """
    before, after = values
    return beyond(before - after, [control - before for control in controls])
