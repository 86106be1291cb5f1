"""Figures of a task's circuit: its pairs, the attributions of wires, the picture and the program."""

from typing import TYPE_CHECKING

import numpy as np

from loadstore.circuits.circuit import Circuit
from loadstore.circuits.example import Text
from loadstore.circuits.program_text import Program
from loadstore.circuits.task import Task
from loadstore.decomposition.short import short
from loadstore.figures.picture.pictured import Pictured
from loadstore.figures.words import percent
from loadstore.tokenizer.tokens import text_of
from loadstore.views.model import Figure, View, bars, figure, table
from loadstore.views.program import line, program
from loadstore.visible import visible

if TYPE_CHECKING:
    import xarray as xr

SHOWN = 16  # wires or rows shown
PAIRS = 6  # pairs shown


def task_figure(task: Task) -> Figure:
    """Some pairs of a task, with the splits and the tokens that the metric compares."""
    splits = {name: task.splits.count(name) for name in ("find", "choose", "judge")}
    columns = [
        ("clean", "clean prompt", None),
        ("counterfactual", "counterfactual prompt", None),
        ("split", "split", None),
    ]
    texts = [_texts(task, index) for index in range(min(PAIRS, len(task.splits)))]
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
    return figure("Circuit", f"The circuit of {circuit.task}", _claim(circuit, shown, faithfulness), views)


def _claim(circuit: Circuit, shown: Program, faithfulness: float | None) -> str:
    """Its size, how much of it the program shows, and F of that."""
    size = f"{len(circuit):,} of {circuit.live:,} live wires ({percent(len(circuit) / circuit.live, 1)})"
    count, every = len(shown.wires), len(shown.strengths)
    part = "The program has all of them" if count == every else f"The program has {count:,} of them"
    if shown.attributed and 0 < count < every:
        part += f", with {percent(shown.share(shown.wires))} of their absolute attribution"
    f = "" if faithfulness is None else f"; F of exactly these is {short(faithfulness)}"
    return f"{circuit.model} uses {size} for {circuit.task}, ranked by {circuit.method}. {part}{f}."


def _texts(task: Task, index: int) -> tuple[str, str]:
    """Both prompts of a pair, token by token if they are ids."""
    clean, other = task.clean[index], task.counterfactual[index]
    return prompt_text(task, clean), prompt_text(task, other)


def prompt_text(task: Task, prompt: Text) -> str:
    """A prompt of a task in one line: its text, or its tokens one by one if it consists of ids."""
    if isinstance(prompt, str):
        return visible(prompt)
    return " ".join(text_of(int(each), task.model.tokens) for each in prompt)
