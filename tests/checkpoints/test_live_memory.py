"""A live HookedTransformer shares no memory with what was loaded from it, whatever its number format."""

from types import SimpleNamespace

import pytest
import torch
from hostile import legacy_config, legacy_state, small
from torch import Tensor

from loadstore.checkpoints.library import load
from loadstore.model.weights import Weights


def places(tensors: list[Tensor]) -> set[int]:
    """Where the storages of tensors lie."""
    return {tensor.untyped_storage().data_ptr() for tensor in tensors}


def live(model: Weights) -> SimpleNamespace:
    """What a HookedTransformer has of it: a config and a state dict."""
    config = legacy_config(model) | {"attn_only": True, "attn_scale": 2.0, "d_vocab_out": -1, "model_name": "alive"}
    state = legacy_state(model)
    return SimpleNamespace(cfg=config, state_dict=lambda: state)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_no_tensor_lies_where_the_live_model_has_one(dtype: torch.dtype) -> None:
    theirs = live(small().map(lambda tensor: tensor.to(dtype)))
    ours = [tensor for _, tensor in load(theirs).named()]
    assert {tensor.dtype for tensor in ours} == {dtype}
    assert not places(ours) & places(list(theirs.state_dict().values()))
    before = [tensor.clone() for tensor in ours]
    for tensor in theirs.state_dict().values():
        tensor.fill_(9.0)
    assert all(torch.equal(one, other) for one, other in zip(ours, before, strict=True))
