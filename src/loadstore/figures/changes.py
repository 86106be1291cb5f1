"""Figures of edits' effects: one outcome, many wires cut one by one, heads ablated one by one."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.causal.effect import Outcome
from loadstore.figures.grids import head_grid, ranked
from loadstore.figures.words import listed, number, plural, signed_number
from loadstore.views.dots import Dot, dot, dots
from loadstore.views.model import Figure, View, figure, heatmap, panel, round_up

if TYPE_CHECKING:
    import xarray as xr

SHOWN = 24  # prompts shown for an outcome
CELLS = 40_000


def outcome_figure(outcome: Outcome) -> Figure:
    """The metric before and after, and the change of every prompt."""
    edits = listed(outcome.edits or ("no edit",))
    rows = [dot("intact", outcome.before), dot("edited", outcome.after, text=edits, strong=True)]
    views: list[View] = [dots("The metric without and with the edits", outcome.metric, rows)]
    changes = np.array(outcome.changes)
    over = ranked(changes, SHOWN)
    if len(changes) > 1:
        each = [
            dot(f"prompt {i}", changes[i], text=f"{number(outcome.befores[i])} → {number(outcome.afters[i])}")
            for i in over.rows
        ]
        views.append(dots("Change of every prompt", f"change of {outcome.metric}", each, rules=[(0.0, "no change")]))
    error = (
        "" if np.isnan(outcome.standard_error) else f" ± {number(outcome.standard_error)} over {len(changes)} prompts"
    )
    rest = f" {over.others.capitalize()} change less." if over.rest else ""
    claim = (
        f"With {edits}, {outcome.metric} goes from {number(outcome.before)} to "
        f"{number(outcome.after)}, a change of {signed_number(outcome.change)}{error}.{rest}"
    )
    return figure("Effect", f"Effect of {plural(len(outcome.edits), 'edit')}", claim, views)


def sweep_figure(swept: "xr.Dataset") -> Figure:
    """Wires sorted by their change of the metric, and all of them as writers × readers."""
    writers, readers = ([str(name) for name in swept[axis].values] for axis in ("writer", "reader"))
    change, error = swept["change"].values, swept["standard_error"].values
    metric = str(swept.attrs["metric"])
    views: list[View] = [
        dots(
            "Change with one wire edited, largest first",
            f"change of {metric}",
            _rows([f"{w} → {r}" for w, r in zip(writers, readers, strict=True)], change, error),
            rules=[(0.0, "no change")],
            digits=3,
        )
    ]
    if (beside := _matrix(writers, readers, change, "change")) is not None:
        views.append(beside)
    top = int(np.nanargmax(np.abs(change)))
    claim = (
        f"Of {plural(len(change), 'wire')}, {writers[top]} → {readers[top]} changes {metric} most, by "
        f"{signed_number(change[top])} from {number(float(swept.attrs['before']))}.{_left(change)} The numbers are the "
        f"{swept.attrs['definition']}."
    )
    return figure("Sweep", "Wires one by one", claim, views)


def ablation_figure(effects: "xr.Dataset") -> Figure:
    """Heads sorted by the cost of their ablation, and the grid of layers × heads."""
    names = [str(head) for head in effects["head"].values]
    effect, error, loss = (effects[name].values for name in ("effect", "effect_se", "loss"))
    texts = [f"loss {number(float(value))}" for value in loss]
    label = "change of the loss, nats per token"
    views: list[View] = [
        dots(
            "Change of the loss, largest first",
            label,
            _rows(names, effect, error, texts),
            rules=[(0.0, "no change")],
            digits=3,
        )
    ]
    by_head = dict(zip(names, effect, strict=True))
    if (grid := head_grid("Change of the loss by layer and head", "nats per token", by_head)) is not None:
        views.append(grid)
    by, on = effects.attrs.get("by", "mean"), effects.attrs.get("on", "given tokens")
    top = int(np.nanargmax(np.abs(effect)))
    claim = (
        f"Without {names[top]} the loss changes most, by {signed_number(effect[top])} nats per token.{_left(effect)} "
        f"Ablated by {by} on {on}; the intact loss is {number(float(effects['intact']))} nats. Lines are two standard "
        "errors to each side."
    )
    return figure("Ablation", "What is lost without a head", claim, views)


def _rows(names: list[str], values: np.ndarray, errors: np.ndarray, texts: list[str] | None = None) -> list[Dot]:
    """The largest numbers, with two standard errors if known, and one line for all others."""
    over = ranked(values)
    rows = [
        dot(
            names[i],
            values[i],
            None if np.isnan(errors[i]) else (values[i] - 2 * errors[i], values[i] + 2 * errors[i]),
            text=texts[i] if texts else "",
        )
        for i in over.rows
    ]
    if over.rest:
        rest = values[list(over.rest)]
        rows.append(
            dot(f"{over.others}, their sum", float(np.nansum(rest)), others=rest.tolist(), text="each is a thin line")
        )
    return rows


def _left(values: np.ndarray) -> str:
    """The largest change among the rows left out."""
    over = ranked(values)
    if not over.rest:
        return ""
    most = float(np.nanmax(np.abs(values[list(over.rest)])))
    return f" The {over.others} change it by at most {number(most, 3)} each."


def _matrix(writers: list[str], readers: list[str], change: np.ndarray, label: str) -> View | None:
    """Writers × readers; the grid of layers × heads if all wires share a writer or a reader."""
    title = "Change by writer and reader"
    down, along = list(dict.fromkeys(writers)), list(dict.fromkeys(readers))
    if len(along) == 1:
        return head_grid(f"The same by writer, into {along[0]}", label, dict(zip(writers, change, strict=True)))
    if len(down) == 1 and len({name.rpartition(".")[2] for name in along}) == 1:
        by_head = dict(zip([name.rpartition(".")[0] for name in readers], change, strict=True))
        return head_grid(f"The same by reader, from {down[0]}", label, by_head)
    if len(down) == 1 or len(down) * len(along) > CELLS:
        return None
    cells, exists = np.zeros((len(down), len(along))), np.zeros((len(down), len(along)), dtype=bool)
    for writer, reader, value in zip(writers, readers, change, strict=True):
        cell = down.index(writer), along.index(reader)
        cells[cell], exists[cell] = value, True
    top = round_up(float(np.nanmax(np.abs(change)))) or 1.0
    return heatmap(
        title,
        ("writer", down),
        ("reader", along),
        [panel("", cells, exists)],
        scale=("diverging", -top, top, label),
        hatched="not swept, or no such wire",
    )
