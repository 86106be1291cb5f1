"""The rule for rounded numbers: relative to scale and number format, tried at, below and above its limit."""

import numpy as np
import pytest
import torch
from close import SLACK, assert_close, tolerance


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_a_difference_passes_up_to_the_limit_and_no_further(dtype: torch.dtype, scale: float) -> None:
    limit = tolerance(scale, dtype=dtype, terms=64)
    assert limit == SLACK * torch.finfo(dtype).eps * 8 * scale
    expected = np.array([scale, 0.0])
    for part in (0.0, 0.5, 0.999):
        assert_close(expected + np.array([0.0, part * limit]), expected, dtype=dtype, terms=64)
    with pytest.raises(AssertionError, match=r"differ by .*allowed"):
        assert_close(expected + np.array([0.0, 1.001 * limit]), expected, dtype=dtype, terms=64)


def test_the_coarser_format_counts_and_python_numbers_are_double() -> None:
    single, double = torch.tensor([1.0]), torch.tensor([1.0 + 1e-5], dtype=torch.float64)
    assert_close(single, double)
    assert_close(double, single.numpy())
    for one, other in ((1.0, 1.0 + 1e-5), ([1.0], double)):
        with pytest.raises(AssertionError, match="differ"):
            assert_close(one, other)
        assert_close(one, other, dtype=torch.float32)


def test_a_difference_has_the_scale_of_its_terms() -> None:
    with pytest.raises(AssertionError, match="differ"):
        assert_close(1e-6, 1e-4, dtype=torch.float32)
    assert_close(1e-6, 1e-4, dtype=torch.float32, scale=20.0)


def test_what_is_not_finite_equals_its_like_only() -> None:
    odd = [np.nan, np.inf, -np.inf, 1.0]
    assert_close(odd, odd)
    assert_close([None, 1.0], [np.nan, 1.0])
    for place in range(4):
        changed = [*odd]
        changed[place] = 0.0 if place < 3 else np.nan
        with pytest.raises(AssertionError):
            assert_close(changed, odd)
        with pytest.raises(AssertionError):
            assert_close(odd, changed)


def test_shapes_are_compared() -> None:
    with pytest.raises(AssertionError, match="shapes"):
        assert_close(torch.zeros(3), torch.zeros(1))
