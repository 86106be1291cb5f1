"""Live decoders that no family is for: recognised by structure and equal to the model itself, or refused with a piece.

A family is taken out of the table here, models of kinds that were never in it are tried, and random changes of a
forward pass must be refused or computed equally, also on tokens and at lengths that verification did not use.
"""

import copy
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from depth import deep
from each import each
from hostile import refusal
from mutated_blocks import mutant, results
from reference_models import SHAPES, Shape, exact, llama_like, outputs, reference
from torch import Tensor, nn

from loadstore.checkpoints.families.table import FAMILIES
from loadstore.checkpoints.library import load
from loadstore.checkpoints.structure.recognise import ByStructure
from loadstore.errors import BadPrompt, NotThisModel
from loadstore.execution.run import run
from loadstore.model.weights import Weights

FRESH = (4, 11, 21, 31, 47)  # lengths that verification does not use
CLOSE = 1e-5  # what equal models differ by, where both round to float32
BY_NAME = {shape.name: shape for shape in SHAPES}
RECOGNISED = (
    "llama3-one-key-head-tied",
    "mistral-window",
    "qwen2-some-windows",
    "qwen3-tied-bias",
    "gemma-untied",
    "gemma2-in-turn",
    "gemma3-listed",
    "phi3-window-partial",
    "phi-groups-of-two-quarter",
    "olmo-tied-biases",
    "olmo2-one-key-head-tied",
    "gptneo-in-turn",
    "stablelm-parallel-biases",
    "starcoder2-window-no-biases",
    "opt-untied-gelu",
    "gpt2-tied",
    "granite-all-multipliers",
    "neox-sequential-full",
    "cohere-normed",
    "smollm3-listed-biases",
    "bloom-three-heads-untied",
    "mpt-three-heads-untied",
)
REFUSED = (
    ("mixtral-two-of-four", "layer 0, MLP"),
    ("oss-all-full", "layer 0, attention"),
    ("deepseek3-no-experts-tied", "layer 0, attention"),
)
UNLISTED = (
    Shape("cohere2", "cohere2", llama_like(4, 4, 2, 32, 48, sliding_window=6)),
    Shape("glm4", "glm4", llama_like(2, 4, 2, 32, 48, head_dim=8, pad_token_id=None)),
    Shape("seed_oss", "seed_oss", llama_like(2, 4, 2, 32, 48, head_dim=12)),
    Shape("exaone4", "exaone4", llama_like(2, 4, 2, 32, 48)),
    Shape("gemma2 with weak caps", "vaultgemma", llama_like(2, 4, 2, 32, 48, head_dim=8)),
)


def found(model: Any, **how: Any) -> Weights:
    """The weights of a live model, with the one warning that there must be."""
    with pytest.warns(ByStructure) as said:
        ours = load(model, **how)
    assert len(said) == 1
    return ours


def apart(ours: Weights, model: Any, seed: int = 7) -> float:
    """The largest difference of logits and patterns on fresh tokens, relative to the largest."""
    generator, worst = torch.Generator().manual_seed(seed), 0.0
    model = copy.deepcopy(model).eval()
    model.config._attn_implementation = "eager"
    most = ours.architecture.context
    for length in (*(fresh for fresh in FRESH if fresh <= most), most):
        tokens = torch.randint(ours.architecture.vocab, (5, length), generator=generator)
        logits, patterns, _ = outputs(model, tokens)
        trace = run(ours, tokens, record=True)
        worst = max(worst, float((trace.logits - logits).abs().max() / logits.abs().max()))
        for head in ours.architecture.heads:
            worst = max(worst, float((trace.pattern(head) - patterns[head.layer][:, head.index]).abs().max()))
    return worst


@pytest.fixture
def unlisted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table without families."""
    for kind in list(FAMILIES):
        monkeypatch.delitem(FAMILIES, kind)


@each("name", deep(RECOGNISED, usual=RECOGNISED[::3]))
def test_a_family_without_its_entry_is_recognised(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shape, theirs = BY_NAME[name], reference(BY_NAME[name]).float()
    family = load(theirs)
    monkeypatch.delitem(FAMILIES, shape.kind)
    ours = found(theirs)
    assert apart(ours, theirs) < CLOSE
    assert ours.compared is not None
    assert ours.compared.difference < CLOSE
    tokens = torch.arange(20)[None]
    expected = run(family, tokens).logits
    assert float((run(ours, tokens).logits - expected).abs().max()) < CLOSE * float(expected.abs().max())


@each("name, piece", REFUSED)
def test_a_family_with_other_mechanisms_is_refused_by_its_piece(
    name: str, piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(FAMILIES, BY_NAME[name].kind)
    theirs = reference(BY_NAME[name])
    refusal(lambda: load(theirs), NotThisModel, f"no family for model_type '{BY_NAME[name].kind}'", piece)


def test_slopes_that_were_never_published_are_refused(unlisted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = reference(BY_NAME["bloom-three-heads-untied"]).float()
    assert apart(found(theirs), theirs) < CLOSE
    home: Any = sys.modules[type(theirs).__module__]
    slopes = home._get_alibi_slopes
    monkeypatch.setattr(home, "_get_alibi_slopes", lambda *args: slopes(*args) * 1.001)
    refusal(lambda: load(theirs), NotThisModel, "layer 0, attention", "ALiBi or none")


@each("shape", UNLISTED)
def test_a_kind_that_has_no_family_is_recognised(shape: Shape) -> None:
    assert shape.kind not in FAMILIES
    theirs = reference(shape)
    ours = found(theirs)
    assert apart(ours, theirs) < CLOSE
    assert ours.name == type(theirs).__name__
    assert ours.architecture.score_cap == theirs.config.to_dict().get("attn_logit_softcapping")


def test_an_activation_that_is_not_computed_is_named() -> None:
    theirs = reference(Shape("apertus", "apertus", llama_like(2, 4, 2, 32, 48)))
    refusal(
        lambda: load(theirs),
        NotThisModel,
        "ApertusForCausalLM",
        "'apertus'",
        "layer 0, MLP",
        "an activation among gelu",
    )


@each("name", ["qwen3-tied-bias", "gemma2-in-turn", "gpt2-tied"])
def test_a_model_that_computes_in_double_precision_is_verified_in_it(name: str, unlisted: None) -> None:
    theirs = reference(BY_NAME[name])
    with exact(theirs):
        ours = found(theirs)
    assert ours.compared is not None
    assert ours.compared.tolerance < 1e-12
    assert ours.compared.difference < 1e-13


def test_half_precision_stays_as_it_is_stored(unlisted: None) -> None:
    theirs = reference(BY_NAME["llama-groups-of-two"]).to(torch.bfloat16)
    ours = found(theirs)
    assert {tensor.dtype for _, tensor in ours.named()} == {torch.bfloat16}
    held = {tensor.untyped_storage().data_ptr() for tensor in theirs.state_dict().values()}
    assert {tensor.untyped_storage().data_ptr() for _, tensor in ours.named()} <= held
    assert apart(ours, theirs.float()) < CLOSE


def test_nothing_of_the_live_model_changes(unlisted: None) -> None:
    theirs = reference(BY_NAME["gemma2-in-turn"]).train()
    theirs.config._attn_implementation = "sdpa"
    theirs.lm_head.weight.grad = torch.ones_like(theirs.lm_head.weight)
    before = {name: tensor.clone() for name, tensor in theirs.state_dict().items()}
    state = torch.random.get_rng_state()
    refusal(lambda: load(theirs), NotThisModel, "`sdpa` attention does not support `softcap`")
    theirs.config._attn_implementation = "eager"
    found(theirs)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(module.training for module in theirs.modules())
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in theirs.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in theirs.state_dict().items())
    assert bool((theirs.lm_head.weight.grad == 1).all())


def test_a_prompt_beyond_the_verified_length_is_refused(unlisted: None) -> None:
    theirs = reference(Shape("long", "llama", llama_like(1, 2, 2, 16, 20, max_position_embeddings=4096)))
    with pytest.warns(ByStructure, match="in prompts of up to 512 tokens; longer ones are refused"):
        ours = load(theirs)
    assert run(ours, [1] * 512).logits.shape == (512, 101)
    refusal(
        lambda: run(ours, [1] * 513), BadPrompt, "at most 512, the length that was verified against the live model."
    )
    theirs = reference(BY_NAME["gpt2-tied"])
    assert found(theirs).architecture.context == 40


def test_options_that_do_not_fit_are_refused(unlisted: None) -> None:
    theirs = reference(BY_NAME["gpt2-tied"])
    refusal(lambda: load(theirs, positions="rotary"), NotThisModel, "says learned positions")
    with pytest.warns(ByStructure):
        pass_ = load(theirs, positions="learned", check=True)
    assert pass_.compared is not None
    assert pass_.compared.against.startswith("transformers")


def test_patterns_of_another_attention_than_the_models_own_are_refused(
    unlisted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = reference(BY_NAME["llama-groups-of-two"]).float()
    theirs.config._attn_implementation = "sdpa"
    assert apart(found(theirs), theirs) < CLOSE
    home = sys.modules[type(theirs).__module__]
    eager: Any = home.eager_attention_forward

    def sharper(*args: Any, scaling: float, **more: Any) -> Any:
        return eager(*args, scaling=2 * scaling, **more)

    monkeypatch.setattr(home, "eager_attention_forward", sharper)
    refusal(lambda: load(theirs), NotThisModel, "logits, as it computes attention, of 64 tokens")


def _second(model: Any) -> Any:
    return model.model.layers[1]


def _scaled(x: Tensor) -> Tensor:
    return x * 1.5


PIECES: tuple[tuple[str, Callable[[Any], nn.Module]], ...] = (
    ("embedding (model.embed_tokens)", lambda model: model.model.embed_tokens),
    ("layer 1, attention", lambda model: _second(model).self_attn.q_proj),
    ("layer 1, sum", lambda model: _second(model).self_attn),
    ("layer 1, sum", lambda model: _second(model).mlp),
    ("layer 1, sum", lambda model: _second(model)),
    ("layer 1, MLP", lambda model: _second(model).mlp.up_proj),
    ("layer 1, MLP", lambda model: _second(model).mlp.act_fn),
    ("layer 1, norm", lambda model: _second(model).input_layernorm),
    ("last norm", lambda model: model.model.norm),
    ("unembedding", lambda model: model.lm_head),
)


@each("piece, place", PIECES)
def test_the_first_layer_and_piece_that_differ_are_named(
    piece: str, place: Callable[[Any], nn.Module], unlisted: None
) -> None:
    theirs = reference(BY_NAME["llama-groups-of-two"])
    results(place(theirs), lambda x: x + x.abs().sqrt())
    refusal(lambda: load(theirs), NotThisModel, "the live model LlamaForCausalLM", piece, "expected", "found")


@each("seed", range(deep(200, usual=12)))
def test_a_changed_block_is_refused_or_equal(seed: int, unlisted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = mutant(seed * deep(1, usual=16), monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ByStructure)
        try:
            ours = load(changed.model)
        except NotThisModel:
            return
    assert apart(ours, changed.model) < 5 * CLOSE, changed.what
