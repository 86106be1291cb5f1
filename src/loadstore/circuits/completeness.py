"""Finds heads and MLPs whose removal the whole model compensates, but the circuit does not."""

from collections.abc import Sequence

import numpy as np

from loadstore.circuits.controls import Chosen, as_mask
from loadstore.circuits.ledger import Ledger
from loadstore.circuits.live import Live
from loadstore.circuits.measured import Measured
from loadstore.circuits.proof import Completeness
from loadstore.sites import Writer

SITES = 16  # heads and MLPs that are removed one at a time
WORST = 3  # size of the worst set
CANDIDATES = 6  # sites tried at each step of the worst set


def completeness(on: Measured, wires: Chosen, weight: np.ndarray, ledger: Ledger) -> Completeness:
    """Remove all wires of one head or MLP at a time, then of a greedily chosen worst set.

    Args:
        on: The pairs.
        wires: The circuit.
        weight: The attribution of every live wire, used to choose sites.
        ledger: Reads numbers from an earlier run and keeps new ones.
    """
    sites = heaviest(on.live, wires, weight)[:SITES]
    removed = [_both(on, wires, [site], ledger) for site in sites]
    gaps = [abs(inside - whole) for inside, whole in removed]
    order = [sites[index] for index in np.argsort([-gap for gap in gaps], kind="stable")[:CANDIDATES]]
    worst: list[Writer] = []
    best, ends = -1.0, (float("nan"), float("nan"))
    while len(worst) < min(WORST, len(order)):
        tried = [(site, _both(on, wires, [*worst, site], ledger)) for site in order if site not in worst]
        site, ends_now = max(tried, key=lambda each: abs(each[1][0] - each[1][1]))
        if abs(ends_now[0] - ends_now[1]) <= best:
            break
        worst, best, ends = [*worst, site], abs(ends_now[0] - ends_now[1]), ends_now
    return Completeness(
        tuple(map(str, sites)),
        tuple(inside for inside, _ in removed),
        tuple(whole for _, whole in removed),
        tuple(map(str, worst)),
        *ends,
    )


def heaviest(live: Live, wires: Chosen, weight: np.ndarray) -> list[Writer]:
    """The heads and MLPs with wires in the circuit, largest total attribution first."""
    totals = {writer: 0.0 for writer in live.writers if writer.kind != "embed"}
    for writer in totals:
        totals[writer] = float(weight[wires & wires_of(live, [writer])].sum())
    used = [writer for writer in totals if bool((wires & wires_of(live, [writer])).any())]
    return sorted(used, key=lambda writer: -totals[writer])


def wires_of(live: Live, sites: Sequence[Writer]) -> Chosen:
    """All live wires that begin or end at the given heads and MLPs."""
    mask = np.zeros(tuple(live.exists.shape), dtype=bool)
    for site in sites:
        mask[live.place_of_writer[site]] = True
        mask[:, live.loads_of(site)] = True
    return mask[live.exists.numpy()]


def _both(on: Measured, wires: Chosen, sites: Sequence[Writer], ledger: Ledger) -> tuple[float, float]:
    """F of the circuit and of all wires, both without the given sites."""
    gone, name = wires_of(on.live, sites), ", ".join(sorted(map(str, sites)))
    inside, whole = as_mask(on.live, wires & ~gone), as_mask(on.live, ~gone)
    inner = ledger.numbers(f"circuit without {name}", lambda: [on.faithfulness(inside)])
    other = ledger.numbers(f"all without {name}", lambda: [on.faithfulness(whole)])
    return inner[0], other[0]
