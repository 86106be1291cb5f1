"""What stands above chance in a report: p is corrected for all wires that it is compared with."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import xarray as xr
from hostile import unchecked

from loadstore.figures.subject.results import Results
from loadstore.figures.wires import notable
from loadstore.figures.wires.pieces import most_aligned, reads, side_panel
from loadstore.scores.measures import MEASURES
from loadstore.sites import Head

WRITERS = ["embed", "L0.H0", "L0.H1", "L0.H2"]
HEAD = Head(1, 0)


def scores(p: list[float], alignment: list[float]) -> xr.Dataset:
    """Scores of four writers and one reader; NaN alignment: no such wire."""
    exists = ~np.isnan(alignment)
    values = {measure.name: np.where(exists, 0.5, np.nan)[:, None] for measure in MEASURES}
    values |= {"p": np.array(p)[:, None], "alignment": np.array(alignment)[:, None]}
    data = {name: (("writer", "reader"), value) for name, value in values.items()}
    return xr.Dataset(data, {"writer": WRITERS, "reader": ["L1.H0.K"]})


@pytest.mark.parametrize(
    ("p", "outlined"),
    [(0.0024, True), (0.0025, False), (0.009, False)],  # .01 over four wires
)
def test_a_panel_outlines_cells_below_the_level_over_the_number_of_wires(p: float, *, outlined: bool) -> None:
    drawn = side_panel(scores([0.5, p, 0.5, 0.5], [0.1] * 4), WRITERS, ["L1.H0"], "K")
    assert drawn.outlined == (((1, 0),) if outlined else ())


def test_cells_without_a_wire_do_not_count() -> None:
    drawn = side_panel(scores([0.0, 0.0049, 0.5, 0.5], [np.nan, 0.1, 0.1, np.nan]), WRITERS, ["L1.H0"], "K")
    assert drawn.outlined == ((1, 0),)  # .01 over two wires


@pytest.mark.parametrize(
    ("p", "alignment", "named"),
    [(0.0024, 0.3, "L0.H1"), (0.0025, 0.3, None), (0.009, 0.3, None), (0.0, 0.0, None), (0.0, -0.05, None)],
)
def test_the_most_aligned_writer_is_named_where_it_stands_above_chance(
    p: float, alignment: float, named: str | None
) -> None:
    table = scores([0.0, 0.5, p, 0.5], [-0.1, -0.2, alignment, -0.3])
    assert most_aligned(table, HEAD, "K") == named
    assert reads(table, HEAD, "K") == ("K: nothing above chance" if named is None else "K: L0.H1 (alignment .30, z 0)")


@pytest.mark.parametrize(
    ("p", "told"),
    [
        ([0.0024, 0.0025, 0.009, 0.5], "Of 4 wires into 1 head, 1 stands above chance."),
        ([0.0024, 0.0, 0.5, 0.5], "Of 4 wires into 1 head, 2 stand above chance."),
    ],
)
def test_a_large_models_wires_above_chance_are_counted_after_the_correction(p: list[float], told: str) -> None:
    table = scores(p, [0.1] * 4)
    sides = xr.concat([table.assign_coords(reader=[f"L1.H0.{side}"]) for side in "QKV"], "reader")
    nothing = xr.full_like(sides, np.nan).where(sides.reader != "L1.H0.K", sides)
    story = SimpleNamespace(scores=nothing, results=Results(notable=(HEAD,)), main=HEAD, averaged="")
    with unchecked():
        drawn = notable.score_figure(cast("Any", story))
    assert drawn.claim.startswith(told)
