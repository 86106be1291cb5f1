"""Lifetimes: exact sums over later writers, their nulls, and what no gauge changes."""

import math

import numpy as np
import planted as p
import pytest
import torch
from each import each
from memory.machines import texts
from tiny import FEW, HALF, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.corpora.corpus import read_corpus
from loadstore.linear.whitening import whitening
from loadstore.memory.depth import later
from loadstore.memory.lifetime import lifetimes
from loadstore.memory.nulls import Nulls
from loadstore.memory.stores import in_stream
from loadstore.memory.terms import loads
from loadstore.model.gauge import rotate_stream
from loadstore.model.weights import Weights


def some(model: Weights, count: int = 5) -> list[list[int]]:
    return some_tokens(model, count).tolist()


@each("kind", HALF, ids=str)
def test_rho_is_the_stream_after_a_writer_less_the_stream_that_first_holds_it(kind: Kind) -> None:
    model = tiny(kind)
    found, traces = lifetimes(model, some(model), checks=1), [ls.run(model, row, record=True) for row in some(model)]
    shape = model.architecture

    def stream(depth: str) -> torch.Tensor:
        layer = shape.n_layers if depth == "unembed" else int(depth[1:].partition(".")[0])
        parts = []
        for trace in traces:
            x = trace.residual(layer)
            if depth.endswith(".mlp") and shape.mlp is not None and not shape.mlp.parallel:
                x = x + sum(trace.written(f"L{layer}.H{head}") for head in range(shape.n_heads))
                x = x + (trace.written(f"L{layer}.bias") if model.layers[layer].b_O is not None else 0)
            parts.append(x[1:])
        joined = torch.cat(parts)
        return joined - joined.mean(0)

    streams = {depth: stream(depth) for depth in found.depth}
    for writer, rho in zip(found.writers, found.rho, strict=True):
        store = torch.cat([trace.written(writer)[1:] for trace in traces])
        store = store - store.mean(0)
        first = int(np.isfinite(rho).argmax())
        for place in range(first, len(rho)):
            added = streams[found.depth[place]] - streams[found.depth[first]]
            expected = float((added * store).sum() / store.square().sum())
            assert rho[place] == pytest.approx(expected, abs=1e-10)
    assert np.allclose(np.nansum(found.term, 1), found.rho[:, -1], atol=1e-10)


@each("kind", [FEW[0], FEW[6], FEW[8]], ids=str)
def test_whitened_terms_are_those_of_stores_in_white_coordinates_and_sum_to_rho(kind: Kind) -> None:
    model = tiny(kind)
    found = lifetimes(model, some(model), writers="L0.H1", checks=1, whiten=True)
    assert np.allclose(
        np.nansum(found.term, 2).T[np.isfinite(found.rho)], found.rho[np.isfinite(found.rho)], atol=1e-10
    )
    traces = [ls.run(model, row) for row in some(model)]
    w, x, stream = (
        torch.cat([read(trace)[1:] for trace in traces])
        for read in (
            lambda trace: trace.written("L0.H1"),
            lambda trace: trace.written("L2.H0"),
            lambda trace: trace.residual(3),
        )
    )
    w, x, stream = (each - each.mean(0) for each in (w, x, stream))
    root, _ = whitening(stream.mT @ stream / len(stream))
    expected = float(((w @ root) * (x @ root)).sum() / (w @ root).square().sum())
    assert found.term[-1, 0, found.later.index("L2.H0")] == pytest.approx(expected, abs=1e-10)


def test_across_tokens_a_term_is_weighted_by_attention() -> None:
    model = tiny(FEW[6])
    found, traces = lifetimes(model, some(model), checks=1), [ls.run(model, row, record=True) for row in some(model)]
    stores = {w: torch.stack([trace.written(w) for trace in traces]) for w in ("L0.mlp", "L2.H1")}
    dev = {w: value - value[:, 1:].mean((0, 1)) for w, value in stores.items()}
    total = 0.0
    for row, trace in enumerate(traces):
        pattern = trace.pattern("L2.H1")
        for i in range(1, pattern.shape[0]):
            for j in range(1, i):
                total += float(pattern[i, j] * (dev["L2.H1"][row, i] @ dev["L0.mlp"][row, j]))
    value = found.across[found.writers.index("L0.mlp"), found.later.index("L2.H1")]
    assert value == pytest.approx(total / float(dev["L0.mlp"][:, 1:].square().sum()), abs=1e-10)
    assert not np.nan_to_num(found.across[:, found.later.index("L2.mlp")]).any()


@each("pair", [("L0.H0", "L1.H1"), ("embed", "L1.H1"), ("L0.H0", "L1.mlp"), ("embed", "L1.mlp")])
def test_the_nulls_have_the_spread_of_shuffled_tokens_and_of_turned_stores(pair: tuple[str, str]) -> None:
    model = tiny(FEW[6])
    moments = ls.statistics.moments(model, read_corpus(model, some(model)), readers="unembed")
    one, two = (next(w for w in in_stream(model) if str(w) == name) for name in pair)
    found = Nulls(moments).of(one, two)
    w, x = (torch.cat([ls.run(model, row).written(name)[1:] for row in some(model)]) for name in pair)
    w, x, n = w - w.mean(0), x - x.mean(0), len(w)
    generator = torch.Generator().manual_seed(0)
    draws = 4000
    shuffled = [float((x[torch.randperm(n, generator=generator)] * w).sum()) / n for _ in range(draws)]
    cross = w.mT @ x / n
    gaussian = torch.randn(draws, 12, 12, generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(gaussian)
    haar = q * r.diagonal(dim1=1, dim2=2).sign()[:, None]
    turned = (haar * cross.mT).sum((1, 2))
    assert found.shuffled == pytest.approx(float(np.std(shuffled)), rel=0.05)
    assert found.turned == pytest.approx(float(turned.std()), rel=0.05)
    assert float(np.mean(shuffled)) == pytest.approx(0, abs=4 * found.shuffled / math.sqrt(draws))


def test_the_nulls_of_terms_across_tokens_are_those_of_what_loads_from_a_token() -> None:
    model = tiny(FEW[6])
    moments = ls.statistics.moments(model, read_corpus(model, some(model)), readers="unembed")
    one, two = (next(w for w in in_stream(model) if str(w) == name) for name in ("embed", "L1.H1"))
    found = Nulls(moments, loads(moments, [two])).of(one, two)
    traces = [ls.run(model, row, record=True) for row in some(model)]
    w, x = (torch.stack([trace.written(name)[1:] for trace in traces]) for name in ("embed", "L1.H1"))
    patterns = torch.stack([trace.pattern("L1.H1")[1:, 1:].tril(-1) for trace in traces])
    x = (patterns.mT @ (x - x.mean((0, 1)))).flatten(0, 1)
    w, x, n = (w - w.mean((0, 1))).flatten(0, 1), x - x.mean(0), x.shape[0]
    generator = torch.Generator().manual_seed(0)
    shuffled = [float((x[torch.randperm(n, generator=generator)] * w).sum()) / n for _ in range(4000)]
    assert found.shuffled == pytest.approx(float(np.std(shuffled)), rel=0.05)
    assert found.turned == pytest.approx(float((w.mT @ x / n).norm()) / math.sqrt(12), rel=1e-9)


def test_a_rotation_of_the_stream_changes_no_lifetime_and_no_pair() -> None:
    model = p.with_clean_up(p.planted())
    one, other = (lifetimes(m, texts(model)) for m in (model, rotate_stream(model, p.rotation(seed=2))))
    for name in ("rho", "term", "across", "error"):
        assert np.allclose(getattr(one, name), getattr(other, name), atol=1e-10, equal_nan=True), name
    assert [(pair.writer, pair.later, pair.reported) for pair in one.pairs] == [
        (pair.writer, pair.later, pair.reported) for pair in other.pairs
    ]


def test_a_writer_comes_before_those_that_can_read_it() -> None:
    model = tiny(Kind("rotary", "layer", True, "parallel"))
    known = in_stream(model)
    names, follows = [str(writer) for writer in known], later(model, known)
    assert "L0.bias" not in names
    for w, x, expected in [
        ("L0.H0", "L0.mlp", False),  # a parallel block
        ("L0.H0", "L0.H1", False),
        ("L0.H0", "L1.mlp", True),
        ("L0.mlp", "L1.H0", True),
        ("embed", "L0.H0", True),
        ("L1.H0", "L0.mlp", False),
    ]:
        assert follows[names.index(w), names.index(x)] == expected, (w, x)


@pytest.mark.parametrize("whiten", [False, True])
def test_lifetimes_are_a_dataset(whiten: bool) -> None:
    model = tiny(FEW[0])
    found = lifetimes(model, some(model), checks=0, whiten=whiten)
    table = found.to_xarray()
    assert np.array_equal(table.rho.sel(writer="L0.H0").values, found.rho[found.writers.index("L0.H0")], equal_nan=True)
    assert table.term.dims == (("depth",) if whiten else ()) + ("writer", "later")
    assert f"Lifetimes of {len(found.writers)} writers of {model.name}" in repr(found)
