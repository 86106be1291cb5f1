"""q is the textbook step-up rule at every level, and what it calls a discovery is false as rarely as it says."""

import numpy as np
import pytest
import torch
from each import each
from tiny import KINDS, Kind, tiny

from loadstore.linear.discovery import adjusted
from loadstore.linear.null import null
from loadstore.scores.scores import subspace_scores

FAMILIES = {
    "uniform": np.random.default_rng(0).uniform(size=40),
    "a few small": np.concatenate([np.random.default_rng(1).uniform(size=30), 10.0 ** -np.arange(2.0, 12)]),
    "ties": np.repeat([0.001, 0.02, 0.02, 0.5, 1.0], 5),
    "one": np.array([0.03]),
    "none below chance": np.linspace(0.6, 1, 9),
    "zeros": np.array([0.0, 0.0, 0.2, 0.9]),
}


def step_up(p: np.ndarray, level: float) -> np.ndarray:
    """Reject the k smallest, k the largest with p_(k) ≤ k level/m."""
    ranked = sorted(p.tolist())
    passing = [k for k in range(1, len(p) + 1) if ranked[k - 1] <= k * level / len(p)]
    return p <= ranked[max(passing) - 1] if passing else np.zeros(len(p), bool)


@pytest.mark.parametrize("family", FAMILIES)
def test_q_is_the_step_up_rule_at_every_level(family: str) -> None:
    p = FAMILIES[family]
    q = adjusted(p)
    ends = {1.0, *(len(p) * value / k for value in p.tolist() for k in range(1, len(p) + 1))}
    for level in (level for end in ends for level in (end * (1 - 1e-9), end * (1 + 1e-9)) if 0 < level <= 1):
        assert np.array_equal(q <= level, step_up(p, level)), level


@each("family", FAMILIES)
def test_q_is_never_below_p_rises_with_it_and_is_at_most_one(family: str) -> None:
    p = FAMILIES[family]
    q = adjusted(p)
    assert (q >= p).all()
    assert (q <= 1).all()
    assert (np.diff(q[np.argsort(p)]) >= 0).all()
    assert q.max() == pytest.approx(p.max())


@pytest.mark.parametrize("family", FAMILIES)
def test_the_order_of_wires_does_not_matter_and_those_without_a_p_count_for_nothing(family: str) -> None:
    p, shuffle = FAMILIES[family], np.random.default_rng(2).permutation(len(FAMILIES[family]))
    np.testing.assert_array_equal(adjusted(p[shuffle]), adjusted(p)[shuffle])
    holed = np.full((2, len(p)), np.nan)
    holed[np.arange(len(p)) % 2, np.arange(len(p))] = p
    np.testing.assert_array_equal(adjusted(holed)[np.arange(len(p)) % 2, np.arange(len(p))], adjusted(p))
    assert np.array_equal(np.isnan(adjusted(holed)), np.isnan(holed))
    assert np.isnan(adjusted(np.full(3, np.nan))).all()
    assert adjusted(np.empty((0, 4))).shape == (0, 4)


def family(generator: torch.Generator, aligned: int, d: int = 24, sites: int = 12) -> np.ndarray:
    """The p of 12 writers × 12 readers of ranks 4 and 5, Haar-random but for the first pairs, which share their axes.

    The wires of one writer share it, as they do in a model: they are independent two by two, not all together.
    """
    maps = [torch.randn(sites, rank, d, generator=generator, dtype=torch.float64) for rank in (4, 5)]
    maps[1][:aligned, :4] = maps[0][:aligned]
    a, b = (torch.linalg.eigvalsh(m @ m.mT) for m in maps)
    x = torch.einsum("wrd,vsd->wvrs", *maps).square().sum((-2, -1))
    return null(a, b, d).p(x).numpy()


@pytest.mark.parametrize("aligned", [0, 6])
def test_of_what_is_discovered_no_more_is_false_than_the_level_says(aligned: int) -> None:
    generator = torch.Generator().manual_seed(aligned)
    false, missed = [], []
    for _ in range(400):
        called = adjusted(family(generator, aligned)) < 0.1
        true = called.diagonal()[:aligned].sum()
        false.append((called.sum() - true) / max(1, called.sum()))
        missed.append(aligned - true)
    assert np.mean(false) <= 0.1 + 3 * np.std(false) / 400**0.5
    assert np.mean(false) > 0.03  # nor is it empty caution
    assert np.mean(missed) <= 0.05 * aligned


def test_p_alone_at_the_same_level_is_false_far_more_often() -> None:
    generator = torch.Generator().manual_seed(6)
    called = family(generator, 6) < 0.1
    assert (called.sum() - called.diagonal()[:6].sum()) / called.sum() > 0.5


@pytest.mark.parametrize("kind", KINDS[::5], ids=str)
def test_the_q_of_a_model_is_over_the_wires_that_were_asked_for(kind: Kind) -> None:
    model = tiny(kind)
    whole, some = subspace_scores(model), subspace_scores(model, readers="L1.*")
    for table in (whole, some):
        np.testing.assert_array_equal(table.q.values, adjusted(table.p.values))
        assert np.array_equal(np.isnan(table.q), np.isnan(table.p))
    both = some.q.notnull()
    assert float(abs(whole.q.sel(reader=some["reader"]) - some.q).where(both).max()) > 1e-3
