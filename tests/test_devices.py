"""Every analysis computes where the weights are: on a second device that refuses to mix, and on a real one if there is.

The calls are those of the golden numbers (tests/golden/from_fields.py), one of every public function; by day every
fourth.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import pytest
import torch
from depth import deep
from each import each
from elsewhere import DEVICE, SecondDevice
from golden.cases import Case
from golden.from_fields import EDITED, ONE_PASS, SINGLE, TEXT, WEIGHTS
from golden.leaves import leaves
from golden.summary import differences, summary
from shapes import unchecked
from tiny import Kind, some_tokens, tiny

import loadstore as ls
from loadstore.model.weights import Weights

CALLS = ONE_PASS | WEIGHTS | EDITED | TEXT | SINGLE
KIND = Kind("rotary", "rms", False, "gated", kv=2)


class OnDevice(Case):
    """A case whose model computes on another device."""

    @cached_property
    def model(self) -> Weights:
        return replace(tiny(KIND), device=DEVICE)


def case(kind: type[Case]) -> Case:
    return kind("llama", "L0.H1", "L1.H2", "L2.H0", ("*",))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """What torch is told about the second device holds for one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@each("name", deep([*CALLS], usual=[*CALLS][::7]))
def test_an_analysis_on_a_second_device_gives_the_same_numbers(name: str) -> None:
    call: Callable[[Case], Any] = CALLS[name]
    with unchecked():
        expected = dict(leaves(call(case(Case))))
        with SecondDevice():
            found = dict(leaves(call(case(OnDevice))))
    assert found.keys() == expected.keys()
    for path, value in expected.items():
        assert not differences(found[path], summary(value, named=False), 1e-6), path


def test_a_second_device_refuses_a_tensor_of_the_processor() -> None:
    with SecondDevice():
        there = torch.ones(3).to(DEVICE)
        assert there.device == DEVICE
        with pytest.raises(AssertionError, match="on the CPU"):
            there + torch.ones(3)
        assert (there + 1).sum().item() == 6


def test_a_run_sends_two_numbers_back_for_a_layer() -> None:
    """The largest query and the largest key, for the check that no score overflows."""
    counts: list[int] = []
    for layers in (2, 6):
        model = replace(tiny(KIND, n_layers=layers), device=DEVICE)
        with SecondDevice() as device:
            ls.run(model, some_tokens(model))
        counts.append(device.transfers.total())
    assert counts[1] - counts[0] == 2 * 4


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_run_on_an_accelerator_gives_the_logits_of_the_processor(device: str) -> None:
    available = torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()
    if not available:
        pytest.skip(f"for want of {device}")
    model = tiny(KIND).map(lambda tensor: tensor.float())
    tokens = some_tokens(model)
    there = ls.run(replace(model, device=torch.device(device)), tokens, record=True)
    here = ls.run(model, tokens, record=True)
    assert there.logits.device.type == device
    assert float((there.logits.cpu() - here.logits).abs().max()) < 1e-4
    if device == "cuda":  # MPS has no double precision, which scores are computed in
        scores = [ls.subspace_scores(replace(model, device=torch.device(where))).score for where in (device, "cpu")]
        assert float(abs(scores[0] - scores[1]).max()) < 1e-6
