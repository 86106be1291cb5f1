"""Turns by rotary positions: late ones keep their digits, and frequencies that would have none are refused."""

import cmath

import pytest
import torch
from each import each
from hostile import refusal, unchecked
from tiny import ROTARY, Kind, tiny

from loadstore.errors import NotThisModel
from loadstore.model.rotary import FASTEST, MOST_DIMENSIONS, Rotary
from loadstore.scores.measures import OF_A_WIRE
from loadstore.scores.scores import subspace_scores

ONES = torch.ones(1, 3, 1, 4)


@pytest.mark.parametrize("start", [0, 2_000, 1_000_000])
@pytest.mark.parametrize("pairs", ["halves", "adjacent"])
def test_single_precision_turns_late_positions_as_exactly_as_early_ones(start: int, pairs: str) -> None:
    rotary = Rotary((1.0, 0.7), pairs)
    turned = rotary.at(ONES, start)
    assert turned.dtype == torch.float32
    for token in range(3):
        for first, second, frequency in zip(*rotary.first_and_second(), rotary.frequencies, strict=True):
            exact = (1 + 1j) * cmath.exp(1j * (start + token) * frequency)
            found = complex(turned[0, token, 0, first], turned[0, token, 0, second])
            assert abs(found - exact) < 1e-6


def test_a_turn_leaves_what_it_turns_and_the_dimensions_beyond_the_pairs() -> None:
    x = torch.randn(1, 5, 2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    before, turned = x.clone(), Rotary((1.0,)).at(x)
    assert torch.equal(x, before)
    assert torch.equal(turned[..., 2:], x[..., 2:])
    assert torch.equal(turned[:, 0], x[:, 0])
    assert float((turned - x)[:, 1:, :, :2].abs().min()) > 1e-3
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))


def test_the_published_frequencies_fall_from_one_in_equal_ratios() -> None:
    assert Rotary.of(6, base=1000.0).frequencies == pytest.approx((1.0, 0.1, 0.01))
    assert Rotary.of(6, base=1000.0).dimensions == 6
    assert Rotary.of(2, base=1.0).frequencies == (1.0,)


@pytest.mark.parametrize("base", [1e-300, 0.5, -1.0, float("inf")])
def test_a_base_whose_frequencies_grow_is_refused(base: float) -> None:
    refusal(lambda: Rotary.of(8, base), NotThisModel, f"base {base}", "at least 1")


def test_more_dimensions_than_any_head_has_are_refused_before_they_are_listed() -> None:
    refusal(lambda: Rotary.of(10**15), NotThisModel, "10000000000000", f"up to {MOST_DIMENSIONS}")
    assert Rotary.of(MOST_DIMENSIONS).dimensions == MOST_DIMENSIONS


@each("frequency", [float("nan"), float("inf"), -2 * FASTEST, 1e308, 1, "1.0", None])
def test_a_frequency_that_is_no_number_of_radians_is_refused(frequency: object) -> None:
    with unchecked():
        refusal(lambda: Rotary((0.5, frequency)), NotThisModel, "finite numbers up to 1000")  # pyright: ignore[reportArgumentType]
    assert Rotary((FASTEST, -FASTEST, 0.0)).dimensions == 6


@pytest.mark.parametrize("kind", [kind for kind in ROTARY if kind.norm == "none" and not kind.qk_norm], ids=str)
def test_offsets_are_averaged_in_double_precision_for_a_float32_model_too(kind: Kind) -> None:
    single = tiny(kind).map(lambda tensor: tensor.float())
    one, other = (subspace_scores(model, readers="*.[QK]") for model in (single, single.double()))
    for name in OF_A_WIRE:
        assert float(abs(one[name] - other[name]).max()) < 1e-12 * max(1.0, float(abs(other[name]).max())), name
