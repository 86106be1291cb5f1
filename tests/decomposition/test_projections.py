"""Directions sent back through a reader meet what its parts are along them, in memory that does not grow with both."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from each import each
from hostile import refusal
from tiny import HALF, Kind, few_with, some_tokens, tiny
from torch.utils._python_dispatch import TorchDispatchMode

import loadstore as ls
from loadstore.decomposition.decomposition import reader_parts, score_parts
from loadstore.decomposition.logits import logit_parts, residual_parts
from loadstore.decomposition.outputs import output_parts
from loadstore.decomposition.projections import Question, projections
from loadstore.errors import Undefined
from loadstore.sites import SIDES, Reader

LONG, LAYERS, HEADS = 1024, 30, 9


@each(("kind", "start"), few_with([0, 3], of=HALF), str)
def test_a_projection_is_that_of_the_part(kind: Kind, start: int) -> None:
    model = tiny(kind)
    trace = ls.run(model, some_tokens(model, batch=1)[0])
    generator = torch.Generator().manual_seed(0)
    asked = [
        Question(Reader(2, 1, side), torch.randn(6, width, generator=generator, dtype=torch.float64), start)
        for side, width in zip(SIDES, (4, 4, model.architecture.value_width), strict=True)
    ]
    for question, found in zip(asked, projections(trace, asked), strict=True):
        parts = reader_parts(trace, question.reader)
        assert list(found) == list(parts)
        for writer, part in parts.items():
            expected = (part[0, start : start + 6] * question.along).sum(-1)
            torch.testing.assert_close(found[writer], expected, rtol=1e-10, atol=1e-11)


class Largest(TorchDispatchMode):
    """The numbers of the largest tensor that was made; views of what was there are none."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        known = {a.untyped_storage().data_ptr() for a in args if isinstance(a, torch.Tensor)}
        if isinstance(out, torch.Tensor) and out.untyped_storage().data_ptr() not in known:
            self.numbers = max(self.numbers, out.numel())
        return out


@contextmanager
def at_most(numbers: int) -> Iterator[None]:
    largest = Largest()
    with largest:
        yield
    assert 0 < largest.numbers <= numbers


@pytest.fixture(scope="module")
def long() -> ls.Trace:
    """A run of as many layers, heads and tokens as SmolLM2 may have, of a narrow stream."""
    model = tiny(Kind("rotary", "rms", False, "gated", kv=1), n_layers=LAYERS, n_heads=HEADS).map(lambda w: w.float())
    model = replace(model, architecture=replace(model.architecture, context=LONG))
    return ls.run(model, some_tokens(model, batch=1, length=LONG)[0], record=True)


ASKED: dict[str, Callable[[ls.Trace], object]] = {
    "residual": lambda trace: residual_parts(trace, LAYERS, -1),
    "score": lambda trace: score_parts(trace, "L29.H3", -1, 5),
    "output": lambda trace: output_parts(trace, "L29.H3", -1, along=torch.ones(12)),
    "logit": lambda trace: logit_parts(trace, -1, 3),
    "logit by source": lambda trace: logit_parts(trace, -1, 3, by_source=True),
    "address": lambda trace: ls.address(trace, "L29.H3", -1),
    "difference": lambda trace: ls.address(trace, "L29.H3", -1, about=5, against=trace),
}


@pytest.mark.parametrize("name", ASKED)
def test_long_prompts_and_many_heads_fit(long: ls.Trace, name: str) -> None:
    writers = LAYERS * (HEADS + 1) + 2
    with at_most(writers * LONG):  # a third of one pattern; nothing of writers squared, or tokens squared
        ASKED[name](long)


def test_every_pair_of_a_long_prompt_is_refused(long: ls.Trace) -> None:
    refusal(lambda: score_parts(long, "L29.H3"), Undefined, "numbers, more than", "give one query and one key")


def test_the_meter_sees_a_pattern() -> None:
    with pytest.raises(AssertionError), at_most(99):
        torch.ones(10, 10) + 1
