"""Cutting a head's own wires from one run equals cutting them in runs of their own."""

import pytest
import torch
from each import each
from tiny import KINDS, OTHER_HALF, Kind, few_with, tiny

from loadstore.causal.own_cuts import own_cuts
from loadstore.errors import Undefined
from loadstore.execution.edits import cut
from loadstore.execution.run import run
from loadstore.heads.patterns import mass_on, role_masks
from loadstore.model.wiring import wiring
from loadstore.wire_traffic.exact import reader_traffic


@each(("kind", "side"), few_with("QK", of=OTHER_HALF), str)
def test_equal_to_runs_with_the_cut(kind: Kind, side: str) -> None:
    weights = tiny(kind).double()
    once = torch.randint(1, weights.architecture.vocab, (3, 3), generator=torch.Generator().manual_seed(1))
    tokens = torch.cat([once, once, once], 1)  # what followed is two tokens back: within every window
    trace = run(weights, tokens, record=True)
    head = weights.architecture.heads[-1]
    table = own_cuts(trace, f"{head}.{side}")
    window = weights.architecture.window(head.layer)
    mask = role_masks(tokens, None, window)["induction"]
    assert mask.any()
    loads = reader_traffic(trace, f"{head}.{side}")
    assert float(table.intact) == pytest.approx(float(mass_on(trace.pattern(head)[:, None], mask)[0].nanmean()))
    writers = [str(writer) for writer in wiring(weights).writers_of(wiring(weights).reader(f"{head}.{side}"))]
    assert table["writer"].values.tolist() == writers
    for writer in writers:
        after = run(weights, tokens, [cut(writer, f"{head}.{side}")], record=True)
        pattern = after.pattern(head)
        row = table.sel(writer=writer)
        moved = (trace.pattern(head) - pattern).abs().sum(-1) + (trace.sink(head) - after.sink(head)).abs()
        assert float(row.change) == pytest.approx(0.5 * float(moved.mean()), abs=1e-12)
        assert float(row.score) == pytest.approx(float(mass_on(pattern[:, None], mask)[0].nanmean()), abs=1e-12)
        assert float(row.traffic) == loads[writer]
    assert table.change.max() > 0


def test_other_sides_are_refused() -> None:
    trace = run(tiny(KINDS[0]), torch.arange(1, 7), record=True)
    for reader in ("L1.H0.V", "unembed"):
        with pytest.raises(Undefined, match="Q or a K"):
            own_cuts(trace, reader)
