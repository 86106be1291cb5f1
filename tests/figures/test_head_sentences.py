"""The sentences on one head at their thresholds: a role, a little effect, and an effect within the noise."""

import math

import pytest

from loadstore.evidence.head_facts import AblationEffect, Dossier, RoleScore
from loadstore.figures.heads.verdict import lost, named_role


def lone(role: float = 0.1, effect: float = 0.0, error: float = 0.0) -> Dossier:
    """A head with one score and one effect."""
    return Dossier(
        model="m",
        head="L0.H4",
        roles=(RoleScore("previous", "text", role, 0.01),),
        reads=(),
        readers=(),
        singular_values=(1.0,),
        structureless=(1.0,),
        accuracy=(),
        eigenvalue_score=0.0,
        moved=(),
        typical_norm=1.0,
        matched=(),
        unmatched="",
        ablation=(AblationEffect("text", 4.0, effect, error),),
    )


@pytest.mark.parametrize(("role", "named"), [(0.47, False), (0.5, False), (math.nextafter(0.5, 1), True)])
def test_a_role_is_more_than_half_of_the_attention(role: float, *, named: bool) -> None:
    told = named_role(lone(role))
    assert told.startswith("puts most of its attention on the previous token" if named else "plays none of the 1 roles")


@pytest.mark.parametrize(
    ("effect", "little"), [(0.0499, True), (0.05, False), (-0.05, False), (-0.0499, True), (0.06, False)]
)
def test_an_effect_below_a_twentieth_of_a_nat_is_little(effect: float, *, little: bool) -> None:
    assert lost(lone(effect=effect)).startswith("It does little" if little else "Mean-ablating it changes the loss")


@pytest.mark.parametrize(("error", "noise"), [(0.05, False), (0.0501, True), (0.0499, False), (0.06, True)])
def test_an_effect_below_two_standard_errors_is_within_the_noise(error: float, *, noise: bool) -> None:
    for effect in (0.1, -0.1):
        assert ("within the noise" in lost(lone(effect=effect, error=error))) is noise
