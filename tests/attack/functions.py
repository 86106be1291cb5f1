"""Every public function on every model of the zoo, with right arguments and with one of them wrong."""

import inspect
import random
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from public import public
from torch import Tensor
from wrong_calls import CALLED

from attack.calls import Calls, right_calls
from attack.tally import Tally, Wrong
from attack.values import strangers, wrong_values
from attack.zoo import zoo
from loadstore.errors import LoadstoreError
from loadstore.sites import Head

FINITE = (  # results in which nothing is documented as undefined
    *("run", "logit_parts", "output_parts", "residual_parts", "score_parts", "spectrum", "matched", "moved"),
    *("effect", "address", "attribute", "faithfulness", "load_totals", "policy_edits", "enforce"),
)
METHODS = ("pattern", "scores", "written", "store", "residual", "top", "prompt")
SECONDS = 30.0  # of one call on a model so small
WRONG_ONES = 3  # values for each argument
DEPTH = 4  # of a result that is looked through


def attack(tally: Tally, seed: int, *, few: bool = False) -> None:
    """Try every function on one model after the other until the time is up; a model gets wrong values in turn."""
    functions = {name.rpartition(".")[2]: function for name, function in public().items()}
    elsewhere = strangers()
    for turn in range(1 if few else 1000):
        for animal in zoo(seed + turn)[:: 30 if few else 1]:
            model, dice = animal.born(seed + turn), random.Random(f"{seed + turn} {animal.name}")
            where = f"{animal.name} (seed {seed + turn})"
            prepared = Calls(model, seed + turn)
            for name, arguments in right_calls(prepared).items():
                right(tally, functions[name], name, arguments, where)
            for name, arguments in dice.sample(list(right_calls(prepared).items()), 4 if few else 20):
                wrong(tally, functions[name], name, arguments, where, dice, elsewhere)
            methods(tally, prepared, where, dice, elsewhere)
            if tally.over and not few:
                return


def methods(tally: Tally, prepared: Calls, where: str, dice: random.Random, elsewhere: dict[str, Any]) -> None:
    """Call the methods of a pass, and heads, with wrong values."""
    try:
        trace = prepared.trace
    except LoadstoreError:
        return
    calls: dict[str, Callable[[Any], Any]] = {f"Trace.{name}": getattr(trace, name) for name in METHODS}
    calls |= {"Head layer": lambda value: Head(value, 0), "Head index": lambda value: Head(0, value)}
    for name, method in calls.items():
        for what, value in wrong_values(dice, elsewhere, 2 * WRONG_ONES):
            tally.attempt("a method with a wrong argument", f"{where}: {name}({what})", lambda m=method, v=value: m(v))


def right(tally: Tally, function: Callable[..., Any], name: str, arguments: Callable[[], Any], where: str) -> None:
    """Call with right arguments; what is said to be finite is."""

    def call() -> None:
        given = arguments()
        result = function(**given)
        assert str(result) is not None, repr(result)
        if name == "enforce" and any(next(undefined(tensor), None) for _, tensor in given["weights"].named()):
            return  # what is not finite stays as it is
        if name in FINITE and (bad := next(undefined(result), None)) is not None:
            raise Wrong(f"{name} gives {bad}")

    tally.attempt("a function with right arguments", f"{where}: {name}", call, SECONDS)


def wrong(
    tally: Tally,
    function: Callable[..., Any],
    name: str,
    arguments: Callable[[], Any],
    where: str,
    dice: random.Random,
    elsewhere: dict[str, Any],
) -> None:
    """Call with one wrong argument after the other."""
    try:
        given = arguments()
    except LoadstoreError:
        return
    for parameter in inspect.signature(function).parameters:
        for what, value in wrong_values(dice, elsewhere, WRONG_ONES):
            if callable(value) and parameter in CALLED:
                continue  # what the caller's own function raises is the caller's
            if parameter == "resume" and isinstance(value, str) and value:
                continue  # a name for a file, if a strange one
            changed = {**given, parameter: value}
            tally.attempt(
                "a function with a wrong argument",
                f"{where}: {name}({parameter}={what})",
                lambda c=changed: function(**c),
                SECONDS,
            )


def undefined(value: Any, path: str = "it", depth: int = DEPTH) -> Iterator[str]:
    """Where in a result a number is NaN or infinite."""
    if isinstance(value, float) and not np.isfinite(value):
        yield f"{path} = {value}"
    elif isinstance(value, Tensor):
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            yield f"{path} is not finite"
    elif isinstance(value, xr.DataArray | np.ndarray):
        numbers = np.asarray(value)
        if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
            yield f"{path} is not finite"
    elif isinstance(value, xr.Dataset):
        for name, variable in value.items():
            yield from undefined(variable, f"{path}.{name}", depth)
    elif depth and is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            if each.name not in ("weights", "model", "standard_error"):
                yield from undefined(getattr(value, each.name), f"{path}.{each.name}", depth - 1)
    elif depth and isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from undefined(item, f"{path}[{index}]", depth - 1)
