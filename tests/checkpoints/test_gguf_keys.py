"""Every key that llama.cpp gives a meaning is read, without effect, or refused unless it is neutral."""

import functools
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
from each import each
from gguf_files import ARRAY, BOOL, F32, I32, TEXT, U32, Array, File, gpt2, llama, pieces
from gguf_models import CASES, converted
from hostile import refusal
from torch import Tensor

import loadstore as ls
from loadstore.checkpoints import vocabulary
from loadstore.checkpoints.families.gguf_keys import (
    FOREIGN,
    SAME,
    WHOLE,
    idle_of,
    neutral_of,
    own_facts,
)
from loadstore.checkpoints.families.gguf_read import READ, ROTARY
from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel
from loadstore.model.weights import Weights

KINDS = tuple(READ)
MADE = {"gpt2", "llama", "qwen2", "qwen3", "gemma3"}  # from nothing; the others are converted
IDS = [5, 80, 7, 30, 5, 80]


def keys(holder: type = gguf.constants.Keys) -> list[str]:
    """Every key of llama.cpp's, by its full name."""
    found: list[str] = []
    for name, value in vars(holder).items():
        if isinstance(value, type):
            found += keys(value)
        elif isinstance(value, str) and not name.startswith("_"):
            found.append(value)
    return found


BELOW = [
    key.removeprefix("{arch}.").replace("{dense}", dense)
    for key in keys()
    if key.startswith("{arch}.")
    for dense in ("dense_2", "dense_3")
]


@functools.cache
def plain(kind: str) -> File:
    if kind not in MADE:
        return converted(next(name for name, case in CASES.items() if case.name == kind))
    if kind == "gpt2":
        return gpt2(d=32, heads=2, layers=1)
    return llama(kind=kind, norms=kind in ("qwen3", "gemma3"), numbers=0, layers=1, heads=2, kv=1, d=32)


def opened(folder: Path, file: File, *ignore: str) -> Weights:
    path = folder / "tiny.gguf"
    path.unlink(missing_ok=True)
    path.write_bytes(file.written())
    model = ls.load(path, ignore=ignore)
    assert model.ignored == ignore
    return model


@pytest.mark.parametrize("key", ["llama.zyx", "llama.block_count", "tokenizer.ggml.merges", "general.architecture"])
def test_only_a_key_that_is_stated_and_not_read_can_be_ignored(tmp_path: Path, key: str) -> None:
    why = "has no such key" if key == "llama.zyx" else "decides what the model computes"
    refusal(lambda: opened(tmp_path, llama(), key), BadRequest, f"ignore='{key}'", tmp_path, why)


def logits(model: Weights) -> Tensor:
    return ls.run(model, IDS).logits


def value_of(value: Any) -> tuple[int, Any]:
    return (BOOL if isinstance(value, bool) else TEXT if isinstance(value, str) else F32, value)


def test_the_lists_have_every_key_that_llama_cpp_names_and_none_twice() -> None:
    assert len(BELOW) > 90
    for kind in KINDS:
        lists = [set(READ[kind]), set(idle_of(kind)), set(neutral_of(kind))]
        assert not set(BELOW) - set.union(*lists, SAME, ROTARY)
        assert len(set.union(*lists)) == sum(map(len, lists))
    others = {key for key in keys() if not key.startswith("{arch}.")}
    unsorted = {
        key
        for key in others
        if key not in WHOLE
        and not key.startswith((*FOREIGN, "general.", "tokenizer."))
        and key not in ("split.tensors.count", "GGUF")
    }
    assert not unsorted
    spoken = {key.removeprefix("tokenizer.ggml.") for key in others if key.startswith("tokenizer.ggml.")}
    assert not spoken - vocabulary.READ - vocabulary.IDLE


def full(name: str, kind: str) -> str:
    return name if name in WHOLE else f"{kind}.{name}"


@each("kind", KINDS)
def test_a_neutral_value_is_passed_over_and_any_other_is_refused(kind: str) -> None:
    path = Path("here")
    for name, allowed in {**neutral_of(kind), **WHOLE}.items():
        key = full(name, kind)
        for value in allowed:
            assert own_facts(path, {key: value, f"{kind}.block_count": 3}, kind) == {"block_count": 3}
        for value in (0.37, "x", 7, not allowed[0] if isinstance(allowed[0], bool) else None):
            said = f"{key} = {value}"
            refusal(
                lambda key=key, value=value: own_facts(path, {key: value}, kind),
                NotThisModel,
                *("here", said, "not supported", f"ignore=['{key}']"),
            )
            assert own_facts(path, {key: value}, kind, [key]) == {}


@each("kind", KINDS)
def test_what_is_neutral_idle_or_ignored_changes_nothing(tmp_path: Path, kind: str) -> None:
    expected = logits(opened(tmp_path, plain(kind)))
    idle = idle_of(kind) | (set(ROTARY) - READ[kind])
    neutral = {name: allowed[0] for name, allowed in {**neutral_of(kind), **WHOLE}.items()}
    file = odd = plain(kind)
    for name, value in neutral.items():
        file = file.with_fact(full(name, kind), *value_of(value))
        odd = odd.with_fact(full(name, kind), F32, 0.37)
    for name in sorted(idle):
        file = file.with_fact(f"{kind}.{name}", F32, 0.37)
    assert torch.equal(logits(opened(tmp_path, file)), expected)
    assert torch.equal(logits(opened(tmp_path, odd, *(full(name, kind) for name in neutral))), expected)


@each("kind", KINDS)
def test_an_unknown_key_is_refused_by_name_with_a_way_on(tmp_path: Path, kind: str) -> None:
    key = f"{kind}.attention.zyx"
    file = plain(kind).with_fact(key, U32, 1).with_fact("other.attention.zyx", U32, 1)
    refusal(lambda: opened(tmp_path, file), NotThisModel, tmp_path, key, "does not know", f"ignore=['{key}']")
    assert torch.equal(logits(opened(tmp_path, file, key)), logits(opened(tmp_path, plain(kind))))


def test_an_array_is_neutral_where_each_of_its_values_is(tmp_path: Path) -> None:
    key = "llama.attention.sliding_window_pattern"
    opened(tmp_path, plain("llama").with_fact(key, ARRAY, Array(BOOL, [False, False])))
    some = plain("llama").with_fact(key, ARRAY, Array(BOOL, [False, True]))
    refusal(lambda: opened(tmp_path, some), NotThisModel, key)


@each("name", SAME)
def test_a_fact_said_again_must_be_the_same(tmp_path: Path, name: str) -> None:
    file = plain("llama").with_fact("llama.attention.key_length", U32, 16)
    file = file.with_fact("llama.attention.value_length", U32, 16)
    stated = next((value for key, _, value in file.facts if key == f"llama.{SAME[name]}"), None)
    kind = F32 if "base" in name else U32
    expected = logits(opened(tmp_path, file))
    assert torch.equal(logits(opened(tmp_path, file.with_fact(f"llama.{name}", kind, stated))), expected)
    other = file.with_fact(f"llama.{name}", kind, stated * 2)
    refusal(lambda: opened(tmp_path, other), NotThisModel, f"llama.{name}")


def scaled(**facts: Any) -> File:
    file = plain("llama")
    for name, value in facts.items():
        file = file.with_fact(f"llama.rope.{name.replace('__', '.')}", TEXT if isinstance(value, str) else F32, value)
    return file


LINEAR = {
    "old name": scaled(scale_linear=4.0),
    "no type": scaled(scaling__factor=4.0),
    "type": scaled(scaling__type="linear", scaling__factor=4.0),
    "both names": scaled(scaling__factor=4.0, scale_linear=4.0),
    "old name and type": scaled(scaling__type="linear", scale_linear=4.0),
}
UNSCALED = {
    "no factor": scaled(scaling__type="linear"),
    "zero": scaled(scaling__factor=0.0),
    "one": scaled(scale_linear=1.0),
    "none": scaled(scaling__type="none", scaling__factor=4.0),
}


@each("name", [*LINEAR, *UNSCALED])
def test_rotary_scaling_is_linear_unless_a_type_is_stated(tmp_path: Path, name: str) -> None:
    """Finding 7: ``scale_linear``, and a factor without a type, were ignored."""
    before = opened(tmp_path, plain("llama")).architecture.rotary
    after = opened(tmp_path, {**LINEAR, **UNSCALED}[name]).architecture.rotary
    assert before is not None
    assert after is not None
    times = 4 if name in LINEAR else 1
    assert [times * one for one in after.frequencies] == pytest.approx(before.frequencies)


WRONG: dict[str, tuple[File, type[BadCheckpoint], tuple[str, ...]]] = {
    "two factors": (scaled(scaling__factor=4.0, scale_linear=2.0), BadCheckpoint, ("scaling.factor = 4", "linear = 2")),
    "attention's factor": (scaled(scaling__attn_factor=1.5), NotThisModel, ("rope.scaling.attn_factor = 1.5",)),
    "yarn's mixing": (scaled(scaling__yarn_ext_factor=1.0), NotThisModel, ("yarn_ext_factor = 1.0",)),
    "longrope": (scaled(scaling__type="longrope", scaling__factor=2.0), NotThisModel, ("'longrope'",)),
    "a factor of true": (
        plain("llama").with_fact("llama.rope.scaling.factor", BOOL, True),
        BadCheckpoint,
        ("factor = True",),
    ),
    "vocabulary": (plain("llama").with_fact("llama.vocab_size", U32, 319), BadCheckpoint, ("319", "= 320")),
    "no norm": (
        plain("llama").without("llama.attention.layer_norm_rms_epsilon"),
        BadCheckpoint,
        ("does not state llama.attention.layer_norm_rms_epsilon",),
    ),
    "no norm of gpt2": (
        plain("gpt2").without("gpt2.attention.layer_norm_epsilon"),
        BadCheckpoint,
        ("does not state gpt2.attention.layer_norm_epsilon",),
    ),
    "groups of gpt2": (
        plain("gpt2").with_fact("gpt2.attention.head_count_kv", U32, 1),
        BadCheckpoint,
        ("= 1",),
    ),
    "heads of gpt2": (plain("gpt2").with_fact("gpt2.attention.key_length", U32, 8), BadCheckpoint, ("= 8", "= 16")),
    "values of gpt2": (plain("gpt2").with_fact("gpt2.attention.value_length", U32, 8), NotThisModel, ("its values",)),
    "window of gpt2": (
        plain("gpt2").with_fact("gpt2.attention.sliding_window", U32, 4),
        NotThisModel,
        ("gpt2.attention.sliding_window = 4",),
    ),
    "scale": (plain("llama").with_fact("llama.attention.scale", F32, 0.5), NotThisModel, ("scale = 0.5", "0.25")),
    "factors of qwen": (
        plain("qwen2").with_tensor("rope_freqs.weight", torch.ones(8).numpy()),
        NotThisModel,
        ("rope_freqs.weight", "no place in a qwen2"),
    ),
    "a part of a model": (plain("llama").with_fact("split.count", U32, 2), BadCheckpoint, ("split.count = 2",)),
    "an adapter": (plain("llama").with_fact("adapter.type", TEXT, "lora"), NotThisModel, ("adapter.type = lora",)),
}


@each("name", WRONG)
def test_what_is_not_computed_or_contradicts_itself_is_told(tmp_path: Path, name: str) -> None:
    file, kind, words = WRONG[name]
    refusal(lambda: opened(tmp_path, file), kind, tmp_path, *words)


def test_facts_that_agree_are_accepted(tmp_path: Path) -> None:
    file = plain("llama").with_fact("llama.vocab_size", U32, 320).with_fact("llama.attention.scale", F32, 0.25)
    assert torch.equal(logits(opened(tmp_path, file)), logits(opened(tmp_path, plain("llama"))))
    facts = {"vocab_size": 100, "attention.head_count_kv": 2, "attention.key_length": 16, "attention.value_length": 16}
    file = plain("gpt2")
    for name, value in facts.items():
        file = file.with_fact(f"gpt2.{name}", U32, value)
    assert torch.equal(logits(opened(tmp_path, file)), logits(opened(tmp_path, plain("gpt2"))))


UNSPOKEN = {
    "unknown": ("tokenizer.ggml.zyx", I32, 1, "tokenizer.ggml.zyx, which loadstore does not know"),
    "no BOS": ("tokenizer.ggml.bos_token_id", None, None, "does not state which"),
}


@pytest.mark.parametrize("name", UNSPOKEN)
def test_a_vocabulary_that_states_more_or_less_than_is_read_is_not_spoken(tmp_path: Path, name: str) -> None:
    key, kind, value, expected = UNSPOKEN[name]
    file = llama(vocabulary=pieces())
    model = opened(tmp_path, file.without(key) if kind is None else file.with_fact(key, kind, value))
    assert model.tokens is None
    assert expected in model.untokenised
    assert logits(model).shape == (len(IDS), 320)
    if kind is not None:
        assert opened(tmp_path, file.with_fact(key, kind, value), key).tokens is not None


@pytest.mark.parametrize(
    ("key", "kind", "value", "said"),
    [
        ("add_bos_token", U32, 1, "add_bos_token = 1, expected true or false"),
        ("add_space_prefix", U32, 0, "add_space_prefix = 0, expected true or false"),
        ("bos_token_id", U32, 999, "token 999, expected an id below 277"),
        ("bos_token_id", TEXT, "x", "token x, expected an id"),
    ],
)
def test_facts_of_a_vocabulary_are_of_their_type(tmp_path: Path, key: str, kind: int, value: Any, said: str) -> None:
    file = llama(vocabulary=pieces()).with_fact(f"tokenizer.ggml.{key}", kind, value)
    refusal(lambda: opened(tmp_path, file), BadCheckpoint, tmp_path, said)


def test_a_control_token_of_megabytes_is_refused(tmp_path: Path) -> None:
    file = llama(vocabulary=pieces())
    stated = {key: value for key, _, value in file.facts}
    tokens, types = (stated[f"tokenizer.ggml.{name}"].values for name in ("tokens", "token_type"))
    file = file.with_fact("tokenizer.ggml.tokens", ARRAY, Array(TEXT, [*tokens, "a" * 5000]))
    file = file.with_fact("tokenizer.ggml.token_type", ARRAY, Array(I32, [*types, 3]))
    file = file.with_fact("tokenizer.ggml.scores", ARRAY, Array(F32, [-float(i) for i in range(len(tokens) + 1)]))
    refusal(lambda: opened(tmp_path, file), BadCheckpoint, tmp_path, "5,000", "4,096")
