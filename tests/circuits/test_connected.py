"""Wires in the order in which they come to lie on a path: the definition by search; the others change nothing."""

import numpy as np
import torch
import xarray as xr
from circuits.test_methods import some_pairs
from each import each
from tiny import FEW, Kind

from loadstore.circuits.connected import connected
from loadstore.circuits.live import Live, live
from loadstore.circuits.measured import measured
from loadstore.circuits.ranking import mask_of_first, ranking

SOME = [FEW[4], *(kind for kind in FEW if kind.after)][:3]


def on_a_path(wires: Live, mask: torch.Tensor) -> torch.Tensor:
    """The wires of a mask with a path before and behind them, by going through the layers."""
    useful = wires.useful(mask)
    for place, writer in enumerate(wires.writers[1:], 1):
        heads = [writer]
        if writer.kind == "head" and writer.layer in wires.together:
            heads = [head for head in wires.writers if head.kind == "head" and head.layer == writer.layer]
        if not bool(useful[:, [column for head in heads for column in wires.loads_of(head)]].any()):
            useful[place] = False
    return useful


def names(wires: Live) -> tuple[list[str], list[str]]:
    """The writer and the reader of every wire."""
    rows, columns = wires.exists.nonzero().unbind(1)
    return [str(wires.writers[row]) for row in rows], [str(wires.readers[column]) for column in columns]


@each("kind", SOME, str)
def test_the_first_wires_are_those_of_a_longer_ranking_that_lie_on_a_path(kind: Kind) -> None:
    pairs = some_pairs(kind)
    wires = live(pairs.model)
    order = np.random.default_rng(3).permutation(wires.count)
    new = connected(order, *names(wires), wires.together)
    assert sorted(new) == list(range(wires.count))
    for first in range(1, wires.count + 1, 7):
        expected = on_a_path(wires, mask_of_first(wires, order, first))
        assert torch.equal(mask_of_first(wires, new, int(expected.sum())), expected)


@each("kind", SOME, str)
def test_wires_on_no_path_change_nothing(kind: Kind) -> None:
    pairs = some_pairs(kind)
    on, wires = measured(pairs), live(pairs.model)
    order = np.random.default_rng(4).permutation(wires.count)
    dead = 0
    for first in (wires.count // 20, wires.count // 8):
        mask = mask_of_first(wires, order, first)
        kept = on_a_path(wires, mask)
        dead += int(mask.sum() - kept.sum())
        np.testing.assert_allclose(on.values(mask), on.values(kept), rtol=1e-10, atol=1e-12)
    assert dead > 0


def test_by_paths_ranks_by_the_larger_one_sided_mean_and_puts_dead_wires_behind() -> None:
    wires = [
        ("embed", "L0.H0.Q"),
        ("embed", "L1.H0.V"),
        ("L0.H0", "L1.H0.K"),
        ("L0.H0", "unembed"),
        ("L1.H0", "unembed"),
    ]
    parts = np.array([[0.1, 0.1], [2.5, 0.5], [4.0, -4.0], [3.0, 3.0], [0.5, -0.5]])  # of two pairs
    ranked = xr.Dataset(
        {"attribution": ("wire", np.abs(parts).mean(1)), "signed": ("wire", parts.mean(1))},
        coords={"writer": ("wire", [w for w, _ in wires]), "reader": ("wire", [r for _, r in wires])},
    )
    larger = np.maximum(np.maximum(parts, 0).mean(1), np.maximum(-parts, 0).mean(1))
    assert larger.tolist() == [0.1, 1.5, 2.0, 3.0, 0.25]
    assert ranking(ranked, "attribution").tolist() == [2, 3, 1, 4, 0]
    # L0.H0 stores nothing that differs before it loads, so its strong wires wait for the weakest one
    assert ranking(ranked, "paths").tolist() == [1, 4, 3, 2, 0]
