"""Figures 2 and 3: how large the subspaces of the embedding and of the positions are."""

import numpy as np

from loadstore.circuits.spectra import spectrum
from loadstore.report.story import Story
from loadstore.report.words import plural
from loadstore.views.model import Figure, figure, lines, reading, rule, series

TOP = 100
NAMES = {"embed": "W_E", "pos": "W_pos"}


def spectra_figures(story: Story) -> list[Figure]:
    """Top eigenvalues (2) and cumulative variance (3) of W_E and W_pos, each beside structureless rows."""
    results = {name: spectrum(story.weights, site) for site, name in NAMES.items()}
    d = story.weights.architecture.d_model
    top, whole = [], []
    for name, result in results.items():
        ranks, null = result["rank"].values, result.structureless.values
        shown = min(TOP, len(ranks), int((result.eigenvalue.values > result.eigenvalue.values[0] * 1e-9).sum()))
        top += [
            series(name, ranks[:shown], result.eigenvalue.values[:shown]),
            series(f"{name}, structureless", ranks[:shown], null[:shown], dashed=True),
        ]
        whole += [
            series(name, ranks, result["cumulative"].values),
            series(f"{name}, structureless", ranks, np.cumsum(null) / null.sum(), dashed=True),
        ]
    eighty = {name: int(result.directions.sel(fraction=0.8)) for name, result in results.items()}
    flat = {
        name: int((np.cumsum(r.structureless.values) / r.structureless.values.sum() < 0.8).sum()) + 1
        for name, r in results.items()
    }
    rules = [rule("y", share, f"{share:.0%}") for share in (0.5, 0.8, 0.95)]
    return [
        figure(
            "2",
            "The strongest directions of the embedding and of the positions",
            _cliff(results["W_pos"].eigenvalue.values, results["W_E"].eigenvalue.values),
            [lines("Top eigenvalues", ("rank", "direction", "linear"), ("eigenvalue", "variance", "log"), top)],
            reading(
                "Dashed: the eigenvalues that Gaussian rows of the same total variance have (Marchenko and Pastur)."
            ),
        ),
        figure(
            "3",
            "How many directions hold how much",
            f"W_E holds 80 % of its variance in {plural(eighty['W_E'], 'direction')} of {d}; "
            f"W_pos in {plural(eighty['W_pos'], 'direction')}. Structureless rows would need {flat['W_E']} and "
            f"{flat['W_pos']}.",
            [
                lines(
                    "Cumulative variance",
                    ("rank", "directions", "linear"),
                    ("cumulative", "share", "linear"),
                    whole,
                    rules,
                )
            ],
        ),
    ]


def _cliff(pos: np.ndarray, embed: np.ndarray) -> str:
    """Where each spectrum first falls below a hundredth of its strongest direction."""

    def falls(values: np.ndarray) -> str:
        below = np.nonzero(values < values[0] / 100)[0]
        return f"after {plural(int(below[0]), 'direction')}" if len(below) else "nowhere"

    return (
        f"The eigenvalues of W_pos fall below a hundredth of the strongest {falls(pos)}, those of W_E {falls(embed)}."
    )
