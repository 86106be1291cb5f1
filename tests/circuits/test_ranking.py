"""Rankings, sizes, curves and files of circuits: at, below and above each threshold."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from circuits.test_methods import some_pairs
from tiny import FEW

import loadstore as ls
from loadstore.circuits.attribution import attribute_pairs
from loadstore.circuits.circuit import Circuit
from loadstore.circuits.curve import MIB, curve, mean_small, smallest_from
from loadstore.circuits.faithfulness import faithfulness
from loadstore.circuits.live import live
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.ranking import count_of, ranking
from loadstore.circuits.sized import circuit
from loadstore.errors import BadCheckpoint, BadRequest, NoSuchSite, NoSuchWire, NotThisModel


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return some_pairs(FEW[4])


@pytest.fixture(scope="module")
def ranked(pairs: Pairs) -> xr.Dataset:
    return attribute_pairs(pairs, "some")


def test_a_size_is_a_share_or_a_count() -> None:
    assert [count_of(size, 1000) for size in (0.0001, 0.0014, 0.0016, 1.0, 1, 1000)] == [1, 1, 2, 1000, 1, 1000]
    for size in (0, -1, 0.0, 1.0001, 1001, float("nan"), float("inf"), True):
        with pytest.raises(BadRequest, match="size="):
            count_of(size, 1000)


def test_rankings_are_by_absolute_values_absolute_means_or_means() -> None:
    found = xr.Dataset({"attribution": ("wire", [3.0, 3.0, 1.0, 2.0]), "signed": ("wire", [-0.5, 0.1, 0.4, -0.6])})
    assert ranking(found, "attribution").tolist() == [0, 1, 3, 2]
    assert ranking(found, "signed").tolist() == [3, 0, 2, 1]
    assert ranking(found, "positive").tolist() == [2, 1, 0, 3]
    with pytest.raises(BadRequest, match="by='size'"):
        ranking(found, "size")
    with pytest.raises(BadRequest, match="attribute returned"):
        ranking(xr.Dataset({"signed": ("wire", [1.0])}))


def test_small_sizes_are_those_from_a_half_per_mille_to_a_tenth() -> None:
    sizes = np.array([0.0004, 0.0005, 0.1, 0.11])
    assert mean_small(sizes, np.array([9.0, 0.5, 1.3, 9.0])) == pytest.approx((0.5 + 0.3) / 2)
    assert np.isnan(mean_small(np.array([0.2]), np.array([1.0])))
    assert smallest_from(sizes, np.array([0.8499, 0.85, 0.2, 1.0])) == 0.0005
    assert np.isnan(smallest_from(sizes, np.array([0.8, 0.84, 0.2, 0.1])))


def test_a_curve_has_the_faithfulness_of_each_circuit_and_mibs_areas(ranked: xr.Dataset, pairs: Pairs) -> None:
    done: list[tuple[int, int]] = []
    found = curve(ranked, pairs, sizes=MIB, progress=lambda *now: done.append(now))
    assert done == [(number, len(MIB)) for number in range(1, len(MIB) + 1)]
    for place in (6, 8):
        one = faithfulness(circuit(ranked, float(MIB[place])), pairs)
        for name in ("faithfulness", "low", "high", "error"):
            assert float(found[name][place]) == pytest.approx(float(one[name]), abs=1e-12)
    f = found.faithfulness.values
    by_hand = sum((MIB[i + 1] - MIB[i]) * (f[i] + f[i + 1]) / 2 for i in range(len(MIB) - 1))
    assert found.attrs["cpr"] == pytest.approx(by_hand)
    away = np.abs(1 - f)
    by_hand = sum((MIB[i + 1] - MIB[i]) * (away[i] + away[i + 1]) / 2 for i in range(len(MIB) - 1))
    assert found.attrs["cmd"] == pytest.approx(by_hand)
    assert f[-1] == pytest.approx(1)
    assert np.isnan(curve(ranked, pairs, sizes=[0.1, 1.0]).attrs["cmd"])


def test_attributions_are_means_over_pairs_with_their_errors(ranked: xr.Dataset, pairs: Pairs) -> None:
    alone = [attribute_pairs(pairs.rows([row]), "some") for row in range(3)]
    each = np.stack([one.signed.values for one in alone])
    assert ranked.attribution.values == pytest.approx(np.abs(each).mean(0))
    assert ranked.signed.values == pytest.approx(each.mean(0))
    assert ranked.standard_error.values == pytest.approx(np.abs(each).std(0, ddof=1) / 3**0.5)
    assert np.isnan(alone[0].standard_error.values).all()
    assert ranked.sizes["wire"] == live(pairs.model).count
    assert ranked.attrs["total"] == pytest.approx(np.mean([one.attrs["total"] for one in alone]))
    assert 0 < ranked.attrs["remainder"] < 0.2


def test_attributions_at_places_sum_to_those_of_the_wire() -> None:
    task = ls.task(ls.load("builtin"), "induction", pairs=8)
    found = ls.attribute(task, places=True)
    assert found.at_place.dims == ("wire", "place")
    assert set(found.place.values) == {name for names in task.find.places for name in names}
    error = np.abs(found.at_place.sum("place").values - found.signed.values).max()
    assert error < 1e-4 * np.abs(found.signed.values).max()
    strongest = int(found.attribution.values.argmax())
    row = np.sort(np.abs(found.at_place.values[strongest]))
    assert row[-1] > 10 * row[0]  # it is at some places, not at all
    own = ls.Task(task.model, [[1, 2], [3, 4], [5, 6]], [[7, 2], [8, 4], [9, 6]], ls.logit_difference(3, 4))
    with pytest.raises(BadRequest, match="no named places"):
        ls.attribute(own, places=True)


def test_the_smallest_circuit_reaches_what_is_asked(ranked: xr.Dataset, pairs: Pairs) -> None:
    found = circuit(ranked, "F>=.85", on=pairs)
    assert float(faithfulness(found, pairs).faithfulness) >= 0.85
    assert len(found) < ranked.sizes["wire"]
    assert len(circuit(ranked, "F >= 0.2", on=pairs)) <= len(found)
    with pytest.raises(BadRequest, match=r"F ≥ 1e\+09"):
        circuit(ranked, "F>=1000000000", on=pairs)
    with pytest.raises(BadRequest, match="needs pairs"):
        circuit(ranked, "F>=.85")
    with pytest.raises(BadRequest, match="expected a share"):
        circuit(ranked, "large", on=pairs)


def test_all_wires_are_sufficient_and_necessary(ranked: xr.Dataset, pairs: Pairs) -> None:
    found = faithfulness(circuit(ranked, 1.0), pairs)
    assert float(found.faithfulness) == pytest.approx(1)
    assert float(found.necessity) == pytest.approx(1)
    assert float(found.error) == pytest.approx(0, abs=1e-20)


def test_a_metric_that_does_not_change_is_refused(pairs: Pairs) -> None:
    same = replace(pairs, counterfactual=pairs.clean)
    with pytest.raises(BadRequest, match="so no wire can matter"):
        attribute_pairs(same, "same")
    with pytest.raises(BadRequest, match="faithfulness is not defined"):
        curve(attribute_pairs(pairs, "some"), same)
    with pytest.raises(BadRequest, match="no derivative"):
        attribute_pairs(pairs, "some", ablation="zero")
    with pytest.raises(BadRequest, match="between 0 and 1"):
        attribute_pairs(pairs, "some", tolerance=1.0)


def test_a_circuit_is_saved_and_read_and_belongs_to_its_model(ranked: xr.Dataset, pairs: Pairs, tmp_path: Path) -> None:
    found, path = circuit(ranked, 20), tmp_path / "some.json"
    found.save(path)
    again = Circuit.load(path)
    assert again.document() == found.document()
    assert bool((again.mask(pairs.model) == found.mask(pairs.model)).all())
    assert int(found.mask(pairs.model).sum()) == len(found) == 20
    other = some_pairs(FEW[6])
    with pytest.raises(NotThisModel, match="has other weights"):
        found.mask(other.model)
    with pytest.raises(NotThisModel, match="has other weights"):
        curve(ranked, other)
    fewer = found.without(found.wires[:5])
    assert fewer.wires == found.wires[5:]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"schema": "loadstore/other@1"}, BadRequest, "is not a circuit"),
        ({"live": 0}, BadRequest, "is not a circuit"),
        ({"live": "many"}, BadRequest, "is not a circuit"),
        ({"wires": []}, BadRequest, "is not a circuit"),
        ({"wires": 3}, BadRequest, "is not a circuit"),
        ({"wires": ["L0.H0"]}, BadRequest, "a wire is an object"),
        ({"model": None}, BadRequest, "is not a circuit"),
        ({"wires": [{"writer": "L0.X", "reader": "unembed"}]}, NoSuchSite, "is not a writer"),
        ({"wires": [{"writer": "embed", "reader": "unembed"}] * 2}, BadRequest, "a wire twice"),
        ({"wires": [{"writer": "pos", "reader": "L1.H0.Q"}]}, NoSuchWire, "not a live wire"),
        ({"wires": [{"writer": "L2.H0", "reader": "L1.H0.Q"}]}, NoSuchWire, "not a live wire"),
    ],
)
def test_a_damaged_circuit_is_refused(
    ranked: xr.Dataset,
    pairs: Pairs,
    tmp_path: Path,
    change: dict[str, object],
    error: type[Exception],
    message: str,
) -> None:
    path = tmp_path / "some.json"
    path.write_text(json.dumps({**circuit(ranked, 3).document(), **change}))
    with pytest.raises(error, match=message):
        Circuit.load(path).mask(pairs.model)
    path.write_text("{")
    with pytest.raises(BadCheckpoint, match="is not JSON"):
        Circuit.load(path)
    assert isinstance(pairs.model, ls.Weights)
