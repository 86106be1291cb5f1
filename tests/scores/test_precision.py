"""Scores of a real model in float32 beside those in float64: the bound of docs/speed.md, on more than 10⁵ wires."""

import numpy as np
import pytest

import loadstore as ls


@pytest.mark.nightly
def test_scores_in_single_precision_are_those_in_double_within_the_bound() -> None:
    model = ls.load("smollm2")
    single, double = ls.subspace_scores(model), ls.subspace_scores(model.double())
    assert single.attrs["precision"] == "float32"
    assert double.attrs["precision"] == "float64"
    exists = np.isfinite(double.score.values)
    assert exists.sum() > 100_000
    error = abs(single.score - double.score).values[exists]
    assert (error / double.chance.values[exists]).max() < 1e-6
    assert np.nanmax(abs(single.z - double.z).values / np.maximum(1, abs(double.z).values)) < 1e-3
    assert np.nanmax(abs(single.ceiling - double.ceiling).values) < 1e-5
