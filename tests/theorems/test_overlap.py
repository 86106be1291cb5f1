"""A squared score is a weighted mean of squared cosines, and its null has a density that integrates to one."""

from itertools import product

import pytest
import torch
from pairs import pairs
from tiny import FEW, KINDS, Kind, tiny

from loadstore.model.wiring import wiring
from loadstore.scores.overlap import overlap
from loadstore.scores.scores import subspace_scores

CASES = pairs(product(FEW, ["fold", "ignore"]), lambda case: (case[1], case[0].positions, case[0].norm, case[0].mlp))


@pytest.mark.parametrize(("kind", "norms"), CASES, ids=str)
def test_strengths_and_cosines_make_the_score(kind: Kind, norms):
    model = tiny(kind)
    scores = subspace_scores(model, norms=norms)
    network = wiring(model)
    for writer, reader in [("embed", "L0.H0.Q"), ("L0.H1", "L1.H2.K"), ("L1.H0", "L2.H1.V"), ("embed", "unembed")]:
        wire = overlap(model, *network.wire(writer, reader), norms)
        squares = wire.written[:, None] ** 2 * wire.read[None] ** 2 * wire.cosines**2
        assert float(squares.sum()) == pytest.approx(wire.squared, rel=1e-9)
        total = float(wire.written.square().sum() * wire.read.square().sum())
        known = scores.sel(writer=writer, reader=reader)
        assert (wire.squared / total) ** 0.5 == pytest.approx(float(known.score), rel=1e-9)
        x = torch.tensor([[wire.squared]], dtype=torch.float64)
        assert float(wire.chance.z(x)) == pytest.approx(float(known.z), rel=1e-7)
        assert wire.held_by(1) <= wire.held_by(2) <= wire.held_by(10_000) == pytest.approx(1)


def test_the_density_is_that_of_the_tail():
    chance = overlap(tiny(KINDS[0]), "L0.H0", "L1.H1.K").chance
    score = torch.linspace(0, 3, 200_001, dtype=torch.float64)
    density = chance.density(score)
    assert float(torch.trapezoid(density, score)) == pytest.approx(1, abs=1e-6)
    for threshold in (0.1, 0.3, 0.5):
        above = score >= threshold
        x = (torch.tensor([[threshold]], dtype=torch.float64) ** 2) * chance.norms
        assert float(torch.trapezoid(density[above], score[above])) == pytest.approx(float(chance.p(x)), abs=1e-4)
