"""A head is called by a role with more than half of its attention, at the threshold and beside it."""

import math

import pytest
import xarray as xr

from loadstore.heads.patterns import ROLES
from loadstore.heads.roles import named


def roles(*scores: float) -> xr.Dataset:
    """Scores of heads L0.H0, L0.H1, … in the role ``previous``, and none in any other."""
    other = [0.0] * len(scores)
    data = {role: ("head", list(scores) if role == "previous" else other) for role in ROLES}
    return xr.Dataset(data, {"head": [f"L0.H{index}" for index in range(len(scores))]})


@pytest.mark.parametrize(
    ("score", "called"), [(0.47, False), (0.5, False), (math.nextafter(0.5, 1), True), (math.nan, False)]
)
def test_a_head_has_a_role_with_more_than_half_of_its_attention(score: float, *, called: bool) -> None:
    found = named(roles(score))
    assert found["previous"] == ([("L0.H0", score)] if called else [])
    assert all(heads == [] for role, heads in found.items() if role != "previous")


def test_the_strongest_head_comes_first() -> None:
    assert named(roles(0.6, 0.9, 0.1, 0.7))["previous"] == [("L0.H1", 0.9), ("L0.H3", 0.7), ("L0.H0", 0.6)]
