"""Figures of a task's circuit: its pairs, the attributions of wires, the picture and the program."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.circuits.circuit import Circuit
from loadstore.circuits.example import Text
from loadstore.circuits.program_text import Program, summary_of, title_of
from loadstore.circuits.task import Task
from loadstore.decomposition.short import short
from loadstore.figures.picture.pictured import Pictured
from loadstore.tokenizer.tokens import text_of
from loadstore.views.model import Figure, View, bars, figure, table
from loadstore.views.program import line, program
from loadstore.visible import visible

if TYPE_CHECKING:
    import xarray as xr

SHOWN = 16  # wires, pairs or rows shown


def task_figure(task: Task) -> Figure:
    """Some pairs of a task, with the splits and the tokens that the metric compares."""
    splits = {name: task.splits.count(name) for name in ("find", "choose", "judge")}
    columns = [
        ("clean", "clean prompt", None),
        ("counterfactual", "counterfactual prompt", None),
        ("split", "split", None),
    ]
    texts = [_texts(task, index) for index in range(min(SHOWN, len(task.splits)))]
    rows = [[clean, other, task.splits[index]] for index, (clean, other) in enumerate(texts)]
    claim = (
        f"{len(task.splits)} pairs: {splits['find']} to find a circuit, {splits['choose']} to choose its size and "
        f"{splits['judge']} to judge it. The metric is {task.metric}."
    )
    return figure("Task", f"The pairs of {task.name}", claim, [table(f"The first {len(rows)} pairs", columns, rows)])


def attribution_figure(ranked: "xr.Dataset") -> Figure:
    """The wires of largest attribution, and the attribution of all others."""
    values, signed = ranked.attribution.values, ranked.signed.values
    order = np.argsort(-values, kind="stable")[:SHOWN]
    names = [f"{ranked.writer.values[i]} → {ranked.reader.values[i]}" for i in order]
    rows = [
        (name, float(signed[i]), f"mean of absolute values {short(float(values[i]))}")
        for name, i in zip(names, order, strict=True)
    ]
    view = bars("Mean attribution", f"{ranked.attrs['metric']}, of pairs", ("wire", "over pairs"), rows, digits=3)
    share = float(values[order].sum() / values.sum()) if values.sum() > 0 else float("nan")
    claim = (
        f"The {len(order)} strongest of {len(values):,} wires have {100 * share:.0f} % of all absolute attribution, by "
        f"{ranked.attrs['method']} on {ranked.attrs['pairs']} pairs. Attributions miss "
        f"{short(float(ranked.attrs['remainder']))} of the effect of single pairs (0 is none)."
    )
    return figure("Attribution", f"Which wires carry {ranked.attrs['task']}", claim, [view])


def circuit_figure(circuit: Circuit, shown: Program, faithfulness: float | None, drawn: Pictured | None) -> Figure:
    """The picture of a circuit at one pair, and its program.

    Args:
        circuit: The circuit.
        shown: The loads of its program.
        faithfulness: F of exactly these; None if it was not measured.
        drawn: Its picture, if there are pairs to draw.
    """
    views: list[View] = [] if drawn is None else [drawn.view]
    rows = [
        line(
            load.name,
            f"{100 * shown.share(load.wires):.1f} %",
            "",
            [(f"{part.name} {100 * shown.share(part.wires):.1f}", None) for part in load.parts],
        )
        for load in shown.loads
    ]
    views.append(program("Program: who loads, and from whom, in % of all absolute attribution", rows))
    title = title_of(
        circuit.task, circuit.model, len(circuit), circuit.live, circuit.method, attributed=shown.attributed
    )
    summary = summary_of(shown, faithfulness)
    return figure("Circuit", f"The circuit of {circuit.task}", f"{title}. {summary[0].upper()}{summary[1:]}.", views)


def _texts(task: Task, index: int) -> tuple[str, str]:
    """Both prompts of a pair, token by token if they are ids."""
    clean, other = task.clean[index], task.counterfactual[index]
    return prompt_text(task, clean), prompt_text(task, other)


def prompt_text(task: Task, prompt: Text) -> str:
    """A prompt of a task in one line: its text, or its tokens one by one if it consists of ids."""
    if isinstance(prompt, str):
        return visible(prompt)
    return " ".join(text_of(int(each), task.model.tokens) for each in prompt)
