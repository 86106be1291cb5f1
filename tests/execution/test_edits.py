"""Edits are data: they compose, a repeated one changes nothing more, and nothing of the model is changed."""

import subprocess
import sys
from itertools import permutations

import pytest
import torch
from hostile import refusal, unchecked
from tiny import OTHER_HALF, Kind, some_tokens, tiny
from torch import Tensor

from loadstore.errors import BadRequest, NoSuchSite, NoSuchWire
from loadstore.execution.edits import Edit, ablate, cut
from loadstore.execution.run import run
from loadstore.model.weights import Weights

LEARNED = Kind("learned", "layer", biases=True)


@pytest.fixture(params=OTHER_HALF, ids=str)
def model(request: pytest.FixtureRequest) -> Weights:
    return tiny(request.param)


def logits(model: Weights, *edits: Edit) -> Tensor:
    return run(model, some_tokens(model), edits).logits


def test_edits_change_neither_the_weights_nor_later_runs(model: Weights) -> None:
    before, intact = {name: tensor.clone() for name, tensor in model.named()}, logits(model)
    edits = [ablate("L0.H1", by="zero"), ablate("embed"), cut("L0.H0", "L2.H2.V")]
    edits += [cut("pos", "L1.H0.K", by="zero")] if model.architecture.has_pos else []
    trace = run(model, some_tokens(model), edits)
    assert (trace.logits - intact).abs().max() > 1e-3
    trace.written("L1.H1")
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.named())
    assert torch.equal(logits(model), intact)


def test_the_order_of_edits_does_not_matter(model: Weights) -> None:
    edits = [ablate("L0.H1"), cut("L0.H0", "L2.H2.V"), cut("embed", "L1.H0.K", by="zero")]
    first = logits(model, *edits)
    for order in permutations(edits):
        assert (logits(model, *order) - first).abs().max() < 1e-10
    for some in ([edits[0]], [edits[1]], edits[:2], edits[1:]):
        assert (logits(model, *some) - first).abs().max() > 1e-4


def test_an_edit_twice_is_the_edit_once(model: Weights) -> None:
    for edit in (ablate("L0.H1"), cut("embed", "L1.H0.K"), cut("L0.H1", "unembed", by="zero")):
        assert torch.equal(logits(model, edit, edit), logits(model, edit)), str(edit)


def test_zero_takes_what_a_mean_would_have_left(model: Weights) -> None:
    for mean, zero in (
        (ablate("L0.H1"), ablate("L0.H1", by="zero")),
        (cut("embed", "L1.H0.K"), cut("embed", "L1.H0.K", by="zero")),
        (cut("embed", "unembed"), cut("embed", "unembed", by="zero")),
    ):
        assert torch.equal(logits(model, mean, zero), logits(model, zero))
        assert torch.equal(logits(model, zero, mean), logits(model, zero))
        assert not torch.equal(logits(model, mean), logits(model, zero))


def test_what_is_ablated_has_nothing_left_to_cut(model: Weights) -> None:
    ablated = logits(model, ablate("L0.H1", by="zero"))
    assert (logits(model, ablate("L0.H1", by="zero"), cut("L0.H1", "L1.H0.K", by="zero")) - ablated).abs().max() < 1e-10


def test_a_single_token_has_no_later_tokens_to_take_a_mean_of(model: Weights) -> None:
    one = [3]
    assert (run(model, one, [ablate("L0.H1")]).logits - run(model, one).logits).abs().max() < 1e-10


def test_a_replacement_that_is_none() -> None:
    with unchecked():
        refusal(lambda: ablate("L0.H7", by="median"), BadRequest, "by='median'", "'mean' or 'zero'")  # pyright: ignore[reportArgumentType]
        refusal(lambda: cut("L0.H7", "L1.H4.K", by="zeros"), BadRequest, "by='zeros'", "'mean' or 'zero'")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("edit", "kind", "words"),
    [
        (ablate("L0.H7"), NoSuchSite, "no writer L0.H7: tiny-learned-layer-biases has embed, pos"),
        (ablate("L5.bias"), NoSuchSite, "Nearest: L2.bias."),
        (cut("L0.H1", "L5.H1.K"), NoSuchSite, "Nearest: L2.H1.K."),
        (cut("L1.H1", "L0.H1.K"), NoSuchWire, "L1.H1 stores after L0.H1.K has loaded"),
        (cut("L1.H1", "L1.H2.K"), NoSuchWire, "no wire L1.H1 → L1.H2.K"),
    ],
    ids=str,
)
def test_an_edit_that_does_not_fit_the_model(edit: Edit, kind: type[NoSuchSite], words: str) -> None:
    refusal(lambda: logits(tiny(LEARNED), edit), kind, words)


@pytest.mark.parametrize("reader", ["L1.H1.V", "unembed"])
def test_a_cut_of_shortformer_positions_where_they_never_were(reader: str) -> None:
    model = tiny(Kind("shortformer", "layer", biases=False))
    refusal(lambda: logits(model, cut("pos", reader)), NoSuchWire, f"pos → {reader}", "Q and K only")


def test_an_edit_does_not_import_the_computer_algebra_of_torch() -> None:
    """It takes a third of the time of ``import torch``."""
    edited = (
        "loadstore.run(loadstore.load('builtin'), 'a b', [loadstore.ablate('L0.H1'), loadstore.cut('pos', 'L1.H1.K')])"
    )
    code = f"import sys, loadstore; {edited}; print('sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
