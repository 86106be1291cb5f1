"""The Benjamini–Hochberg adjustment of many p-values, which controls the rate of false discoveries.

With p₁ ≤ … ≤ p_m sorted, q_i = min over j ≥ i of min(1, m p_j/j). Declaring every wire with q ≤ α a discovery is the
step-up rule at level α. If the p are independent, the expected share of false discoveries is at most α.

Derivation: docs/which-null.md, checked by tests/theorems/test_discovery.py. Source: Benjamini and Hochberg 1995.
"""

import numpy as np


def adjusted(p: np.ndarray) -> np.ndarray:
    """Return q for every p, in the same shape; NaN where p is NaN, which is not counted."""
    q = np.full(p.shape, np.nan)
    asked = np.isfinite(p)
    values = p[asked]
    order = np.argsort(values)
    steps = values[order] * (len(values) / np.arange(1, len(values) + 1))
    falling = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    back = np.empty_like(falling)
    back[order] = falling
    q[asked] = back
    return q
