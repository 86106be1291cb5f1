"""Live models of `transformers`: each is the same model as the folder that it writes, and its own logits are ours."""

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from each import each
from hostile import refusal, same, unchecked, words
from reference_models import SHAPES, Shape, exact, library, outputs, reference, save
from torch import Tensor

from loadstore.checkpoints.families.table import FAMILIES, WRAPPERS
from loadstore.checkpoints.library import load
from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel, Undefined
from loadstore.execution.run import run
from loadstore.model.weights import Weights

FIRST = list({shape.kind: shape for shape in reversed(SHAPES)}.values())
TIED = next(shape for shape in SHAPES if shape.name == "gpt2-tied")
UNTIED = next(shape for shape in SHAPES if shape.kind == "llama" and "tie_word_embeddings" not in shape.facts)
IDS = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6], [5, 3, 5, 8, 9, 7, 9, 3]])


def renamed(model: Weights, name: str) -> Weights:
    return type(model)(**{**vars(model), "name": name})


def places(tensors: list[Tensor]) -> set[int]:
    """Where the storages of tensors lie."""
    return {tensor.untyped_storage().data_ptr() for tensor in tensors}


@each("shape", FIRST)
def test_a_live_model_is_the_folder_that_it_writes(shape: Shape, tmp_path: Path) -> None:
    theirs = reference(shape)
    live, folder = load(theirs), load(save(theirs, tmp_path / "model"))
    assert live.name == type(theirs).__name__
    assert same(live, renamed(folder, live.name))
    with exact(theirs):
        logits = outputs(theirs, IDS)[0]
    found = run(live, IDS).logits
    assert float((found - logits).abs().max()) < 1e-8 * float(logits.abs().max())


def test_every_family_has_a_live_model_here() -> None:
    assert {shape.kind for shape in FIRST} == set(FAMILIES)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_tensors_are_shared_in_the_format_that_they_have(dtype: torch.dtype) -> None:
    theirs = reference(UNTIED).to(dtype)
    ours = load(theirs)
    assert {tensor.dtype for _, tensor in ours.named()} == {dtype}
    assert ours.dtype == torch.float32
    assert places([tensor for _, tensor in ours.named()]) <= places(list(theirs.state_dict().values()))
    before = run(ours, IDS).logits
    with torch.no_grad():
        theirs.lm_head.weight.zero_()
    assert before.abs().max() > 0
    assert run(ours, IDS).logits.abs().max() == 0  # what is trained on is what was loaded


def test_a_tied_model_stays_tied_and_its_base_is_the_whole_model() -> None:
    theirs = reference(TIED)
    whole, base = load(theirs), load(theirs.transformer)
    assert whole.tied
    assert same(base, renamed(whole, "GPT2Model"))


def test_a_base_model_that_is_not_tied_has_no_logits() -> None:
    base = reference(UNTIED).model
    refusal(lambda: load(base), BadCheckpoint, "the live model LlamaModel", "no unembedding 'lm_head.weight'")


def test_a_model_with_another_head_is_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = library().AutoConfig.for_model(TIED.kind, **TIED.facts, pad_token_id=0)
        model = library().AutoModelForSequenceClassification.from_config(config)
    refusal(lambda: load(model), NotThisModel, "GPT2ForSequenceClassification", "does not use its tensors score.weight")


def test_it_speaks_with_the_tokenizer_of_the_folder_that_it_came_from(tmp_path: Path) -> None:
    folder = save(reference(TIED), tmp_path / "cats")
    model = library().AutoModelForCausalLM.from_pretrained(folder)
    assert load(model).name == "cats"
    refusal(lambda: run(load(model), "the cat"), Undefined, "cats has no tokenizer")
    tokenizer = library().PreTrainedTokenizerFast(tokenizer_object=words(), bos_token="<s>")
    tokenizer.save_pretrained(folder)
    assert run(load(model), "the cat").tokens.tolist() == [tokenizer("the cat").input_ids] == [[1, 2]]
    assert run(load(model, bos=True), "the cat").tokens.tolist() == [[0, 1, 2]]


class Stand:
    """What a live model has, with nothing behind it."""

    def __init__(self, state: dict[str, Tensor], **facts: Any) -> None:
        self.state = state
        self.config: Any = SimpleNamespace(to_dict=lambda: facts, _name_or_path="")

    def state_dict(self) -> dict[str, Tensor]:
        return self.state


class Elsewhere(Tensor):
    """A tensor that says it lies on another device."""

    @property
    def device(self) -> torch.device:
        return torch.device("cuda:1")


def test_numbers_that_are_not_here_or_not_plain_are_refused() -> None:
    empty = torch.empty(2, device="meta")
    where = "the live model Stand"
    refusal(lambda: load(Stand({"w": empty}, model_type="llama")), BadCheckpoint, where, "'w' has no values yet")
    refusal(
        lambda: load(Stand({"w": torch.ones(2).as_subclass(Elsewhere)}, model_type="llama")),
        BadCheckpoint,
        where,
        "cuda:1",
        "model.cpu()",
    )
    packed = Stand({"w": torch.ones(2)}, model_type="llama", quantization_config={"bits": 4})
    refusal(lambda: load(packed), NotThisModel, where, "quantised in memory", "without quantization_config")
    whole = {name: value.to(torch.int8) for name, value in reference(TIED).state_dict().items()}
    facts = reference(TIED).config.to_dict()
    refusal(lambda: load(Stand(whole, **facts)), BadCheckpoint, where, "holds torch.int8")


@pytest.mark.parametrize(
    ("kind", "near"),
    [("qwen2_vl", "'qwen2'"), ("Llama", "'llama'"), ("gpt_neoxx", "'gpt_neox'"), ("t5", "gpt2")],
)
def test_an_architecture_that_is_not_known_is_told_with_those_that_are(kind: str, near: str) -> None:
    live = Stand({"w": torch.ones(2)}, model_type=kind)
    message = refusal(
        lambda: load(live), NotThisModel, f"model_type '{kind}'", near, ", ".join(sorted({*FAMILIES, *WRAPPERS}))
    )
    assert ("closest" in message) == (kind != "t5")


def test_a_model_of_images_and_text_states_its_text_model() -> None:
    live = Stand({"w": torch.ones(2)}, model_type="gemma3")
    refusal(lambda: load(live), BadCheckpoint, "the live model Stand", "states no text_config")


def test_positions_and_revisions_of_a_live_model() -> None:
    theirs = reference(TIED)
    assert load(theirs, positions="learned").architecture.positions == "learned"
    refusal(lambda: load(theirs, positions="rotary"), NotThisModel, "says learned positions", "positions='rotary'")
    refusal(lambda: load(theirs, revision="main"), BadRequest, "GPT2LMHeadModel is a live one", "leave it out")


def test_a_config_without_settings_is_no_model() -> None:
    thing: Any = SimpleNamespace(config={}, state_dict=dict)
    with unchecked():
        refusal(lambda: load(thing), BadRequest, "is not a model", "config and state_dict")
