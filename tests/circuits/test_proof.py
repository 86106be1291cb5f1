"""The rules of a proof: controls are alike, p-values are calibrated, thresholds hold, and a stopped proof goes on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from circuits.test_methods import some_pairs
from depth import deep
from shapes import unchecked
from tiny import FEW

from loadstore.circuits.controls import alike, as_mask, chosen, strata
from loadstore.circuits.ledger import Ledger
from loadstore.circuits.live import live
from loadstore.circuits.measured import Measured, drawn, measured
from loadstore.circuits.minimality import benjamini_hochberg
from loadstore.circuits.proof import BesideControls
from loadstore.circuits.ranking import Ends
from loadstore.circuits.stability import first_of, jaccard, order_of_pairs, stability
from loadstore.circuits.sufficiency import beside_controls, p_of
from loadstore.errors import BadRequest

PARALLEL, GATED = FEW[5], FEW[6]


@pytest.fixture(scope="module")
def on() -> Measured:
    return measured(some_pairs(GATED))


def some_wires(on: Measured, share: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(on.live.count) < share


def test_controls_have_as_many_wires_of_every_stratum(on: Measured) -> None:
    kinds, wires = strata(on.live), some_wires(on, 0.3)
    counts = np.bincount(kinds[wires], minlength=kinds.max() + 1)
    draws = [alike(kinds, wires, np.random.default_rng(seed)) for seed in range(20)]
    for draw in draws:
        assert (np.bincount(kinds[draw], minlength=kinds.max() + 1) == counts).all()
    assert len({draw.tobytes() for draw in draws}) == 20
    often = np.mean(draws, 0)
    sizes = np.bincount(kinds)
    for kind in range(kinds.max() + 1):  # every wire of a stratum is drawn as often as the others
        assert abs(often[kinds == kind].mean() - counts[kind] / sizes[kind]) < 1e-12
        assert not 0 < counts[kind] < sizes[kind] or np.ptp(often[kinds == kind]) < 0.8


def test_wires_outside_are_all_taken_where_too_few_are_left(on: Measured) -> None:
    kinds, wires = strata(on.live), some_wires(on, 0.7)
    added = alike(kinds, wires, np.random.default_rng(1), outside=wires)
    assert not (added & wires).any()
    for kind in range(kinds.max() + 1):
        left = int((~wires & (kinds == kind)).sum())
        assert int(added[kinds == kind].sum()) == min(left, int((wires & (kinds == kind)).sum()))


def test_masks_and_choices_are_each_others_inverse(on: Measured) -> None:
    wires = some_wires(on, 0.4)
    mask = as_mask(on.live, wires)
    assert not bool((mask & ~on.live.exists).any())
    assert (chosen(on.live, mask) == wires).all()


def test_strata_are_kind_of_writer_side_and_layer() -> None:
    network = live(some_pairs(PARALLEL).model)
    kinds = strata(network)
    rows, columns = network.exists.nonzero().unbind(1)
    expected = [
        (network.writers[row].kind, network.readers[column].side, network.readers[column].layer)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    assert len(set(zip(kinds.tolist(), expected, strict=True))) == len(set(expected)) == kinds.max() + 1


@pytest.mark.parametrize(("value", "p"), [(3.0, 1 / 4), (2.0, 2 / 4), (1.9, 2 / 4), (0.0, 1.0), (float("nan"), 1.0)])
def test_p_counts_controls_that_are_at_least_as_good(value: float, p: float) -> None:
    assert p_of(value, [2.0, 1.0, 0.5]) == p


def test_benjamini_and_hochberg_at_below_and_above_their_line() -> None:
    assert benjamini_hochberg([0.05]) == 1
    assert benjamini_hochberg([0.0501]) == 0
    assert benjamini_hochberg([0.01, 0.03, 0.04, 0.2]) == 1  # .03 > 2/4 · .05, .04 > 3/4 · .05
    assert benjamini_hochberg([0.04, 0.01, 0.03, 0.0375]) == 4  # one that passes carries those before it
    assert benjamini_hochberg([]) == 0


def test_circuits_of_the_control_distribution_are_rarely_beyond_their_controls(on: Measured) -> None:
    kinds, wires, count, controls = strata(on.live), some_wires(on, 0.5), deep(1000, usual=250), 100
    generator = np.random.default_rng(7)
    with unchecked():
        f = [on.faithfulness(as_mask(on.live, alike(kinds, wires, generator))) for _ in range(count + controls)]
    quality = -np.abs(1 - np.array(f))
    small = 0
    for place in range(count):
        others = np.delete(quality, place)[generator.permutation(len(quality) - 1)[:controls]]
        small += p_of(float(quality[place]), others.tolist()) <= 0.01
    assert len(set(f)) > count // 2
    assert small / count <= 0.01 + 3 * (0.01 * 0.99 / count) ** 0.5


def test_sufficiency_and_necessity_are_measured_on_the_same_controls(on: Measured) -> None:
    kinds, wires = strata(on.live), some_wires(on, 0.5)
    alone, without = beside_controls(on, wires, kinds, None, 6, 0, Ledger(None, ""))
    mask = as_mask(on.live, wires)
    assert alone.value == on.faithfulness(mask)
    assert without.value == on.faithfulness(on.live.exists & ~mask)
    control = as_mask(on.live, alike(kinds, wires, np.random.default_rng([0, 3])))
    assert alone.controls[3] == on.faithfulness(control)
    assert without.controls[3] == on.faithfulness(on.live.exists & ~control)
    gaps = [abs(1 - f) - abs(1 - alone.value) for f in alone.controls]
    assert alone.gap == pytest.approx(min(gaps))
    assert without.gap == pytest.approx(min(without.controls) - without.value)
    assert alone.p == (1 + sum(gap <= 0 for gap in gaps)) / 7
    assert np.isnan(alone.near)
    assert isinstance(alone, BesideControls)
    assert alone.low <= alone.value <= alone.high


def test_removing_one_wire_after_the_other_is_running_the_circuit_without_each(on: Measured) -> None:
    for kind in (FEW[5], FEW[9], FEW[10]):
        pairs = measured(some_pairs(kind))
        wires = some_wires(pairs, 0.5)
        places = np.flatnonzero(wires)[::4]
        found = pairs.without_each(as_mask(pairs.live, wires), places)
        for place, values in zip(places, found, strict=True):
            left = wires.copy()
            left[place] = False
            expected = pairs.values(as_mask(pairs.live, left))
            assert np.abs(values - expected).max() <= 1e-10 * np.abs(expected).max(), str(kind)


NOWHERE = Ends([], [])


def test_stability_is_one_where_all_pairs_agree_and_less_where_they_do_not() -> None:
    same = np.tile(np.arange(20.0), (6, 1))
    assert stability(same, ("",) * 6, NOWHERE, "attribution", 5, 0).mean == 1
    other = np.random.default_rng(0).random((6, 200))
    found = stability(other, ("",) * 6, NOWHERE, "attribution", 20, 0)
    assert 0.05 < found.mean < 0.9
    assert found.low <= found.mean <= found.high
    assert jaccard(np.array([True, True, False]), np.array([False, True, True])) == 1 / 3
    assert jaccard(np.array([False]), np.array([False])) == 1


def test_resampled_pairs_are_ranked_as_the_circuit_was() -> None:
    each = np.array([[3.0, 2.0, -1.0], [-3.0, 2.0, -2.0]])  # the first cancels, the third is negative
    for by, expected in {"attribution": [0, 1, 2], "signed": [1, 2, 0], "positive": [1, 0, 2]}.items():
        assert order_of_pairs(each, np.ones(2), NOWHERE, by).tolist() == expected, by
    assert order_of_pairs(each, np.array([2.0, 0.0]), NOWHERE, "positive").tolist() == [0, 1, 2]
    assert first_of(np.array([2, 0, 1]), 2).tolist() == [True, False, True]


def test_pairs_are_drawn_within_templates_that_are_drawn() -> None:
    counts = drawn(("a", "a", "a", "b"), 4000, 0)
    assert set(counts.sum(1)) == {2.0, 4.0, 6.0}  # twice b, one of each, twice a
    assert abs(counts[:, :3].mean() - counts[:, 3].mean()) < 0.1
    assert (drawn(("", ""), 50, 1) == drawn(("", ""), 50, 1)).all()


def test_a_ledger_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path, asked = tmp_path / "proof.jsonl", list[str]()

    def compute(name: str, values: list[float]) -> list[float]:
        asked.append(name)
        return values

    first = Ledger(path, "facts")
    assert first.numbers("a", lambda: compute("a", [1.0, float("nan")]))[0] == 1
    first.numbers("b", lambda: compute("b", [2.5]))
    path.write_bytes(path.read_bytes()[:-3])  # torn while b was written
    done: list[str] = []
    again = Ledger(path, "facts", done.append)
    assert np.isnan(again.numbers("a", lambda: compute("again", []))[1])
    assert again.numbers("b", lambda: compute("b again", [2.5])) == [2.5]
    assert Ledger(path, "facts").numbers("b", lambda: compute("third", [0.0])) == [2.5]
    assert asked == ["a", "b", "b again"]
    assert done == ["a", "b"]
    with pytest.raises(BadRequest, match="another proof"):
        Ledger(path, "other facts")
    path.write_text('{"facts": "facts"}\nno json\n')
    with pytest.raises(BadRequest, match="damaged"):
        Ledger(path, "facts")


def test_all_wires_and_none_are_one_and_zero(on: Measured) -> None:
    assert on.faithfulness(on.live.exists) == pytest.approx(1, abs=1e-12)
    none = on.values(torch.zeros_like(on.live.exists))
    assert on.ratio(none) == pytest.approx(0, abs=1e-12)
    assert on.error(none) == pytest.approx(1)
    assert on.error(on.all) == 0
    assert on.interval(on.all) == (1.0, 1.0)
