"""The matrices of a head and of the unembedding, by hand on models of a few numbers."""

from dataclasses import replace

import pytest
import torch
from tiny import Kind, Sizes, tiny

from loadstore.model.ports import reading
from loadstore.model.rotary import Rotary
from loadstore.sites import UNEMBED, Head


@pytest.mark.parametrize(("index", "group"), [(0, 0), (1, 0), (2, 1), (3, 1)])
def test_neighbouring_heads_share_keys_and_values(index: int, group: int) -> None:
    model = tiny(Kind("rotary", "rms", True, "gated", kv=2), n_layers=1)
    found, layer = model.head(Head(0, index)), model.layers[0]
    shared = [(found.W_K, layer.W_K), (found.W_V, layer.W_V), (found.b_K, layer.b_K), (found.b_V, layer.b_V)]
    own = [(found.W_Q, layer.W_Q), (found.W_O, layer.W_O), (found.b_Q, layer.b_Q)]
    for mine, all_ in shared:
        assert mine is not None
        assert torch.equal(mine, all_[group])
    for mine, all_ in own:
        assert mine is not None
        assert torch.equal(mine, all_[index])


def test_the_unembedding_is_centred_over_the_vocabulary() -> None:
    model = tiny(Kind("none", "none", False, sizes=Sizes(d_model=2, d_head=1, vocab=3, n_layers=1, n_heads=1)))
    W_U = torch.tensor([[1.0, 2.0, 6.0], [0.0, 0.0, 3.0]], dtype=torch.float64)
    port = reading(replace(model, W_U=W_U), UNEMBED)
    centred = torch.tensor([[-2.0, -1.0, 3.0], [-1.0, -1.0, 2.0]], dtype=torch.float64)
    assert torch.equal(port.map().dense(), centred)
    assert torch.equal(torch.cat(list(port.columns())), centred.mT)
    assert torch.equal(port.matrix, W_U)


@pytest.mark.parametrize(
    ("pairs", "first", "second"), [("halves", [0, 1], [2, 3]), ("adjacent", [0, 2], [1, 3])], ids=["halves", "adjacent"]
)
def test_dimensions_are_paired_as_the_rotary_positions_say(pairs: str, first: list[int], second: list[int]) -> None:
    quarter, still = torch.pi / 2, 0.0
    rotary = Rotary((quarter, still), pairs)
    assert rotary.first_and_second() == (first, second)
    x = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    turned = x.clone()
    turned[first[0]], turned[second[0]] = -x[second[0]], x[first[0]]
    torch.testing.assert_close(rotary.turn(x[None], rotary.angles(1, 1))[0], turned)
