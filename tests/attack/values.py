"""Wrong values for any argument: those of tests/wrong_calls.py, and others."""

import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from wrong_calls import WRONG

import loadstore as ls
from attack.made import Plan, made

OTHERS: dict[str, Any] = {
    "a lone surrogate": "\ud800",
    "a bidi name": "L0.H0\u202e",
    "all wires": "* -> *",
    "no wire": " -> ",
    "a glob of brackets": "[[]",
    "a long name": "L" * 5000,
    "a far site": "L9999.H9999.K",
    "a name in other digits": "L٠.H٠",
    "a path upwards": "../../etc/passwd",
    "a folder": Path("/"),
    "a path with NUL": Path("a\0b"),
    "a decimal": Decimal("1.5"),
    "a fraction": Fraction(3, 2),
    "a numpy bool": np.bool_(True),
    "a numpy NaN": np.float32("nan"),
    "a numpy integer": np.int8(-3),
    "a structured array": np.zeros(2, dtype=[("a", int)]),
    "an array of objects": np.array([None, "x"], dtype=object),
    "a scalar tensor": torch.tensor(2.5),
    "a bool tensor": torch.ones(3, dtype=torch.bool),
    "a complex tensor": torch.ones(2, 2, dtype=torch.complex64),
    "a sparse tensor": torch.eye(3).to_sparse(),
    "a meta tensor": torch.empty(2, 3, device="meta"),
    "a tensor of huge ids": torch.full((3,), 2**62),
    "negative ids": [-1, -2],
    "ids of bools": [True, False],
    "ids of numpy": [np.int64(0), np.int64(1)],
    "an endless generator": (0 for _ in iter(int, 1)),
    "a lot of ids": [0] * 5_000,
    "empty lists": [[], []],
    "a dict of wrong": {"L0.H0": object()},
    "an empty dict": {},
    "a dict of ids": {0: 1.0},
    "an empty tuple": (),
    "a subnormal": 5e-324,
    "minus zero": -0.0,
    "1e308": 1e308,
    "-2**63": -(2**63),
    "a range down": range(5, 0, -1),
    "an empty range": range(0),
    "a slice": slice(None),
    "an error": ValueError("x"),
    "an ellipsis": ...,
    "a bytearray": bytearray(b"abc"),
    "a head of another model": ls.Head(77, 77),
}


def wrong_values(dice: random.Random, others: dict[str, Any], count: int) -> list[tuple[str, Any]]:
    """Some wrong values, of which some are right for another model or another argument."""
    return dice.sample(list({**WRONG, **OTHERS, **others}.items()), count)


def strangers() -> dict[str, Any]:
    """Values that are right elsewhere: another model, its pass, its edits and its datasets."""
    model = made(Plan(layers=1, heads=1, e=3, vocab=5, context=4), 5, "another")
    trace = ls.run(model, [1, 2])
    return {
        "another model": model,
        "another model of the same shape": replace(model, name="same"),
        "a pass of another model": trace,
        "a batch": ls.run(model, [[1, 2], [3, 4]]),
        "an edit": ls.ablate("L0.H0"),
        "a list of edits": [ls.cut("embed", "L0.H0.K"), ls.freeze("norms", trace)],
        "scores of another model": ls.subspace_scores(model),
        "a metric": ls.metrics.kl(),
        "a function": _raises,
    }


_raises: Callable[..., Any] = sorted
