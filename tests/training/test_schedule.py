"""The schedule of a phase, its decay and its moments of measurement, step by step and by hand."""

import pytest

from loadstore.training.history import log_spaced
from loadstore.training.optimise import decay_of, schedule
from loadstore.training.recipe import Phase


def phase(**more: float) -> Phase:
    return Phase(name="a", steps=8, batch=1, length=2, repeats=1.0, block=(1, 1), **more)


@pytest.mark.parametrize(("at", "factor"), [(0, 0.25), (1, 0.5), (2, 0.75), (3, 1.0), (4, 1.0), (7, 1.0)])
def test_a_warm_up_rises_from_its_first_step_to_its_last(at: int, factor: float) -> None:
    assert schedule(phase(warmup=4), at) == pytest.approx(factor)


@pytest.mark.parametrize(("at", "factor"), [(0, 1.0), (2, 0.1 + 0.9 * (1 + 2**-0.5) / 2), (4, 0.55), (8, 0.1)])
def test_a_cosine_falls_from_one_to_the_end(at: int, factor: float) -> None:
    assert schedule(phase(end=0.1), at) == pytest.approx(factor)


def test_without_either_the_rate_stays() -> None:
    assert [schedule(phase(), at) for at in range(8)] == [1.0] * 8


def test_each_matrix_has_the_decay_of_its_kind() -> None:
    given = phase(decay=0.1, head_decay=0.2, qk_decay=0.3)
    found = {name: decay_of(given, name) for name in ("W_E", "W_pos", "W_U", "0.Q", "0.K", "1.V", "1.O")}
    assert found == {"W_E": 0.1, "W_pos": 0.1, "W_U": 0.0, "0.Q": 0.3, "0.K": 0.3, "1.V": 0.2, "1.O": 0.2}


@pytest.mark.parametrize(
    ("last", "per_octave", "moments"),
    [
        (16, 1, [0, 1, 2, 4, 8, 16]),
        (15, 1, [0, 1, 2, 4, 8]),
        (17, 3, [0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16]),
        (0, 3, [0]),
    ],
)
def test_moments_double_so_often(last: int, per_octave: int, moments: list[int]) -> None:
    assert list(log_spaced(last, per_octave)) == moments


def test_moments_reach_a_million_steps() -> None:
    assert max(log_spaced(1 << 20)) == 1 << 20
