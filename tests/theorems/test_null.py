"""The null of the subspace score against Haar draws: its mean, variance, range and upper tail."""

import pytest
import torch
from each import each
from torch import Tensor

from loadstore.linear.null import Null, null

D = 16
SPECTRA = {
    "flat": torch.ones(D),
    "one direction": torch.tensor([3.0]),
    "spiked": torch.cat([torch.tensor([9.0]), torch.full((D - 1,), 0.1)]),
    "half": torch.arange(8.0, 0.0, -1.0),
    "a head's": 0.7 ** torch.arange(6.0),
}
PAIRS = [(a, b) for a in SPECTRA for b in SPECTRA if a <= b]
VARIED = [pair for pair in PAIRS if "flat" not in pair]


def of(a: Tensor, b: Tensor, d: int = D) -> Null:
    return null(a.double()[None], b.double()[None], d)


def haar_scores(a: Tensor, b: Tensor, d: int, draws: int, seed: int = 0) -> Tensor:
    """tr(a R b Rᵀ) = Σ_ij λ_i R_ij² μ_j for Haar draws of R."""
    generator = torch.Generator().manual_seed(seed)
    columns = torch.linalg.qr(torch.randn(draws, d, len(b), generator=generator, dtype=torch.float64))[0]
    return torch.einsum("i,nij,j->n", a.double(), columns[:, : len(a)].square(), b.double())


@each(("first", "second"), PAIRS)
def test_mean_and_variance_are_those_of_haar_rotations(first: str, second: str) -> None:
    a, b = SPECTRA[first], SPECTRA[second]
    expected, draws = of(a, b), haar_scores(a, b, D, 6000)
    deviation = draws - draws.mean()
    variance = deviation.square().mean()
    error = (variance / len(draws)).sqrt()
    error_of_variance = ((deviation**4).mean() - variance**2).clamp(min=0).div(len(draws)).sqrt()
    tiny = 1e-10 * draws.mean()
    assert abs(draws.mean() - expected.mean.item()) < 4 * error + tiny
    assert abs(variance - expected.variance.item()) < 4 * error_of_variance + tiny


def test_rank_one_is_the_beta_distribution_of_a_squared_cosine() -> None:
    # X ~ Beta(½, (d − 1)/2): mean 1/d, variance 2(d − 1)/(d²(d + 2)).
    for d in (2, 3, 12, 768):
        expected = of(torch.ones(1), torch.ones(1), d)
        assert expected.mean.item() == pytest.approx(1 / d, rel=1e-12)
        assert expected.variance.item() == pytest.approx(2 * (d - 1) / (d**2 * (d + 2)), rel=1e-12)


@each(("first", "second"), PAIRS)
def test_chance_is_one_over_root_d_whatever_the_spectra(first: str, second: str) -> None:
    for d in (D, 50):
        assert of(SPECTRA[first], SPECTRA[second], d).chance().item() == pytest.approx(d**-0.5, rel=1e-12)


@pytest.mark.parametrize(("first", "second"), VARIED)
def test_the_range_is_attained_on_shared_axes_and_never_left(first: str, second: str) -> None:
    a, b = (torch.cat([s, torch.zeros(D - len(s))]).double() for s in (SPECTRA[first], SPECTRA[second]))
    expected, draws = of(a, b), haar_scores(a, b, D, 1000)
    aligned, avoided = (a * b).sum()[None, None], (a * b.flip(0)).sum()[None, None]
    assert expected.most.item() == pytest.approx(aligned.item(), rel=1e-12)
    assert expected.least.item() == pytest.approx(avoided.item(), rel=1e-12, abs=1e-15)
    assert expected.alignment(aligned).item() == pytest.approx(1, abs=1e-12)
    assert expected.alignment(avoided).item() == pytest.approx(-1, abs=1e-12)
    assert expected.alignment(expected.mean).item() == pytest.approx(0, abs=1e-12)
    assert draws.max() <= expected.most.item() + 1e-9
    assert draws.min() >= expected.least.item() - 1e-9
    assert expected.ceiling().item() == pytest.approx(float((aligned / (a.sum() * b.sum())).sqrt()), rel=1e-12)


@pytest.mark.parametrize(("first", "second"), VARIED)
def test_the_order_in_which_eigenvalues_are_given_does_not_matter(first: str, second: str) -> None:
    a, b = SPECTRA[first], SPECTRA[second]
    given, shuffled = of(a, b), of(a.flip(0), b.roll(1))
    for name in ("mean", "variance", "most", "least"):
        assert getattr(given, name).item() == pytest.approx(getattr(shuffled, name).item(), rel=1e-12), name


@pytest.mark.parametrize("rank", [4, 8])
def test_p_rejects_one_in_a_hundred_at_the_ranks_of_heads(rank: int) -> None:
    generator = torch.Generator().manual_seed(rank)
    maps = torch.randn(2, rank, 24, generator=generator, dtype=torch.float64) / rank**0.5
    a, b = (torch.linalg.eigvalsh(m @ m.mT) for m in maps)
    p = of(a, b, 24).p(haar_scores(a, b, 24, 20_000)[:, None, None])
    assert 0.005 < float((p < 0.01).double().mean()) < 0.015
    assert 0.04 < float((p < 0.05).double().mean()) < 0.06


def test_p_of_rank_one_errs_on_the_safe_side_and_z_does_not() -> None:
    # A squared cosine is bounded, its Gamma is not: p is a little cautious here, z far too bold.
    draws = haar_scores(torch.ones(1), torch.ones(1), 24, 20_000)[:, None, None]
    expected = of(torch.ones(1), torch.ones(1), 24)
    assert 0.004 < float((expected.p(draws) < 0.01).double().mean()) < 0.011
    assert float((expected.z(draws) > 2.326).double().mean()) > 0.025


def test_p_falls_as_the_score_rises() -> None:
    expected = of(SPECTRA["half"], SPECTRA["a head's"])
    x = (expected.mean.item() * torch.linspace(0.5, 2, 50, dtype=torch.float64))[:, None, None]
    assert (expected.p(x).diff(dim=0) < 0).all()
    assert (expected.z(x).diff(dim=0) > 0).all()


UNDEFINED = {
    "a flat side of full rank": (torch.ones(D), SPECTRA["half"], D),
    "a side flat but for noise": (1 + 1e-6 * torch.arange(D), SPECTRA["half"], D),
    "a zero writer": (torch.zeros(3), SPECTRA["half"], D),
    "a zero reader": (SPECTRA["half"], torch.zeros(3), D),
    "one dimension": (torch.ones(1), torch.ones(1), 1),
}


@pytest.mark.parametrize("case", UNDEFINED)
def test_where_no_rotation_changes_the_score_nothing_is_claimed(case: str) -> None:
    a, b, d = UNDEFINED[case]
    for left, right in ((a, b), (b, a)):
        expected = of(left, right, d)
        x = torch.zeros_like(expected.mean)
        assert all(torch.isnan(value).all() for value in (expected.z(x), expected.p(x), expected.alignment(x)))


def test_a_flat_side_of_less_than_full_rank_is_defined() -> None:
    expected = of(torch.ones(D - 1), SPECTRA["half"])
    assert not torch.isnan(expected.z(expected.mean)).any()


def test_scaling_a_side_scales_x_and_moves_no_calibrated_number() -> None:
    a, b = SPECTRA["half"].double(), SPECTRA["a head's"].double()
    one, scaled = of(a, b), of(1e6 * a, 1e-3 * b)
    x = 0.4 * one.mean + 0.6 * one.most
    for measure in ("z", "p", "alignment"):
        assert getattr(one, measure)(x).item() == pytest.approx(getattr(scaled, measure)(1e3 * x).item(), rel=1e-9)
