"""Work adds up by kind, and its counts are those of a pass and of the scores of small models."""

import pytest
import torch
from tiny import FEW, tiny
from torch.utils._python_dispatch import TorchDispatchMode

import loadstore as ls
from loadstore.cost.layers import wires_of
from loadstore.cost.machine import Machine
from loadstore.cost.passes import run
from loadstore.cost.work import Work
from loadstore.model.wiring import wiring

VIEWS = ("view", "slice", "select", "expand", "unsqueeze", "squeeze", "transpose", "t.", "permute", "detach", "alias")


class Counted(TorchDispatchMode):
    """Counts the operations that compute something."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = str(func).removeprefix("aten.")
        self.calls += not name.startswith(VIEWS)
        return func(*args, **(kwargs or {}))


def test_work_adds_up_by_kind_and_the_longest_kind_bounds_it() -> None:
    work = Work(1.0, 2.0, 3.0, 4.0) + Work(1.0, 0.0, 1.0, 0.0)
    assert work == Work(2.0, 2.0, 4.0, 4.0)
    assert work * 0.5 == Work(1.0, 1.0, 2.0, 2.0)
    assert work.operations == 4.0
    machine = Machine(products=1.0, decompositions=2.0, moved=8.0, calls=4.0)
    assert work.parts(machine) == {"products": 2.0, "eigenvalues": 1.0, "bytes": 0.5, "small operations": 1.0}
    assert work.seconds(machine) == 4.5
    assert work.bound(machine) == ("products", pytest.approx(2 / 4.5))
    assert Work().bound(machine)[1] == 0


@pytest.mark.parametrize("kind", FEW, ids=str)
def test_small_operations_of_a_run_are_within_a_factor_of_what_is_called(kind) -> None:
    model = tiny(kind)
    with Counted() as counted:
        ls.run(model, torch.arange(1, 9))
    assert counted.calls / 3 < run(model.architecture, 8).calls < 3 * counted.calls


@pytest.mark.parametrize("kind", FEW, ids=str)
def test_the_wires_are_those_of_the_wiring(kind) -> None:
    """But for constants (biases) and positions, which are few and cost little."""
    model = tiny(kind, n_layers=3)
    network = wiring(model)
    sites = [writer.kind not in ("bias", "pos") for writer in network.writers]
    assert wires_of(model.architecture) == network.exists[sites].sum()
