"""What a tokenizer_config.json says of ids: as transformers takes it, or refused."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from depth import deep
from each import each
from hostile import refusal
from pairs import pairs
from reference_models import library
from tokenizer_files import END, byte_level, published, sentencepiece
from tokenizers import Tokenizer

from loadstore.errors import BadCheckpoint, LoadstoreError
from loadstore.tokenizer.bos import tokens_in
from loadstore.tokenizer.tokens import Tokens

TEXTS = ["the cat 12", " the cat", "the cat  12\n x é", f"the{END} the", "a<s> the</s>"]
KINDS = {
    "gpt2": ("gpt2", (None, "GPT2Tokenizer", "GPT2TokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend")),
    "gpt2 with a space": ("gpt2", (None, "GPT2Tokenizer", "PreTrainedTokenizerFast")),
    "neox": ("gpt_neox", (None, "GPTNeoXTokenizer", "PreTrainedTokenizerFast")),
    "phi": ("phi", (None, "GPT2Tokenizer")),
    "qwen": ("qwen2", (None, "Qwen2Tokenizer")),
    "smollm2": ("llama", (None, "PreTrainedTokenizerFast")),
    "llama3": ("llama", (None, "PreTrainedTokenizerFast", "LlamaTokenizer")),
    "llama2": ("llama", (None, "PreTrainedTokenizerFast")),
    "mistral": ("mistral", (None, "LlamaTokenizerFast", "PreTrainedTokenizerFast")),
    "mistral without a space": ("mistral", (None, "LlamaTokenizerFast")),
}
FACTS: tuple[dict[str, Any], ...] = (
    {},
    {"add_bos_token": True},
    {"add_bos_token": False, "add_eos_token": True},
    {"legacy": True},
    {"legacy": False},
    {"clean_up_tokenization_spaces": True},
    {"split_special_tokens": True},
    {"split_special_tokens": False, "model_max_length": 2, "padding_side": "left", "errors": "replace"},
)


def made(kind: str) -> Tokenizer:
    match kind:
        case "gpt2 with a space":
            return byte_level(prefix=True)
        case "mistral without a space":
            return sentencepiece(meta=True, dummy=False)
        case _:
            return published()[kind]


def written(folder: Path, tokenizer: Tokenizer, model: str, **config: Any) -> Path:
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "config.json").write_text(json.dumps({"model_type": model}))
    return folder


def ours(folder: Path) -> list[list[int]] | None:
    """The ids of the texts, None where the files are refused or leave BOS open."""
    try:
        tokens = tokens_in(folder, 1000, "reference")
    except LoadstoreError:
        return None
    assert tokens is not None
    return None if tokens.unsure else [tokens.encode(text) for text in TEXTS]


@each("kind", KINDS)
def test_ids_are_those_of_transformers_or_refused(tmp_path: Path, kind: str) -> None:
    """Finding 9: ``add_prefix_space`` of a tokenizer's config was ignored."""
    model, classes = KINDS[kind]
    tokenizer, seen = made(kind), 0
    special = "<s>" if "<s>" in tokenizer.get_vocab() else "<|begin_of_text|>" if kind == "llama3" else END
    spaces: list[dict[str, Any]] = [{}, {"add_prefix_space": False}, {"add_prefix_space": True}]
    rows = list(itertools.product(classes, spaces, FACTS))
    for name, prefix, facts in deep(rows, usual=pairs(rows, lambda row: (row[0], str(row[1]), str(row[2])))):
        config = {"bos_token": special, "eos_token": special, "unk_token": None, **prefix, **facts}
        config |= {} if name is None else {"tokenizer_class": name}
        found = ours(written(tmp_path, tokenizer, model, **config))
        if found is not None:
            reference = library().AutoTokenizer.from_pretrained(tmp_path)
            theirs = [reference(text).input_ids for text in TEXTS]
            # What is put behind a text is left out: a prompt goes on.
            assert found == [ids[: len(mine)] for mine, ids in zip(found, theirs, strict=True)], config
            seen += 1
    assert seen >= deep(6 * len(classes), usual=6)  # no prefix stated, and one stated as it is


def read(folder: Path, tokenizer: Tokenizer, model: str = "llama", **config: Any) -> Tokens:
    found = tokens_in(written(folder, tokenizer, model, **config), 1000, "reference")
    assert found is not None
    return found


def test_a_space_before_is_obeyed_both_ways(tmp_path: Path) -> None:
    plain, spaced = byte_level(), byte_level(prefix=True)
    for tokenizer in (plain, spaced):
        for prefix, expected in ((True, spaced), (False, plain)):
            found = read(tmp_path, tokenizer, "gpt2", tokenizer_class="GPT2Tokenizer", add_prefix_space=prefix)
            assert found.encode("the cat") == expected.encode("the cat").ids
    assert read(tmp_path, plain).most == 2 * read(tmp_path, plain, "gpt2", add_prefix_space=True).most


REFUSED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "the other space": (
        {"tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": True},
        ("add_prefix_space = True", "tokenizer.json has False", "correct one"),
    ),
    "a space of no kind": ({"add_prefix_space": "yes"}, ("add_prefix_space = yes", "true or false")),
    "special tokens as text": ({"split_special_tokens": True}, ("split_special_tokens = True", "set it to false")),
    "another pattern": ({"fix_mistral_regex": True}, ("fix_mistral_regex = True",)),
    "a token that is not there": ({"added_tokens_decoder": {"400": {"content": "<new>"}}}, ("'<new>'", "add it there")),
    "a token elsewhere": ({"added_tokens_decoder": {"1": {"content": "the"}}}, ("token 1 is 'the'",)),
    "a token of no kind": ({"added_tokens_decoder": {"1": 5}}, ("token 1 is 'None'",)),
    "tokens of no kind": ({"added_tokens_decoder": [1]}, ("expected an object",)),
}


@each("name", REFUSED)
def test_what_contradicts_the_tokenizer_is_refused(tmp_path: Path, name: str) -> None:
    config, words = REFUSED[name]
    refusal(
        lambda: read(tmp_path, byte_level(), **config), BadCheckpoint, tmp_path, "tokenizer_config.json says", *words
    )


@pytest.mark.parametrize(
    "config",
    [
        {"bos_token": "the"},
        {"pad_token": {"__type": "AddedToken", "content": "the", "lstrip": False, "special": True}},
        {"additional_special_tokens": ["the"]},
        {"added_tokens_decoder": {"257": {"content": "the", "normalized": False, "special": True}}},
    ],
)
def test_a_word_that_the_config_names_as_a_token_is_one(tmp_path: Path, config: dict[str, Any]) -> None:
    made_up = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": None, **config}
    found = read(tmp_path, byte_level(), **made_up)
    theirs = library().AutoTokenizer.from_pretrained(tmp_path)
    assert found.encode("xthey the") == theirs("xthey the").input_ids
    assert found.encode("xthey the") != byte_level().encode("xthey the").ids
