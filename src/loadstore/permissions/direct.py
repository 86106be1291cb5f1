"""Direct breaches of a policy on text: traffic of the protected component, and stores into its subspace.

Both must exceed a threshold and the null of a random rotation. Information copied onward from there is taint
(permissions/taint.py). Docs: docs/permissions.md.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from loadstore.model.wiring import wiring
from loadstore.permissions.component import component_traffic, stored_powers
from loadstore.permissions.policy import Policy, Rights, rights
from loadstore.wire_traffic.moments import Moments

if TYPE_CHECKING:
    import xarray as xr

LEVEL = 0.01
DEFINITION = (
    "own = share of the variance of all that a reader loads, stored = share of what a subspace holds; a breach is "
    "above the threshold and beyond the null"
)


def direct(kept: Moments, policy: Policy, threshold: float) -> "xr.Dataset":
    """Loads from protected subspaces and stores into them: the results of ``audit`` without taint.

    Args:
        kept: The moments of a corpus.
        policy: What is protected, and who may load and store.
        threshold: The fraction that counts as a breach.

    Returns:
        Dataset over (subspace, reader) and (subspace, writer), in the form of ``ls.audit``.
    """
    import xarray as xr

    weights = kept.weights
    network, every_right = wiring(weights), rights(weights, policy)
    loaded = component_traffic(kept, [right.subspace.rows.to(weights.dtype) for right in every_right], network.readers)
    values: dict[str, Any] = {"traffic": loaded.traffic, "own": loaded.own, "p": loaded.p}
    values["may_load"] = np.array([[reader in right.load for reader in network.readers] for right in every_right])
    values["declassifies"] = np.array(
        [[reader in right.declassify for reader in network.readers] for right in every_right]
    )
    tests = max(1, int((~values["may_load"]).sum()))
    values["breach"] = ~values["may_load"] & (loaded.own > threshold) & (loaded.p < LEVEL / tests)
    stores = [_stores(kept, right, threshold) for right in every_right]
    stored = {name: np.stack([each[name] for each in stores]) for name in stores[0]}
    return xr.Dataset(
        {
            **{name: (("subspace", "reader"), value) for name, value in values.items()},
            **{name: (("subspace", "writer"), value) for name, value in stored.items()},
        },
        coords={
            "subspace": [right.name for right in every_right],
            "reader": [str(reader) for reader in network.readers],
            "writer": [str(writer) for writer in network.writers],
        },
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "corpus": kept.corpus,
            "documents": kept.documents,
            "tokens": len(kept.tokens),
            "threshold": threshold,
            "ranks": [right.subspace.rank for right in every_right],
            "sources": [right.subspace.source for right in every_right],
            "definition": DEFINITION,
        },
    )


def _stores(kept: Moments, right: Rights, threshold: float) -> dict[str, np.ndarray]:
    """Each writer's fraction of the power in a subspace, and whether it may store there."""
    writers = wiring(kept.weights).writers
    share, p = stored_powers(kept, right.subspace.rows.to(kept.weights.dtype), writers)
    may = np.array([writer in right.store for writer in writers])
    breach = ~may & (share > threshold) & (p < LEVEL / max(1, int((~may).sum())))
    return {"may_store": may, "stored": share, "stored_p": p, "store_breach": breach}
