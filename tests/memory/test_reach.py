"""Reach: distances of planted wires, equal reading, and the half-life of a model that forgets at a known rate."""

import math
from dataclasses import replace

import numpy as np
import planted as p
import pytest
from each import each
from memory.machines import texts, with_repeater
from tiny import FEW, OTHER_HALF, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.causal.cutting import cut_each
from loadstore.corpora.corpus import read_corpus
from loadstore.memory.reach import half_life, reach
from loadstore.model.wiring import wiring


@each("kind", OTHER_HALF, ids=str)
def test_parts_are_those_of_squared_traffic_by_distance(kind: Kind) -> None:
    model = tiny(kind)
    moments = ls.statistics.moments(model, read_corpus(model, some_tokens(model, 5).tolist()))
    found, table = reach(model, moments), ls.traffic(model, moments)
    for row in found.readers:
        names = ["unembed"] if row.side == "unembed" else []
        names = names or [str(r) for r in table.reader.values if str(r).startswith(f"L{row.layer}.")]
        names = [name for name in names if row.side == "unembed" or name.endswith(f".{row.side}")]
        distances: dict[int, list[float]] = {}
        for writer in map(str, table.writer.values):
            squared = float(np.square(table.traffic.sel(writer=writer, reader=names)).sum(skipna=False))
            if math.isfinite(squared) and not writer.endswith("bias"):
                if writer == "pos" and kind.positions == "shortformer":
                    continue
                layer = -1 if writer in ("embed", "pos") else int(writer[1:].split(".")[0])
                distances.setdefault(row.layer - layer, []).append(squared)
        assert row.distance.tolist() == sorted(distances)
        total = sum(map(sum, distances.values()))
        assert row.part.tolist() == pytest.approx([sum(distances[key]) / total for key in sorted(distances)])
        count = sum(map(len, distances.values()))
        assert row.equal.tolist() == pytest.approx([len(distances[key]) / count for key in sorted(distances)])


def test_a_planted_reader_reaches_back_to_its_writer() -> None:
    model = with_repeater(p.planted())
    found = {(row.layer, row.side): row for row in reach(model, texts(model)).readers}
    assert found[1, "K"].part.tolist() == pytest.approx([1, 0], abs=1e-9)  # of L0.H0, one layer back
    assert found[2, "V"].median == 2
    assert found[1, "Q"].median == 2
    assert found[1, "Q"].median_equal == 2  # embed and pos are two of three writers
    assert found[3, "unembed"].median == 2  # L1.H0, which stores the answer


def test_a_half_life_is_fitted_over_the_depths_that_exist() -> None:
    near, far = np.array([1, 2, 3, 4]), np.array([1, 2, 3, 7])
    assert half_life([(near, 5 * 2.0 ** (-near / 3)), (far, 0.1 * 2.0 ** (-far / 3))]) == pytest.approx(3)
    assert half_life([(near, 2.0**near)]) == math.inf
    assert math.isnan(half_life([(near[:2], near[:2])]))
    assert half_life([(near, np.array([8.0, 0, 2.0, 1.0]))]) == pytest.approx(1)  # nothing is read at 2


def test_its_text_its_table_and_its_effects_are_made_from_the_numbers() -> None:
    model = tiny(Kind("none", "none", False), n_layers=3)
    found = reach(model, some_tokens(model, 4).tolist(), effect=12)
    same = replace(found, ratio=1.0, half_life=math.inf)
    assert "of equal reading: 1.00; a writer's traffic² does not fall with distance" in str(same)
    assert sum(found.effects.wires) >= 9
    assert found.effects.distance.tolist() == [1, 2, 3]
    data = found.to_xarray()
    assert np.allclose(data.part.sum("distance"), 1)
    assert found.ratio == pytest.approx(
        float(np.mean([row.mean / row.mean_equal for row in found.readers if len(row.distance) > 1]))
    )
    model = tiny(FEW[6])
    found = reach(model, some_tokens(model, 4).tolist(), effect=10_000)
    trace, network = ls.run(model, some_tokens(model, 4)), wiring(model)
    wires = [(w, r) for r in network.readers for w in network.writers if not r.is_unembed and network.connects(w, r)]
    near = [(w, r) for w, r in wires if r.layer - w.layer == 1]
    changes = [effect.change for effect in cut_each(trace, near)]
    assert found.effects.wires.sum() == len(wires)
    assert found.effects.effect[found.effects.distance.tolist().index(1)] == pytest.approx(np.mean(changes))
