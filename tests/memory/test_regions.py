"""Regions: the smallest subspace of a writer's covariance, what it does not depend on, and who shares it."""

from dataclasses import replace

import planted as p
import pytest
import torch
from each import each
from memory.machines import texts
from tiny import HALF, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.memory.map_text import table
from loadstore.memory.memory_map import memory_map
from loadstore.memory.overlap import overlaps, principal_cosines
from loadstore.model.gauge import rotate_stream
from loadstore.model.weights import Weights

PLAIN = Kind("learned", "none", False, "gelu")


def some(model: Weights, count: int = 6) -> list[list[int]]:
    return some_tokens(model, count).tolist()


@each("kind", HALF, ids=str)
def test_a_region_is_the_smallest_subspace_with_its_share_of_the_variance(kind: Kind) -> None:
    model = tiny(kind)
    found = memory_map(model, some(model), share=0.8, directions=1)
    traces = [ls.run(model, row, record=True) for row in some(model)]
    for region in found.regions:
        stores = torch.cat([trace.written(region.writer)[1:] for trace in traces])
        stores = stores - stores.mean(0)
        held = (stores @ region.rows.mT).square().sum() / stores.square().sum()
        values = torch.linalg.svdvals(stores).square()
        assert float(held) >= 0.8 - 1e-9
        assert float(values[: region.rank - 1].sum() / values.sum()) < 0.8
        assert torch.allclose(region.rows @ region.rows.mT, torch.eye(region.rank, dtype=torch.float64), atol=1e-9)
        assert region.variance == pytest.approx(float(stores.square().sum(1).mean()))
    assert sum(region.share for region in found.regions if region.share == region.share) == pytest.approx(1)
    assert [region.writer for region in found.regions if region.power != region.power] == (
        ["pos"] if kind.positions == "shortformer" else []
    )


def test_a_rotation_turns_regions_and_neither_size_nor_mean_changes_them() -> None:
    model, turn = tiny(PLAIN), p.rotation(12)
    before, after = (memory_map(m, some(model)) for m in (model, rotate_stream(model, turn)))
    for one, other in zip(before.regions, after.regions, strict=True):
        assert torch.allclose(one.rows.mT @ one.rows, turn @ (other.rows.mT @ other.rows) @ turn.mT, atol=1e-8)
        assert one.rank == other.rank
        assert [each.plus for each in one.directions] == [each.plus for each in other.directions]
        assert (one.power, one.share) == pytest.approx((other.power, other.share))
    assert torch.allclose(before.overlaps.overlap, after.overlaps.overlap, equal_nan=True)
    assert [[name for name, _ in some] for some in before.readers] == [[n for n, _ in some] for some in after.readers]
    model = tiny(Kind("learned", "none", True))  # nor do the size and the mean of a store matter
    moved = replace(model.layers[0], W_O=3 * model.layers[0].W_O, b_O=model.layers[0].b_O + 1)
    other = replace(model, layers=(moved, *model.layers[1:]))
    one, two = (memory_map(m, some(model), writers="L0.*") for m in (model, other))
    for before, after in zip(one.regions, two.regions, strict=True):
        assert torch.allclose(before.rows.mT @ before.rows, after.rows.mT @ after.rows, atol=1e-8)
        assert after.variance == pytest.approx(9 * before.variance)


def test_a_planted_head_stores_in_its_block_and_is_overwritten_by_the_clean_up_head_alone() -> None:
    model = p.with_clean_up(p.planted())
    found = memory_map(model, texts(model))
    region = found.region("L0.H0")
    assert float(region.rows[:, p.S].square().sum()) == pytest.approx(region.rank)
    assert [name for name, _, _ in found.overwriters("L0.H0")] == ["L2.H0"]
    assert found.overwriters("L0.H0")[0][1] > 0.9
    assert {reader for reader, _ in found.readers[2]} == {"L1.H0.K", "L2.H0.V"}
    assert str(found) == table(found.attrs, found.to_dict(2)["regions"])
    line = next(line for line in str(found).splitlines() if line.startswith("L0.H0 "))
    assert "L2.H0" in line
    assert "L1.H0.K" in line


def test_overlap_is_at_chance_for_random_regions_and_beyond_it_for_shared_ones() -> None:
    generator = torch.Generator().manual_seed(0)
    d, shared = 24, p.rotation(24)[:5]
    drawn = [torch.linalg.qr(torch.randn(d, r, generator=generator, dtype=torch.float64))[0].mT for r in [3, 7] * 200]
    random = overlaps(drawn, d)
    pairs = random.overlap[0::2, 1::2].flatten()
    assert float(pairs.mean()) == pytest.approx(7 / 24, rel=0.02)
    assert float(random.chance[0, 1]) == pytest.approx(7 / 24)
    assert float(random.z[0::2, 1::2].std()) == pytest.approx(1, rel=0.1)
    assert float((random.p[0::2, 1::2] < 0.01).double().mean()) < 0.015
    full = torch.eye(d, dtype=torch.float64)
    found = overlaps([shared, p.rotation(24)[3:9], full, shared[:0]], d)
    assert float(found.overlap[0, 1]) == pytest.approx(2 / 5)
    assert principal_cosines(shared, p.rotation(24)[3:9]).tolist() == pytest.approx([1, 1, 0, 0, 0])
    assert float(found.overlap[0, 2]) == pytest.approx(1)
    assert torch.isnan(found.p[0, 2:]).all()
    assert torch.isnan(found.overlap[:, 3]).all()


def test_a_map_is_a_dataset_with_nothing_where_nobody_follows() -> None:
    model = tiny(PLAIN)
    found = memory_map(model, some(model))
    table = found.to_xarray()
    assert table.writer.values.tolist() == [region.writer for region in found.regions]
    assert table["rank"].values.tolist() == [region.rank for region in found.regions]
    assert (table.overlap.isnull() == ~found.follows).all()
    assert table["load"].dims == ("writer", "reader")
    assert table.attrs == found.attrs
