"""What begins a text: what the model's own files say, unless the caller decides; ids are never touched."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from each import each
from hostile import legacy_config, legacy_state, refusal, small, unchecked, words
from reference_models import SHAPES, library, reference, save
from tokenizers import Tokenizer, processors

from loadstore.checkpoints.families.own import save_weights
from loadstore.checkpoints.library import load
from loadstore.cli.analyse import heads as show_heads
from loadstore.cli.options import open_model
from loadstore.errors import BadCheckpoint, BadRequest
from loadstore.execution.run import run
from loadstore.figures.facts import facts
from loadstore.heads.roles import head_roles
from loadstore.scores.scores import subspace_scores
from loadstore.scores.spectra import spectrum
from loadstore.tokenizer.bos import put_first

LLAMA = next(shape for shape in SHAPES if shape.kind == "llama")
TEXT = "the cat"


def template(single: str, *special: tuple[str, int]) -> Any:
    return processors.TemplateProcessing(single=single, pair=f"{single} $B:1", special_tokens=list(special))


def tokenizer(processor: Any = None) -> Tokenizer:
    made = words()
    if processor is not None:
        made.post_processor = processor
    return made


LIKE_LLAMA = template("<s> $A", ("<s>", 0))
ROBERTA = processors.RobertaProcessing(("log", 7), ("<s>", 0), True, False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model of Llama's kind, without a tokenizer so far."""
    return save(reference(LLAMA), tmp_path / "model")


@each(
    ("processor", "config", "first"),
    [
        (LIKE_LLAMA, {"bos_token": "<s>"}, [0]),
        (LIKE_LLAMA, {"bos_token": "<s>", "add_bos_token": False}, [0]),  # what the file does, not what is said beside
        (LIKE_LLAMA, None, [0]),
        (template("$A log", ("log", 7)), {"bos_token": "<s>", "eos_token": "log"}, []),
        (processors.ByteLevel(trim_offsets=False), {"bos_token": "<s>"}, []),  # GPT-2, GPT-NeoX, Qwen
        (processors.Sequence([processors.ByteLevel(trim_offsets=False), LIKE_LLAMA]), {"bos_token": "<s>"}, [0]),
        (None, {"bos_token": "<s>"}, []),
        (None, None, []),
    ],
)
def test_a_folder_of_hugging_face_begins_texts_as_its_own_tokenizer_does(
    folder: Path, processor: Any, config: dict[str, Any] | None, first: list[int]
) -> None:
    (folder / "tokenizer.json").write_text(tokenizer(processor).to_str())
    if config is not None:
        stated = {"tokenizer_class": "PreTrainedTokenizerFast", **config}
        (folder / "tokenizer_config.json").write_text(json.dumps(stated))
    theirs = library().PreTrainedTokenizerFast.from_pretrained(folder)(TEXT).input_ids
    found = run(load(folder), TEXT).tokens[0].tolist()
    assert found == [*first, 1, 2] == theirs[: len(found)]  # what they put behind a text is left out: a prompt goes on


def test_a_tokenizer_that_puts_nothing_where_its_config_says_so_needs_a_decision(folder: Path) -> None:
    """Versions of the reference put BOS there or do not, so neither is taken in silence."""
    (folder / "tokenizer.json").write_text(tokenizer().to_str())
    (folder / "tokenizer_config.json").write_text('{"bos_token": {"content": "dog"}, "add_bos_token": true}')
    refusal(lambda: load(folder), BadCheckpoint, "model: ", "add_bos_token = true", "bos=True", "bos=False")
    assert run(load(folder, bos=True), TEXT).tokens.tolist() == [[6, 1, 2]]
    assert run(load(folder, bos=False), TEXT).tokens.tolist() == [[1, 2]]
    (folder / "tokenizer.json").write_text(tokenizer(LIKE_LLAMA).to_str())
    assert run(load(folder), TEXT).tokens.tolist() == [[0, 1, 2]]


def test_more_than_one_token_before_a_text_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").write_text(tokenizer(template("<s> dog $A", ("<s>", 0), ("dog", 6))).to_str())
    refusal(lambda: load(folder), BadCheckpoint, "tokenizer.json", "puts 2 tokens", "pass token ids")


@pytest.mark.parametrize(
    ("bos", "first", "sentence"),
    [("model", [], "none (model)"), (True, [0], "<s> before the prompt (asked)"), (False, [], "none (asked)")],
)
def test_the_caller_may_decide(folder: Path, bos: Any, first: list[int], sentence: str) -> None:
    (folder / "tokenizer.json").write_text(tokenizer().to_str())
    model = load(folder, bos=bos)
    assert run(model, TEXT).tokens.tolist() == [[*first, 1, 2]]
    assert run(model, [1, 2]).tokens.tolist() == [[1, 2]]
    assert run(model, torch.tensor([[0, 1], [2, 3]])).tokens.tolist() == [[0, 1], [2, 3]]
    assert model.begins == sentence
    assert ("BOS", sentence) in facts(model)


@pytest.mark.parametrize(
    ("bos", "first", "sentence"),
    [
        ("model", [0], "<s> before the prompt (model)"),
        (True, [0], "<s> before the prompt (asked)"),
        (False, [], "none (asked)"),
    ],
)
@pytest.mark.parametrize("form", ["own", "legacy", "llama"])
def test_a_model_that_begins_texts(
    tmp_path: Path, folder: Path, form: str, bos: Any, first: list[int], sentence: str
) -> None:
    """loadstore's own file carries its BOS, TransformerLens always puts one, a Llama's tokenizer says that it does."""
    source = tmp_path / "model.safetensors" if form == "own" else tmp_path if form == "legacy" else folder
    if form == "own":
        save_weights(small(), source)
    elif form == "legacy":
        torch.save(legacy_state(small()), tmp_path / "model.pth")
        (tmp_path / "config.json").write_text(json.dumps(legacy_config(small())))
        (tmp_path / "tokenizer.json").write_text(tokenizer().to_str())
    else:
        (folder / "tokenizer.json").write_text(tokenizer(LIKE_LLAMA).to_str())
    model = load(source, bos=bos)
    assert run(model, TEXT).tokens.tolist() == [[*first, 1, 2]]
    assert model.begins == sentence


def test_end_of_text_stands_in_where_there_is_no_bos(folder: Path) -> None:
    (folder / "tokenizer.json").write_text(tokenizer().to_str())
    (folder / "tokenizer_config.json").write_text('{"bos_token": null, "eos_token": "log"}')
    assert run(load(folder, bos=True), TEXT).tokens.tolist() == [[7, 1, 2]]
    assert run(load(folder), TEXT).tokens.tolist() == [[1, 2]]


def test_a_tokenizer_without_any_such_token_and_a_model_without_a_tokenizer(folder: Path) -> None:
    refusal(lambda: load(folder, bos=True), BadRequest, "bos=True", "model has no tokenizer", "leave it out")
    assert load(folder, bos=False).begins == "no tokenizer"
    (folder / "tokenizer.json").write_text(words(["the", "cat"]).to_str())
    refusal(lambda: load(folder, bos=True), BadRequest, "tokenizer of model has no BOS", "leave it out")


@pytest.mark.parametrize("bos", ["yes", 1, None, "True"])
def test_a_policy_that_there_is_not(bos: Any) -> None:
    with unchecked():
        refusal(lambda: load(bos=bos), BadRequest, "bos=", "'model'", "True", "False")


def test_every_result_says_how_texts_began() -> None:
    for model, sentence in (
        (small(), "<s> before the prompt (model)"),
        (load(bos=False), "none (asked)"),
    ):
        results = [head_roles(model, sequences=1), spectrum(model, "embed"), subspace_scores(model, readers="L1.H1.K")]
        assert [result.attrs["bos"] for result in results] == [sentence] * 3


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("model", "<|bos|> before the prompt (model)"),
        ("yes", "<|bos|> before the prompt (asked)"),
        ("no", "none (asked)"),
    ],
)
def test_the_command_line_asks_and_tells(option: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_heads(bos=option, sequences=1, json=True)
    assert json.loads(capsys.readouterr().out)["bos"] == sentence
    show_heads(bos=option, sequences=1)
    assert f"BOS: {sentence}" in capsys.readouterr().out


def test_an_option_that_there_is_not() -> None:
    refusal(lambda: open_model("builtin", None, "maybe"), BadRequest, "--bos 'maybe'", "'model', 'yes' or 'no'")


def test_experiments_obey_it_too() -> None:
    """Without BOS no sequence begins with it: a head's random tokens are others."""
    with_bos, without = (head_roles(load(bos=bos), sequences=1) for bos in (True, False))
    assert float(abs(with_bos["first"] - without["first"]).max()) > 1e-3


@each(
    ("processor", "found"),
    [(None, []), (LIKE_LLAMA, [0]), (ROBERTA, [0]), (template("$A"), []), (template("$A dog", ("dog", 6)), [])],
)
def test_what_is_put_first_is_seen_by_trying(processor: Any, found: list[int]) -> None:
    assert put_first(tokenizer(processor)) == found


def test_a_vocabulary_that_can_say_next_to_nothing_is_still_tried() -> None:
    mute = tokenizer(LIKE_LLAMA)
    mute.model.unk_token = "[UNK]"
    assert put_first(mute) == [0]
    assert put_first(words([])) == []
