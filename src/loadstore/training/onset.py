"""When each measure of a run formed, and how that varies between runs."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from loadstore.errors import BadRequest
from loadstore.memory.intervals import FEWEST, student
from loadstore.training.formation import HIGH, LOW, passing

if TYPE_CHECKING:
    import xarray as xr

SHARES = (LOW, 0.5, HIGH)
FALLS = ("loss", "second_copy", "in_context")  # what gets better by getting smaller
MEASURES = {
    "previous": "previous-token score",
    "alignment": "alignment with the induction head's K",
    "traffic": "traffic into that K",
    "effect": "effect of cutting that wire",
    "induction": "induction score",
    "copying": "copying by the induction head",
    "attribution": "attribution of the circuit",
    "second_copy": "loss of second copies",
    "in_context": "in-context-learning score",
    "loss": "loss",
}
"""What is followed, in the order in which an induction circuit is expected to form, and the losses."""


def series(table: "xr.Dataset", measure: str) -> np.ndarray:
    """One measure over the steps of one run; of head scores, that of the head that the run ends with."""
    values = table[measure]
    if "head" in values.dims:
        head = table.attrs["previous_head" if measure == "previous" else "induction_head"]
        values = values.sel(head=head) if head else values.isel(head=0) * np.nan
    return values.values.astype(float)


def with_onsets(table: "xr.Dataset") -> "xr.Dataset":
    """Add ``onset`` (measure, share), in tokens; NaN for a measure that did not rise."""
    steps, tokens = table.step.values.tolist(), table.tokens.values.tolist()
    onsets = np.full((len(MEASURES), len(SHARES)), np.nan)
    for row, measure in enumerate(MEASURES):
        values = series(table, measure) * (-1 if measure in FALLS else 1)
        if np.isfinite(values).all():
            moments = [passing(steps, tokens, values.tolist(), share) for share in SHARES]
            onsets[row] = [math.nan if moment is None else moment.tokens for moment in moments]
    coordinates: dict[str, Any] = {"measure": list(MEASURES), "share": list(SHARES)}
    return table.assign(onset=(("measure", "share"), onsets)).assign_coords(coordinates)


def over_runs(tables: Sequence["xr.Dataset"], names: Sequence[str]) -> "xr.Dataset":
    """Several runs of one machine as one Dataset, with what is typical of them.

    Raises BadRequest for machines with different heads.
    """
    import xarray as xr

    if any(table["head"].values.tolist() != tables[0]["head"].values.tolist() for table in tables):
        raise BadRequest("these runs are of models with different heads; give seeds of one recipe")
    heads = {name: ("run", [table.attrs[name] for table in tables]) for name in ("previous_head", "induction_head")}
    seeds = ("run", [table.attrs["seed"] for table in tables])
    bare = [table.drop_attrs().reset_coords("tokens") for table in tables]
    whole = xr.concat(bare, "run", join="outer", coords="minimal", compat="override", data_vars="all")
    whole = whole.assign_coords({"run": list(names), "seed": seeds, **heads})
    logs = np.log2(whole.onset.transpose("run", "measure", "share").values)
    middle = logs[:, :, SHARES.index(0.5)]
    leads = middle[:, None, :] - middle[:, :, None]
    shared = {key: value for key, value in tables[0].attrs.items() if key not in ("seed", *heads)}
    about = {**shared, "runs": len(tables), "interval": "Student's 95 %, of logs of tokens"}
    return (
        whole.assign(
            {
                name: (("measure", "share"), 2**values)
                for name, values in zip(("typical_onset", "onset_low", "onset_high"), interval(logs), strict=True)
            }
            | {
                name: (("earlier", "later"), values)
                for name, values in zip(("lead", "lead_low", "lead_high"), interval(leads), strict=True)
            }
        )
        .assign_coords({"earlier": list(MEASURES), "later": list(MEASURES)})
        .assign_attrs(about)
    )


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over the first axis, and both ends of Student's 95 % interval.

    NaN where a run has none; the ends also for too few runs.
    """
    count, mean = len(values), values.mean(0)
    if count < FEWEST:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    half = student(count - 1) * values.std(0, ddof=1) / math.sqrt(count)
    return mean, mean - half, mean + half


def order(table: "xr.Dataset") -> str:
    """One sentence: the measures of the circuit in the order in which they had made half of their way."""
    several = "run" in table.dims
    onset = table["typical_onset" if several else "onset"].sel(share=0.5)
    formed = [(float(onset.sel(measure=measure)), measure) for measure in MEASURES if measure not in FALLS]
    halves = sorted((tokens, measure) for tokens, measure in formed if math.isfinite(tokens))
    if not halves:
        return "no measure of the circuit rose"
    steps = ", ".join(f"{MEASURES[measure]} at {round(tokens):,}" for tokens, measure in halves)
    runs = f", geometric means of {table.attrs['runs']} runs" if several else ""
    return f"half of the way, in tokens{runs}: {steps}"
