"""Live models, by a stand-in that has what a HookedTransformer has; `make live` compares with real ones."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from each import each
from hostile import LEGACY, legacy_config, legacy_state, refusal, rotary_tables, same, small, unchecked, words
from tiny import Kind, some_tokens

from loadstore.checkpoints.library import load
from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel, Undefined
from loadstore.execution.run import run
from loadstore.model.weights import Weights


class Config:
    """Settings as attributes, and as a dict."""

    def __init__(self, **settings: Any) -> None:
        vars(self).update(settings)

    def to_dict(self) -> dict[str, Any]:
        return vars(self)


class HookedTransformer(torch.nn.Module):
    """A config, buffers beside the weights, and a tokenizer that wraps a fast one."""

    def __init__(self, model: Weights, tokenizer: object = None, **settings: Any) -> None:
        super().__init__()
        usual = {"attn_only": True, "dtype": torch.float32, "attn_scale": 2.0, "d_vocab_out": -1, "model_name": "alive"}
        self.cfg: Any = Config(**{**usual, **legacy_config(model), **settings})
        self.tokenizer = tokenizer
        self.state = legacy_state(model)
        if model.architecture.rotary is not None:
            self.state |= rotary_tables(model)
        for layer in range(model.architecture.n_layers):
            self.state[f"blocks.{layer}.attn.mask"] = torch.empty((0, 0), dtype=torch.bool)
            self.state[f"blocks.{layer}.attn.IGNORE"] = torch.tensor(-torch.inf)

    def state_dict(self, *_: Any, **__: Any) -> dict[str, Any]:
        return self.state


def named(model: Weights, name: str = "alive") -> Weights:
    return type(model)(**{**vars(model), "name": name, "tokens": None})


@each("kind", LEGACY)
def test_a_live_model_is_its_weights(kind: Kind) -> None:
    assert same(load(HookedTransformer(small(kind))), named(small(kind)))


def test_later_training_does_not_reach_what_was_loaded() -> None:
    live = HookedTransformer(small())
    loaded = load(live)
    tokens = some_tokens(loaded)
    before = run(loaded, tokens).logits
    for tensor in live.state.values():
        tensor.zero_()
    assert torch.equal(run(loaded, tokens).logits, before)
    assert same(loaded, named(small()))


def test_halves_are_widened_and_gradients_left_behind() -> None:
    live = HookedTransformer(small())
    live.state = {name: tensor.half().requires_grad_() for name, tensor in live.state.items() if tensor.ndim > 1}
    live.state = {name: tensor for name, tensor in live.state.items() if "mask" not in name}
    loaded = load(live)
    assert {tensor.dtype for _, tensor in loaded.named()} == {torch.float32}
    assert not any(tensor.requires_grad for _, tensor in loaded.named())


def speaking(bos: object) -> SimpleNamespace:
    return SimpleNamespace(backend_tokenizer=words(), bos_token_id=bos)


def test_its_tokenizer_comes_along_with_its_bos() -> None:
    assert run(load(HookedTransformer(small(), speaking(3))), "the cat").tokens.tolist() == [[3, 1, 2]]
    assert run(load(HookedTransformer(small(), speaking(None))), "the cat").tokens.tolist() == [[1, 2]]
    unasked = HookedTransformer(small(), speaking(3), default_prepend_bos=False)
    assert run(load(unasked), "the cat").tokens.tolist() == [[1, 2]]


@pytest.mark.parametrize("tokenizer", [None, SimpleNamespace(bos_token_id=3)], ids=["none", "slow"])
def test_without_a_fast_tokenizer_it_takes_ids(tokenizer: object) -> None:
    model = load(HookedTransformer(small(), tokenizer))
    assert run(model, [1, 2]).tokens.tolist() == [[1, 2]]
    refusal(lambda: run(model, "the cat"), Undefined, "alive has no tokenizer")


@pytest.mark.parametrize("bos", [-1, 17, "the", True])
def test_a_bos_that_is_no_token(bos: object) -> None:
    refusal(lambda: load(HookedTransformer(small(), speaking(bos))), BadCheckpoint, "the live model alive", "below 17")


def test_a_tokenizer_of_another_model() -> None:
    other = SimpleNamespace(backend_tokenizer=words([f"word{i}" for i in range(40)]), bos_token_id=0)
    refusal(lambda: load(HookedTransformer(small(), other)), BadCheckpoint, "alive", "it is not its tokenizer")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"attn_only": False}, "attn_only = False"),
        ({"attn_scale": 1.0}, "attn_scale = 1"),
        ({"use_qk_norm": True}, "use_qk_norm = True"),
        ({"n_heads": 7}, "n_heads = 7, its tensors say 2"),
    ],
)
def test_a_live_model_that_is_not_computed(settings: dict[str, Any], words: str) -> None:
    refusal(lambda: load(HookedTransformer(small(), **settings)), BadCheckpoint, "the live model alive", words)


def test_a_live_model_with_an_mlp_that_its_config_denies() -> None:
    live = HookedTransformer(small())
    live.state["blocks.0.mlp.W_in"] = torch.zeros(12, 48)
    refusal(lambda: load(live), BadCheckpoint, "alive", "attn_only = True, its tensors say False")


def test_a_live_model_of_another_naming() -> None:
    live = HookedTransformer(small())
    live.state = {"transformer.h.0.attn.c_attn.weight": torch.zeros(2)}
    refusal(lambda: load(live), NotThisModel, "alive", "an architecture that loadstore does not know")


def test_a_live_model_without_numbers() -> None:
    live = HookedTransformer(small())
    live.state["embed.W_E"] = torch.empty(17, 12, device="meta")
    refusal(lambda: load(live), BadCheckpoint, "alive", "'embed.W_E' has no values yet")


def test_positions_and_revisions_of_a_live_model() -> None:
    refusal(lambda: load(HookedTransformer(small()), positions="learned"), NotThisModel, "contradictory")
    refusal(lambda: load(HookedTransformer(small()), revision="main"), BadRequest, "revision='main'", "leave it out")


@each("thing", [5, None, [], {}, object(), torch.nn.Linear(2, 2), SimpleNamespace(cfg={})])
def test_a_thing_that_is_no_model(thing: Any) -> None:
    with unchecked():
        refusal(lambda: load(thing), BadRequest, type(thing).__name__, "is not a model", "cfg and state_dict")


def test_settings_may_be_plain_and_must_be_settings() -> None:
    live = HookedTransformer(small())
    live.cfg = live.cfg.to_dict()
    assert same(load(live), named(small()))
    live.cfg = 5
    refusal(lambda: load(live), BadRequest, "HookedTransformer is a int, expected the settings")


def test_a_state_without_names() -> None:
    live = HookedTransformer(small())
    live.state = {}
    refusal(lambda: load(live), NotThisModel, "alive")
    odd: dict[Any, Any] = {7: torch.zeros(2), "embed.W_E": "text"}
    live.state = odd
    refusal(lambda: load(live), NotThisModel, "alive", "7")


def test_tensors_are_copied_even_on_the_same_device() -> None:
    live = HookedTransformer(small())
    theirs = {tensor.data_ptr() for tensor in live.state.values() if tensor.numel()}
    assert not theirs & {tensor.data_ptr() for _, tensor in load(live).named()}
