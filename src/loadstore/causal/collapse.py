"""When a cut may be called a collapse: attention and prediction both fall, further than every control makes them.

One criterion for every sentence of report and explorer that claims it. Test: tests/causal/test_collapse.py.
"""

from collections.abc import Sequence

REMAINS = 0.5
"""The attention that a collapse leaves is less than this share of the attention before the cut."""


def collapses(
    attention: tuple[float, float], prediction: tuple[float, float], controls: Sequence[tuple[float, float]]
) -> bool:
    """Return True if a cut makes attention and prediction fall further than every control does.

    Args:
        attention: Attention before and after the cut.
        prediction: Probability of the explained prediction, before and after the cut.
        controls: Attention and prediction after each control's cut.

    Returns:
        True if all of this holds, else False:

        - There is at least one control.
        - The attention left is less than ``REMAINS`` of the attention before, and below that of all controls.
        - The prediction left is below its value before, and below that of all controls.
    """
    if not controls or attention[1] >= REMAINS * attention[0]:
        return False
    beyond = all(attention[1] < kept and prediction[1] < left for kept, left in controls)
    return beyond and prediction[1] < prediction[0]
