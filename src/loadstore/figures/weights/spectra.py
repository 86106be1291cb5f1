"""The effective dimensions of the embedding and of the positions."""

import numpy as np

from loadstore.figures.left_out import LeftOut, defined
from loadstore.figures.subject.story import Story
from loadstore.figures.words import listed, percent, plural
from loadstore.scores.spectra import spectrum
from loadstore.views.model import Figure, figure, lines, reading, rule, series

TOP = 100
NEVER = "stay above a hundredth of the largest"
NAMES = {"embed": "W_E", "pos": "W_pos"}
WORDS = {"W_E": "the embedding", "W_pos": "the positions"}


def spectra_figures(story: Story) -> list[Figure | LeftOut]:
    """Top eigenvalues and cumulative variance of W_E and W_pos, each compared with Gaussian rows.

    A writer whose rows are all equal has no spectrum, and is left out.
    """
    title = "The strongest directions of the embedding"
    spectra, left = defined("Spectra", title, story.first_writers, lambda site: spectrum(story.weights, site))
    results = {NAMES[site]: result for site, result in spectra.items()}
    if not results:
        return [*left]
    d = story.weights.architecture.d_model
    top, whole = [], []
    for name, result in results.items():
        ranks, null = result["rank"].values, result.structureless.values
        shown = min(TOP, len(ranks), int((result.eigenvalue.values > result.eigenvalue.values[0] * 1e-9).sum()))
        top += [
            series(name, ranks[:shown], result.eigenvalue.values[:shown]),
            series(f"{name}, random", ranks[:shown], null[:shown], dashed=True),
        ]
        whole += [
            series(name, ranks, result["cumulative"].values),
            series(f"{name}, random", ranks, np.cumsum(null) / null.sum(), dashed=True),
        ]
    eighty = {name: int(result.directions.sel(fraction=0.8)) for name, result in results.items()}
    flat = {
        name: int((np.cumsum(r.structureless.values) / r.structureless.values.sum() < 0.8).sum()) + 1
        for name, r in results.items()
    }
    rules = [rule("y", share, percent(share)) for share in (0.5, 0.8, 0.95)]
    return [
        figure(
            "Spectra",
            _title(list(results)),
            _cliff({name: result.eigenvalue.values for name, result in results.items()}),
            [lines("Top eigenvalues", ("rank", "direction", "linear"), ("eigenvalue", "variance", "log"), top)],
            reading(
                "Dashed: the eigenvalues that Gaussian rows of the same total variance have (Marchenko and Pastur)."
            ),
        ),
        figure(
            "Variance",
            "How many directions hold how much",
            f"80 % of the variance lies in {_directions(eighty)} of {d} directions. Gaussian rows would need "
            f"{_directions(flat)}.",
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
        *left,
    ]


def _title(names: list[str]) -> str:
    return f"The strongest directions of {' and of '.join(WORDS[name] for name in names)}"


def _directions(counts: dict[str, int]) -> str:
    return listed([f"{count} ({name})" for name, count in counts.items()])


def _cliff(spectra: dict[str, np.ndarray]) -> str:
    """The number of directions after which each spectrum falls below a hundredth of its largest value, in words."""
    falls = {name: _after(values) for name, values in spectra.items()}
    fall = "fall below a hundredth of the largest"
    return " ".join(f"Eigenvalues of {name} {f'{fall} {after}' if after else NEVER}." for name, after in falls.items())


def _after(values: np.ndarray) -> str:
    """The number of directions after which a spectrum falls below 1/100 of its largest value; "" if it never does."""
    below = np.nonzero(values < values[0] / 100)[0]
    return f"after {plural(int(below[0]), 'direction')}" if len(below) else ""
