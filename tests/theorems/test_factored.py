"""A factored map has the product, norm, spectrum and trace of the matrix that it never forms."""

import pytest
import torch
from each import each

from loadstore.errors import Undefined
from loadstore.linear.factored import Factored
from loadstore.linear.subspace import gram_eigenvalues, reader_cores, subspace_score, writer_cores

SHAPES = [(7, 3, 9), (9, 3, 7), (5, 8, 6), (6, 6, 6), (4, 1, 4), (1, 2, 5)]
SQUARE = [(7, 3), (3, 7), (5, 5), (6, 1)]


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@each(("m", "rank", "n"), SHAPES)
def test_shape_transpose_norm_and_singular_values_are_those_of_the_matrix(m: int, rank: int, n: int) -> None:
    factored = Factored(draw(m, rank), draw(rank, n, seed=1))
    dense = factored.left @ factored.right
    assert factored.shape == (m, n)
    assert factored.rank == rank
    torch.testing.assert_close(factored.dense(), dense)
    torch.testing.assert_close(factored.T.dense(), dense.mT)
    torch.testing.assert_close(factored.norm(), torch.linalg.matrix_norm(dense))
    found, expected = factored.singular_values(), torch.linalg.svdvals(dense)
    most = max(len(found), len(expected))
    pad = torch.nn.functional.pad
    padded = pad(found, (0, most - len(found))), pad(expected, (0, most - len(expected)))
    torch.testing.assert_close(*padded, atol=1e-10, rtol=0)


@pytest.mark.parametrize(("first", "second"), [(2, 5), (5, 2), (3, 3)])
def test_a_product_is_the_product_and_keeps_the_narrower_waist(first: int, second: int) -> None:
    one = Factored(draw(6, first), draw(first, 7, seed=1))
    two = Factored(draw(7, second, seed=2), draw(second, 8, seed=3))
    torch.testing.assert_close((one @ two).dense(), one.dense() @ two.dense())
    assert (one @ two).rank == min(first, second)
    torch.testing.assert_close(((one @ two).T).dense(), (two.T @ one.T).dense())


@pytest.mark.parametrize(("n", "rank"), SQUARE)
def test_eigenvalues_and_trace_through_the_core_are_those_of_the_matrix(n: int, rank: int) -> None:
    # The nonzero eigenvalues of AB and BA agree, so power sums do: Σλᵏ = tr (AB)ᵏ.
    factored = Factored(draw(n, rank), draw(rank, n, seed=1))
    dense, eigenvalues = factored.dense(), factored.eigenvalues()
    assert eigenvalues.shape == (rank,)
    torch.testing.assert_close(factored.trace(), dense.trace())
    for power in range(1, 5):
        expected = torch.linalg.matrix_power(dense, power).trace()
        torch.testing.assert_close((eigenvalues**power).sum().real, expected, rtol=1e-9, atol=1e-9)
        assert (eigenvalues**power).sum().imag.abs() < 1e-9 * (1 + expected.abs())


def test_only_square_maps_have_eigenvalues_and_a_trace() -> None:
    oblong = Factored(draw(4, 2), draw(2, 5))
    for ask in (oblong.eigenvalues, oblong.trace):
        with pytest.raises(Undefined, match="4 × 5"):
            ask()


@each(("m", "rank", "n"), SHAPES)
def test_cores_keep_the_grams_that_a_score_needs(m: int, rank: int, n: int) -> None:
    factored = Factored(draw(m, rank), draw(rank, n, seed=1))
    dense = factored.dense()
    for site in (factored, dense):
        (core,) = writer_cores([site])
        torch.testing.assert_close(core.mT @ core, dense.mT @ dense)
        (core,) = reader_cores([site])
        torch.testing.assert_close(core @ core.mT, dense @ dense.mT)
    (found,) = gram_eigenvalues(writer_cores([factored]))
    expected = torch.linalg.svdvals(dense).square()[: len(found)]
    torch.testing.assert_close(found[: len(expected)], expected, atol=1e-9, rtol=1e-9)
    assert float(found[len(expected) :].sum()) < 1e-9


def test_the_score_is_the_normalised_norm_of_the_product_and_lies_in_zero_to_one() -> None:
    A, B = draw(30, 6), draw(6, 4, seed=1)
    expected = (A @ B).norm() / (A.norm() * B.norm())
    assert subspace_score(A, B) == pytest.approx(float(expected), rel=1e-12)
    assert subspace_score(torch.eye(6), torch.eye(6)) == pytest.approx(6**-0.5)
    line = draw(1, 6)
    assert subspace_score(line, line.mT) == pytest.approx(1, rel=1e-12)
    nothing = subspace_score(torch.zeros(2, 6), torch.eye(6))
    assert nothing != nothing


def test_the_score_of_two_lines_is_the_cosine_between_them() -> None:
    a, b = draw(6), draw(6, seed=1)
    cosine = abs(float(torch.nn.functional.cosine_similarity(a, b, dim=0)))
    assert subspace_score(draw(5, 1, seed=2) * a, b[:, None] * draw(1, 3, seed=3)) == pytest.approx(cosine, rel=1e-12)


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_a_core_has_the_gram_of_its_matrix_whatever_its_rank(rank: int) -> None:
    generator = torch.Generator().manual_seed(rank)
    several = [
        torch.randn(30, r, generator=generator, dtype=torch.float64)
        @ torch.randn(r, 8, generator=generator, dtype=torch.float64)
        for r in (8, rank)
    ]
    for matrix, core in zip(several, writer_cores(several), strict=True):
        assert core.shape == (8, 8)
        gram = matrix.mT @ matrix
        assert float((core.mT @ core - gram).abs().max()) < 1e-12 * float(gram.abs().max())
