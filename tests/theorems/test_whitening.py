"""Whitened coordinates keep every product, and their rotations are the maps that keep the stream's second moment."""

import planted
import pytest
import torch
from each import each
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.linear.null import null
from loadstore.linear.subspace import gram_eigenvalues
from loadstore.linear.whitening import whitening

D = 24


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def some_moment(seed: int = 7, rows: int = 60) -> Tensor:
    x = draw(rows, D, seed=seed) * torch.logspace(1, -1, D)
    return x.mT @ x / rows


@pytest.mark.parametrize("rows", [60, 5])
def test_the_product_is_unchanged(rows: int) -> None:
    inverse_root, root = whitening(some_moment(rows=rows))
    A, B = draw(6, D), draw(D, 9, seed=1)
    torch.testing.assert_close((A @ inverse_root) @ (root @ B), A @ B, rtol=1e-10, atol=1e-10)


def test_the_ridge_is_its_share_of_the_mean_variance_in_every_direction() -> None:
    second = some_moment()
    for ridge in (0.0, 0.001, 0.5):
        _, root = whitening(second, ridge)
        torch.testing.assert_close(root @ root, second + ridge * second.trace() / D * torch.eye(D))
    torch.testing.assert_close(whitening(second)[1], whitening(second, 0.001)[1])


def test_what_varies_as_the_stream_does_becomes_white() -> None:
    second = some_moment()
    inverse_root, _ = whitening(second, 0.0)
    torch.testing.assert_close(inverse_root @ second @ inverse_root, torch.eye(D, dtype=torch.float64))


def test_a_rotation_of_white_coordinates_keeps_the_second_moment() -> None:
    second = some_moment()
    inverse_root, root = whitening(second, 0.0)
    M = inverse_root @ planted.rotation(D) @ root
    torch.testing.assert_close(M.mT @ second @ M, second)
    assert float((M.mT @ M - torch.eye(D)).abs().max()) > 1  # no rotation of the stream itself


def test_any_change_of_basis_of_the_stream_leaves_both_spectra_and_the_product() -> None:
    second, A, B, M = some_moment(), draw(6, D), draw(D, 9, seed=1), draw(D, D, seed=2)
    moved = M.mT @ second @ M
    spectra: list[list[Tensor]] = []
    for S, writes, reads in ((second, A, B), (moved, A @ M, torch.linalg.solve(M, B))):
        inverse_root, root = whitening(S, 0.0)
        spectra.append(gram_eigenvalues([writes @ inverse_root, (root @ reads).mT]))
    for one, other in zip(*spectra, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)


def p_of(A: Tensor, B: Tensor) -> Tensor:
    a, b = gram_eigenvalues([A, B.mT])
    return null(a[None], b[None], D).p((A @ B).square().sum()[None, None])


def test_one_that_writes_as_the_stream_varies_is_at_chance_with_any_reader_whatever_is_loud() -> None:
    loud = torch.eye(D, dtype=torch.float64)
    loud[0, 0] = 1000.0
    inverse_root, root = whitening(loud)
    B = draw(D, 6, seed=1)
    B[0] *= 30  # the reader reads the loud direction
    draws = [draw(5, D, seed=10 + seed) @ root for seed in range(600)]
    plain = torch.cat([p_of(A, B) for A in draws]).flatten()
    calm = torch.cat([p_of(A @ inverse_root, root @ B) for A in draws]).flatten()
    assert float((plain < 0.01).double().mean()) > 0.95
    assert float((calm < 0.01).double().mean()) < 0.03
    assert 0.02 < float((calm < 0.05).double().mean()) < 0.08


WRONG = {
    "singular": (torch.diag(torch.tensor([1.0, 0.0])), "singular"),
    "zero": (torch.zeros(3, 3), "not zero"),
    "not symmetric": (torch.tensor([[1.0, 0.5], [0.0, 1.0]]), "symmetric"),
    "not finite": (torch.full((2, 2), torch.nan), "finite"),
    "negative": (torch.diag(torch.tensor([1.0, -0.5])), "negative variance"),
}


@each("case", WRONG)
def test_what_is_no_second_moment_is_refused(case: str) -> None:
    second, why = WRONG[case]
    with pytest.raises(Undefined, match=why):
        whitening(second, 0.0)
