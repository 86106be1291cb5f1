"""Squared products of many wires at once: both routes, both precisions, a few at a time."""

import numpy as np
import pytest
import torch
from each import each
from torch import Tensor

from loadstore.linear.bands import packed_size
from loadstore.linear.ends import End, low_rank, of_rows
from loadstore.linear.factored import Factored
from loadstore.linear.grams import LONG, RUN, Packed, products
from loadstore.linear.routes import Routes, routes
from loadstore.scores import engine
from loadstore.scores.engine import Ask, tiles

D = 96
CHANCE = 1e-6  # of chance: what float32 may be wrong by


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def matrices(count: int, seed: int) -> list[Tensor | Factored]:
    """A bias, heads with spectra of many lengths, and dense ones of full rank, a few of them nearly of low rank."""
    found: list[Tensor | Factored] = []
    for k in range(count):
        strengths = torch.arange(1, 9, dtype=torch.float64) ** -(k % 4)
        if k % 5 == 0:
            found.append(draw(1, D, seed=seed + k))
        elif k % 5 == 1:
            decay = torch.arange(1, D + 1, dtype=torch.float64) ** -(k % 3)
            found.append(draw(150, D, seed=seed + k) * decay @ torch.linalg.qr(draw(D, D, seed=seed + k + 1))[0])
        else:
            found.append(Factored(draw(D, 8, seed=seed + k) * strengths, draw(8, D, seed=seed + k + 1)))
    return [_stored(matrix) for matrix in found]


def _stored(matrix: Tensor | Factored) -> Tensor | Factored:
    """Numbers as a float32 file has them."""
    if isinstance(matrix, Factored):
        return Factored(matrix.left.float().double(), matrix.right.float().double())
    return matrix.float().double()


def end(matrix: Tensor | Factored, dtype: torch.dtype) -> End:
    return low_rank(matrix) if isinstance(matrix, Factored) else of_rows(matrix, dtype)


def dense(matrix: Tensor | Factored) -> Tensor:
    return matrix.dense() if isinstance(matrix, Factored) else matrix


def question(writers: list[Tensor | Factored], readers: list[Tensor | Factored], wanted: np.ndarray) -> Ask:
    """Readers are given by what they read as rows: Bᵀ."""
    return Ask(
        lambda i, dtype: end(writers[i], dtype),
        lambda j, dtype: end(readers[j], dtype),
        np.array([end(w, torch.float64).rank for w in writers]),
        np.array([end(r, torch.float64).rank for r in readers]),
        wanted,
        D,
    )


def answered(ask: Ask, dtype: torch.dtype) -> Tensor:
    """X of every wanted wire; NaN elsewhere. No wire comes twice, none unwanted has a number."""
    x = torch.full(ask.wanted.shape, torch.nan, dtype=torch.float64)
    for tile in tiles(ask, dtype):
        cells = np.ix_(tile.rows, tile.columns)
        asked = torch.from_numpy(ask.wanted[cells])
        assert bool(x[cells][asked].isnan().all())
        x[cells] = torch.where(asked, torch.ldexp(tile.x, 2 * tile.exponent), x[cells])
    assert bool((x.isnan() == ~torch.from_numpy(ask.wanted)).all())
    return x


def everything(grams: bool, ask: Ask) -> Routes:
    """All wires that can by one route; an end of full rank has no core."""
    full = (ask.writer_ranks == D)[:, None] | (ask.reader_ranks == D)
    every = np.ones(len(ask.writer_ranks), dtype=bool), np.ones(len(ask.reader_ranks), dtype=bool)
    return Routes(*every, ask.wanted & (full | grams), 0.0)


def scattered(writers: int, readers: int) -> np.ndarray:
    """Later readers have more writers, and some wires are not asked for."""
    order = np.arange(writers)[:, None] <= np.arange(readers) + 3
    return order & (np.random.default_rng(0).random((writers, readers)) < 0.8)


@pytest.mark.parametrize("route", ["chosen", "grams", "cores"])
@pytest.mark.parametrize(("dtype", "most"), [(torch.float64, 1e-9), (torch.float32, CHANCE)], ids=str)
def test_every_route_gives_the_dense_product(
    monkeypatch: pytest.MonkeyPatch, route: str, dtype: torch.dtype, most: float
) -> None:
    writers, readers = matrices(20, 0), matrices(30, 500)
    wanted = scattered(20, 30)
    ask = question(writers, readers, wanted)
    if route != "chosen":
        plan = everything(route == "grams", ask)
        monkeypatch.setattr(engine, "routes", lambda *_: plan)
    x = answered(ask, dtype)
    for i, j in np.argwhere(wanted):
        A, B = dense(writers[i]), dense(readers[j]).mT
        chance = A.norm() * B.norm() * D**-0.5
        assert abs(float(x[i, j].sqrt() - (A @ B).norm())) < most * float(chance)


def test_outliers_of_a_stream_do_not_make_single_precision_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers are 30 times larger in one dimension than elsewhere, and readers as much smaller there."""
    gain = torch.ones(D, dtype=torch.float64)
    gain[0] = 30
    writers = [_stored(draw(rows, D, seed=seed) * gain) for seed, rows in enumerate([150, 8] * 5)]
    readers = [_stored(draw(8, D, seed=100 + seed) / gain) for seed in range(10)]
    ask = question(writers, readers, np.ones((10, 10), dtype=bool))
    plan = everything(True, ask)
    monkeypatch.setattr(engine, "routes", lambda *_: plan)
    monkeypatch.setattr(engine, "ERROR", 0.0)  # nothing is computed again
    chance = torch.tensor([[float(dense(w).norm() * dense(r).norm()) for r in readers] for w in writers]) * D**-0.5
    error = (answered(ask, torch.float32).sqrt() - answered(ask, torch.float64).sqrt()).abs() / chance
    assert float(error.max()) < CHANCE / 4


@each("dtype", [torch.float64, torch.float32], str)
def test_planted_zeros_are_zero(dtype: torch.dtype) -> None:
    basis = torch.linalg.qr(draw(D, D, seed=1))[0]
    # Writers store in the first half of the axes and readers load from the second; dense ones too.
    writers: list[Tensor | Factored] = [draw(n, 48, seed=n) @ basis[:48] for n in (1, 8, 150)]
    readers: list[Tensor | Factored] = [draw(n, 48, seed=n + 1) @ basis[48:] for n in (1, 8, 150)]
    x = answered(question(writers, readers, np.ones((3, 3), dtype=bool)), dtype)
    for i in range(3):
        for j in range(3):
            assert float(x[i, j].sqrt() / (dense(writers[i]).norm() * dense(readers[j]).norm())) < 1e-7


def test_a_little_at_a_time_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = question(matrices(20, 0), matrices(30, 500), scattered(20, 30))
    whole = answered(ask, torch.float64)
    size = 8 * engine.packed_size(D)
    monkeypatch.setattr(engine, "MEMORY", {"writers": 7 * size, "readers": 2 * size})
    assert len(list(tiles(ask, torch.float64))) > 40
    assert torch.allclose(answered(ask, torch.float64), whole, rtol=1e-12, atol=0, equal_nan=True)


def test_the_spectra_are_those_of_the_ends() -> None:
    writers, readers = matrices(6, 0), matrices(6, 500)
    for tile in tiles(question(writers, readers, np.ones((6, 6), dtype=bool)), torch.float64):
        for places, spectra, sides in ((tile.rows, tile.written, writers), (tile.columns, tile.read, readers)):
            for place, spectrum in zip(places, spectra, strict=True):
                exact = torch.linalg.svdvals(dense(sides[place])).square()
                exact = exact * 4.0 ** -end(sides[place], torch.float64).exponent
                assert torch.allclose(spectrum[: len(exact)], exact[: len(spectrum)], rtol=1e-8, atol=1e-10)


def test_a_plan_multiplies_no_more_than_either_route_alone() -> None:
    for seed in range(20):
        dice = np.random.default_rng(seed)
        d = int(dice.choice([24, 96, 576]))
        ranks = [np.minimum(dice.choice([1, 4, 64, d], size=n), d) for n in (12, 17)]
        exists = dice.random((12, 17)) < dice.random()
        plan = routes(ranks[0], ranks[1], exists, d)
        assert not (plan.by_gram & ~exists).any()
        assert (plan.by_gram <= (plan.writers[:, None] & plan.readers)).all()
        full = (ranks[0] == d)[:, None] | (ranks[1] == d)
        assert (plan.by_gram >= (exists & full)).all()  # a full end has no core
        if not full[exists].any():
            assert plan.terms <= (ranks[0][:, None] * ranks[1] * float(d))[exists].sum() + 1e-6


def test_packed_products_are_those_of_whole_matrices_on_any_number_of_threads() -> None:
    generator = torch.Generator().manual_seed(0)
    d = 600  # packed into more terms than one thread takes at a time
    assert packed_size(d) > 2 * RUN * LONG
    a, b = (torch.randn(n, 8, d, generator=generator, dtype=torch.float64) for n in (5, 3))
    writers, readers = (Packed.of([End(core, full=False) for core in cores], torch.float32) for cores in (a, b))
    writers.weigh()
    found: list[torch.Tensor] = []
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(products(writers, readers, slice(1, 5)))
    torch.set_num_threads(before)
    assert torch.equal(*found)
    whole = torch.einsum("wrd,osd->wors", a[1:], b).square().sum((2, 3))
    assert torch.allclose(found[0], whole, rtol=1e-5)
