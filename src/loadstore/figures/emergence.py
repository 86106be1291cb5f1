"""What formed when, over a run's checkpoints: small multiples over log tokens."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.figures.words import sentence
from loadstore.training.onset import MEASURES, SHARES, order
from loadstore.training.onset import series as values_of
from loadstore.views.charts import Lines, Series
from loadstore.views.model import Figure, figure, lines, reading, rule, series

if TYPE_CHECKING:
    import xarray as xr

HEADS = 4  # lines of a multiple of heads
UNITS = {
    "previous": "share of attention",
    "induction": "share of attention",
    "copying": "Σλ/Σ|λ|",
    "alignment": "0 chance, 1 all",
    "traffic": "nats",
    "effect": "share of attention lost",
    "attribution": "units of the task",
    "second_copy": "nats",
    "in_context": "nats, late − early",
    "loss": "nats",
}


def emergence_figure(emerged: "xr.Dataset") -> Figure:
    """One plot for each measure, all over log tokens: of one run with its strongest heads, or a line for each run.

    Args:
        emerged: What ``emergence`` returns.
    """
    return figure(
        "Emergence",
        "Every measure of the circuit over its checkpoints",
        sentence(order(emerged)),
        [_multiple(emerged, measure) for measure in MEASURES],
        reading(
            "Each line is of the heads that are strongest at the end, followed back to the first checkpoint. The rules "
            "mark 10 % and 90 % of the way from the first value to the last; of several runs, their geometric means."
        ),
    )


def _multiple(emerged: "xr.Dataset", measure: str) -> Lines:
    onset = emerged["typical_onset" if "run" in emerged.dims else "onset"].sel(measure=measure)
    moments = [float(onset.sel(share=share)) for share in (SHARES[0], SHARES[-1])]
    return lines(
        MEASURES[measure][0].upper() + MEASURES[measure][1:],
        ("tokens", "tokens", "log"),
        (measure, UNITS[measure], "linear"),
        _runs(emerged, measure) if "run" in emerged.dims else _heads(emerged, measure),
        [rule("x", tokens, "") for tokens in moments if tokens > 0],
    )


def _runs(emerged: "xr.Dataset", measure: str) -> list[Series]:
    runs = [emerged.isel(run=index) for index in range(emerged.sizes["run"])]
    for run in runs:
        run.attrs |= {name: str(run[name].item()) for name in ("previous_head", "induction_head")}
    return [_line(f"seed {int(run.seed)}", run, values_of(run, measure)) for run in runs]


def _heads(emerged: "xr.Dataset", measure: str) -> list[Series]:
    own = values_of(emerged, measure)
    if "head" not in emerged[measure].dims:
        return [_line(measure.replace("_", " "), emerged, own)]  # short, as it stands beside its line
    followed = emerged.attrs["previous_head" if measure == "previous" else "induction_head"]
    last = emerged[measure].isel(step=-1)
    names = [str(name) for name in last["head"].values[np.argsort(-np.nan_to_num(last.values))] if name != followed]
    others = [_line(name, emerged, emerged[measure].sel(head=name).values, dashed=True) for name in names[: HEADS - 1]]
    return [_line(followed or "no head", emerged, own), *others]


def _line(name: str, run: "xr.Dataset", values: np.ndarray, *, dashed: bool = False) -> Series:
    shown = (run.tokens.values > 0) & np.isfinite(values)  # a log axis has no zero
    return series(name, run.tokens.values[shown].tolist(), values[shown].tolist(), dashed=dashed)
