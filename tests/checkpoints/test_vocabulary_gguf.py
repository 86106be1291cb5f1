"""Tokenizers from GGUF files: splits as transformers states them, pieces merged as llama.cpp merges them by score."""

import itertools
import random
from pathlib import Path
from typing import Any

from each import each
from gguf_files import ARRAY, BOOL, F32, I32, LETTERS, TEXT, U32, Array, File, byte_level, llama, pieces
from hostile import refusal
from tokenizers import Regex, Tokenizer, pre_tokenizers

import loadstore as ls
from loadstore.checkpoints.gguf import read_gguf
from loadstore.checkpoints.vocabulary import DIGITS, PLAIN, SPLITS, tokens_of
from loadstore.errors import BadCheckpoint, Undefined
from loadstore.tokenizer.tokens import Tokens

TEXTS = [
    "the cat, THE cat's 12345 cats' WE'LL see",
    "a\n\n  b\r\n\t c   \n",
    "naïve Élan — “q” … €5 ½ ²",
    "日本語 中文 한국어 مرحبا עברית हिन्दी",
    "👩‍👩‍👧 🎉🎉 x",
    "snake_case CamelCase HTTPServer http://a.b/c?d=1//",
    "  lead and trail  ",
    "e\u0301 \u00a0\u200b\u2028",
]


def tokens(tmp_path: Path, file: File, vocab: int = 320) -> Tokens | str:
    path = tmp_path / "tiny.gguf"
    path.unlink(missing_ok=True)
    path.write_bytes(file.written())
    return tokens_of(read_gguf(path), vocab)


def spoken(tmp_path: Path, file: File) -> Tokens:
    found = tokens(tmp_path, file)
    assert isinstance(found, Tokens), found
    return found


def splits(tokenizer: Tokenizer, text: str) -> list[str]:
    assert tokenizer.pre_tokenizer is not None
    return [piece for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)]


@each("name", SPLITS)
def test_a_named_split_is_transformers(tmp_path: Path, name: str) -> None:
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

    tokenizer = spoken(tmp_path, llama().with_fact("tokenizer.ggml.pre", TEXT, name)).tokenizer
    stated = pre_tokenizers.Split(Regex(GGUF_PRE_TOKENIZER_SPLITS[name]), behavior="isolated")
    expected = pre_tokenizers.Sequence([stated, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    for text in TEXTS:
        assert splits(tokenizer, text) == [piece for piece, _ in expected.pre_tokenize_str(text)]


@each("name", [*PLAIN, *DIGITS])
def test_the_others_split_as_gpt_2_and_some_by_digits_first(tmp_path: Path, name: str) -> None:
    tokenizer = spoken(tmp_path, llama().with_fact("tokenizer.ggml.pre", TEXT, name)).tokenizer
    expected = pre_tokenizers.ByteLevel(add_prefix_space=False)
    for text in TEXTS[1:2] + TEXTS[3:]:
        if not any(mark.isnumeric() for mark in text):
            assert splits(tokenizer, text) == [piece for piece, _ in expected.pre_tokenize_str(text)]
    digits = ["a", "Ġ", "1", "2", "3", "Ġb"] if name in DIGITS else ["a", "Ġ123", "Ġb"]
    assert splits(tokenizer, "a 123 b") == digits


@each("name", [*PLAIN, *DIGITS, *SPLITS])
def test_any_text_comes_back(tmp_path: Path, name: str) -> None:
    found = spoken(tmp_path, llama().with_fact("tokenizer.ggml.pre", TEXT, name))
    for text in [*TEXTS[:-1], "the<|end|> the"]:
        assert found.tokenizer.decode(found.encode(text), skip_special_tokens=False).removeprefix("<|end|>") == text


def test_merges_and_special_tokens_have_their_ids(tmp_path: Path) -> None:
    found = spoken(tmp_path, llama())
    end = 256 + 5
    assert found.bos is None
    assert found.encode("the the<|end|>in") == [257, 258, end, 259]
    assert [found.text(token) for token in (257, 258, end)] == ["the", " the", "<|end|>"]
    assert spoken(tmp_path, llama().with_fact("tokenizer.ggml.add_bos_token", BOOL, True)).encode("the") == [end, 257]
    assert spoken(tmp_path, llama().with_fact("tokenizer.ggml.pre", TEXT, "llama-bpe")).bos == end


def test_a_word_that_is_a_token_needs_no_merges_where_the_split_says_so(tmp_path: Path) -> None:
    """Llama 3 ignores merges for words that its vocabulary has; GPT-2 does not."""
    vocabulary = [fact for fact in byte_level() if fact[0] != "tokenizer.ggml.merges"]
    file = llama(vocabulary=[*vocabulary, ("tokenizer.ggml.merges", ARRAY, Array(TEXT, ["t h"]))])
    assert len(spoken(tmp_path, file).encode("the")) == 2
    whole = file.with_fact("tokenizer.ggml.pre", TEXT, "llama-bpe")
    assert spoken(tmp_path, whole.with_fact("tokenizer.ggml.add_bos_token", BOOL, False)).encode("the") == [257]


def by_score(text: str, scores: dict[str, float], bytes_at: int, ids: dict[str, int]) -> list[int]:
    """llama.cpp's own way: merge the neighbours whose piece scores best, the leftmost of equals; bytes for the rest."""
    parts = list(text)
    while True:
        pairs = [(scores[a + b], -i) for i, (a, b) in enumerate(itertools.pairwise(parts)) if a + b in scores]
        if not pairs:
            break
        at = -max(pairs)[1]
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    out: list[int] = []
    for part in parts:
        out += [ids[part]] if part in scores else [bytes_at + byte for byte in part.encode()]
    return out


def test_pieces_are_merged_by_their_scores(tmp_path: Path) -> None:
    file = llama(vocabulary=pieces())
    facts: dict[str, Any] = {name: value for name, _, value in file.facts}
    names, numbers = facts["tokenizer.ggml.tokens"].values, facts["tokenizer.ggml.scores"].values
    scores = dict(zip(names[259:], numbers[259:], strict=True))
    ids = {name: place for place, name in enumerate(names)}
    found = spoken(tmp_path, file)
    assert found.bos == 1
    for seed in range(400):
        dice = random.Random(seed)
        text = "".join(dice.choice("aabbcthe  é\n") for _ in range(dice.randrange(1, 30)))
        expected = by_score("▁" + text.replace(" ", "▁"), scores, 3, ids)
        assert found.encode(text) == [1, *expected], text
        assert found.tokenizer.decode(expected) == " " + text
    assert len(set(found.encode("the abc é"))) > 5
    bare = spoken(tmp_path, file.with_fact("tokenizer.ggml.add_space_prefix", BOOL, False))
    assert bare.encode("abc") == [1, *by_score("abc", scores, 3, ids)]
    unbegun = spoken(tmp_path, file.with_fact("tokenizer.ggml.add_bos_token", BOOL, False))
    assert unbegun.bos is None


def spaced(runs: int = 4) -> list[tuple[str, int, Any]]:
    """The same pieces in Gemma's way: a user's own pieces share one score, and runs of spaces are spelled as spaces."""
    own = [" " * length for length in range(2, 2 + runs)] + ["\n", "\n\n", "<b>"]
    more = {"tokens": own, "scores": [-1000.0] * len(own), "token_type": [4] * len(own)}
    facts: list[tuple[str, int, Any]] = []
    for name, kind, value in pieces():
        last = name.removeprefix("tokenizer.ggml.")
        facts.append((name, kind, Array(value.kind, value.values + more[last]) if last in more else value))
    return [*facts, ("tokenizer.ggml.add_space_prefix", BOOL, False)]


@each("kind", ["gemma", "gemma2", "gemma3"])
def test_runs_of_spaces_are_merged_before_all_others_where_the_architecture_spells_them_so(
    tmp_path: Path, kind: str
) -> None:
    file = llama(vocabulary=spaced()).with_fact("general.architecture", TEXT, kind)
    facts: dict[str, Any] = {name: value for name, _, value in file.facts}
    names, numbers = facts["tokenizer.ggml.tokens"].values, facts["tokenizer.ggml.scores"].values
    spelled = [name.replace(" ", "▁") for name in names]
    runs = {name: 1000.0 - len(name) for name in spelled[277:281]}
    scores = dict(zip(spelled[259:277], numbers[259:277], strict=True)) | runs
    ids = {name: place for place, name in enumerate(spelled)}
    found = spoken(tmp_path, file)
    for seed in range(200):
        dice = random.Random(seed)
        text = "".join(dice.choice(["a", "b", "the", "é", " ", "  ", "     "]) for _ in range(dice.randrange(1, 12)))
        assert found.encode(text) == [1, *by_score(text.replace(" ", "▁"), scores, 3, ids)], text
    assert found.encode("a\n\n\n<b>b")[1:] == [ids[name] for name in ("a", "\n\n", "\n", "<b>", "b")]
    assert found.text(ids["▁▁▁"]) == "   "
    twice = ["▁▁" if name == "<b>" else name for name in names]
    doubled = file.with_fact("tokenizer.ggml.tokens", ARRAY, Array(TEXT, twice))
    assert tokens(tmp_path, doubled) == "its vocabulary has a run of spaces twice"


SILENT: dict[str, tuple[File, tuple[str, ...]]] = {
    "pre": (llama().with_fact("tokenizer.ggml.pre", TEXT, "zyx"), ("the pre-tokenizer 'zyx'", "smollm", "llama-bpe")),
    "model": (llama().with_fact("tokenizer.ggml.model", TEXT, "bert"), ("of the kind 'bert'",)),
    "nothing": (llama(vocabulary=[]), ("has no vocabulary",)),
    "ties": (
        llama(vocabulary=pieces()).with_fact("tokenizer.ggml.scores", ARRAY, Array(F32, [-1.0] * 277)),
        ("several of its pieces have one score",),
    ),
    "bytes": (
        llama(vocabulary=pieces()).with_fact("tokenizer.ggml.token_type", ARRAY, Array(I32, [1] * 277)),
        ("no byte tokens for text",),
    ),
}


@each("name", SILENT)
def test_a_vocabulary_that_cannot_be_spoken_exactly_says_why_and_the_model_takes_ids(tmp_path: Path, name: str) -> None:
    file, words = SILENT[name]
    path = tmp_path / "tiny.gguf"
    path.write_bytes(file.written())
    model = ls.load(path)
    assert model.tokens is None
    assert ls.run(model, [1, 2]).logits.shape == (2, 320)
    refusal(lambda: ls.run(model, "the"), Undefined, "tiny has no tokenizer", *words, "tokenizer.json")


def test_a_tokenizer_beside_the_file_speaks_for_one_that_cannot(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(SILENT["pre"][0].written())
    other = tmp_path / "other"
    other.mkdir()
    spoken(other, llama()).tokenizer.save(str(tmp_path / "tokenizer.json"))
    model = ls.load(path)
    assert model.tokens is not None
    assert 257 in model.tokens.encode("the")


def changed(name: str, kind: int, value: Any) -> File:
    return llama().with_fact(f"tokenizer.ggml.{name}", kind, value)


DAMAGED: dict[str, tuple[File, str]] = {
    "no tokens": (llama().without("tokenizer.ggml.tokens"), "no readable tokens"),
    "tokens of numbers": (changed("tokens", ARRAY, Array(U32, [1, 2])), "no readable tokens"),
    "twice the same": (changed("tokens", ARRAY, Array(TEXT, ["a", "a"])), "2 tokens, 1 of them different"),
    "too many": (changed("tokens", ARRAY, Array(TEXT, [f"t{i}" for i in range(321)])), "does not fit the model's 320"),
    "no merges": (llama().without("tokenizer.ggml.merges"), "no readable merges"),
    "merges of one": (changed("merges", ARRAY, Array(TEXT, ["th"])), "merges that are not pairs"),
    "merges of nothing": (changed("merges", ARRAY, Array(TEXT, ["zz yy"])), "vocabulary is damaged"),
    "types": (changed("token_type", ARRAY, Array(I32, [1])), "no token_type of its 262 tokens"),
    "types of text": (changed("token_type", ARRAY, Array(TEXT, ["1"] * 262)), "are not numbers"),
    "scores": (llama(vocabulary=pieces()).without("tokenizer.ggml.scores"), "no scores of its 277 tokens"),
    "scores that are none": (
        llama(vocabulary=pieces()).with_fact("tokenizer.ggml.scores", ARRAY, Array(F32, [float("nan")] * 277)),
        "are not numbers",
    ),
}


@each("name", DAMAGED)
def test_a_vocabulary_that_is_damaged_is_told(tmp_path: Path, name: str) -> None:
    file, words = DAMAGED[name]
    refusal(lambda: tokens(tmp_path, file), BadCheckpoint, tmp_path, words, "download it again")


def test_the_letters_of_these_files_are_those_of_bytes() -> None:
    assert sorted(LETTERS) == sorted(pre_tokenizers.ByteLevel.alphabet())
