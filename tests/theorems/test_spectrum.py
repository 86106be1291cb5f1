"""Principal components against the singular values, and the Marchenko–Pastur law against random rows."""

import pytest
import torch
from tiny import Kind, tiny

from loadstore.errors import Undefined
from loadstore.linear.factored import Factored
from loadstore.linear.spectrum import PrincipalSpectrum, principal_spectrum, structureless
from loadstore.scores.spectra import spectrum


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("n", "d"), [(40, 12), (12, 40), (20, 20), (2, 5)])
def test_eigenvalues_are_squared_singular_values_of_the_centred_rows(n: int, d: int) -> None:
    rows = draw(n, d) @ draw(d, d, seed=1) + 7
    found = principal_spectrum(rows).eigenvalues
    expected = torch.linalg.svdvals(rows - rows.mean(0)).square() / (n - 1)
    assert found.shape == (d,)
    torch.testing.assert_close(found[: min(n, d)], expected, rtol=1e-9, atol=1e-9 * float(expected[0]))
    assert float(found[min(n, d) :].sum()) == 0


def test_the_spectrum_ignores_an_offset_and_a_rotation_and_squares_a_factor() -> None:
    rows, turn = draw(30, 8), torch.linalg.qr(draw(8, 8, seed=1))[0]
    plain = principal_spectrum(rows).eigenvalues
    torch.testing.assert_close(principal_spectrum(3 * rows @ turn + draw(8, seed=2)).eigenvalues, 9 * plain)


@pytest.mark.parametrize(("n", "rank", "d"), [(40, 4, 12), (12, 4, 40), (5, 9, 7), (9, 7, 5), (3, 8, 20)])
def test_the_spectrum_of_a_factored_map_is_that_of_its_rows(n: int, rank: int, d: int) -> None:
    rows = Factored(draw(n, rank) + 3, draw(rank, d, seed=1))
    found, expected = principal_spectrum(rows), principal_spectrum(rows.dense())
    assert (found.rows, found.eigenvalues.shape) == (n, (d,))
    torch.testing.assert_close(found.eigenvalues, expected.eigenvalues, rtol=1e-10, atol=1e-12 * n * d)


def test_directions_and_participation_count_equal_directions() -> None:
    equal = PrincipalSpectrum(torch.cat([torch.ones(10), torch.zeros(6)]).double(), 100)
    assert [equal.directions(f) for f in (0.05, 0.1, 0.11, 0.5, 0.8, 0.99, 1.0)] == [1, 1, 2, 5, 8, 10, 10]
    assert equal.participation_ratio == pytest.approx(10)
    assert equal.cumulative[[0, 4, 9, 15]].tolist() == pytest.approx([0.1, 0.5, 1, 1])
    unequal = PrincipalSpectrum(torch.tensor([6.0, 3.0, 1.0]), 100)
    assert [unequal.directions(f) for f in (0.6, 0.61, 0.9, 0.91)] == [1, 2, 2, 3]
    assert unequal.participation_ratio == pytest.approx(100 / 46)


@pytest.mark.parametrize(("n", "d"), [(400, 100), (1000, 50), (100, 100), (60, 200)])
def test_the_marchenko_pastur_band_holds_structureless_rows(n: int, d: int) -> None:
    result = principal_spectrum(2 * draw(n, d))
    low, high = result.random_band()
    values = result.eigenvalues[: min(d, n - 1)]
    inside = (values >= 0.97 * low) & (values <= 1.03 * high)
    assert float(inside.double().mean()) >= 0.98
    assert float(values[0]) > 0.85 * high  # the band is no wider than it must be
    if d < n:
        assert float(values[-1]) < 1.15 * low + 0.05


def test_a_planted_direction_leaves_the_band() -> None:
    rows = draw(400, 100) + 4 * draw(400, 1, seed=1) * torch.eye(100, dtype=torch.float64)[0]
    result = principal_spectrum(rows)
    assert float(result.eigenvalues[0]) > 3 * result.random_band()[1]
    assert float(result.eigenvalues[1]) < 1.1 * result.random_band()[1]


@pytest.mark.parametrize(("n", "d"), [(400, 100), (2000, 50), (100, 200)])
def test_structureless_eigenvalues_are_those_of_random_rows_rank_by_rank(n: int, d: int) -> None:
    found = principal_spectrum(draw(n, d)).eigenvalues
    law = structureless(n, d, float(found.sum()))
    assert float(law.sum()) == pytest.approx(float(found.sum()))
    assert (law.diff() <= 1e-12).all()
    assert float((law - found).abs().max()) < 0.08 * float(found[0])
    assert float((law - found).abs().mean()) < 0.03 * float(found[: min(d, n - 1)].mean())


def test_rows_without_variance_have_no_spectrum() -> None:
    for rows in (torch.ones(1, 4), torch.ones(5, 4), Factored(torch.ones(5, 2), draw(2, 4).float())):
        with pytest.raises(Undefined):
            principal_spectrum(rows)


@pytest.mark.parametrize("site", ["embed", "pos", "L0.H1"])
def test_the_spectrum_of_a_site_is_that_of_the_rows_it_writes(site: str) -> None:
    model = tiny(Kind("learned", "none", True))
    layer = model.layers[0]
    rows = {"embed": model.W_E, "pos": model.W_pos, "L0.H1": layer.W_V[1] @ layer.W_O[1]}[site]
    found = spectrum(model, site)
    expected = principal_spectrum(rows)
    assert found.eigenvalue.values == pytest.approx(expected.eigenvalues.numpy())
    assert int(found.directions.sel(fraction=0.8)) == expected.directions(0.8)
    assert found.attrs["participation_ratio"] == pytest.approx(expected.participation_ratio)


def test_a_constant_has_no_spectrum() -> None:
    with pytest.raises(Undefined):
        spectrum(tiny(Kind("learned", "none", True)), "L0.bias")
