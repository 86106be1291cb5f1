import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import combinations
from pathlib import Path

import pytest
import torch
from each import each
from hostile import refusal, small, unchecked

import loadstore as ls
from loadstore.corpora import textfiles
from loadstore.corpora.corpus import Corpus, read_corpus
from loadstore.errors import BadPrompt, BadRequest, Undefined
from loadstore.model.weights import Weights

FOLDER = Path(str(ls.__file__)).parent / "data" / "corpus"
KINDS = ("prose", "code", "dialogue")
ORDER = [f"{kind}-{number}.txt" for number in range(1, 9) for kind in KINDS]
FIXED = "b26e17148d565f6514355fb1161ca9b117baf199814d8e7206aaed8aa445f1a7"
TEXT = "the cat sat on the mat the dog sat on the log"  # 12 tokens: 1 to 7 are words of the small model, 0 is BOS
IDS = [1, 2, 3, 4, 1, 5, 1, 6, 3, 4, 1, 7]


def mute() -> Weights:
    """A model without a tokenizer."""
    return replace(small(), tokens=None)


def plain() -> Weights:
    """A model whose texts begin with nothing."""
    model = small()
    assert model.tokens is not None
    return replace(model, tokens=replace(model.tokens, bos=None))


def ids(corpus: Corpus) -> list[list[list[int]]]:
    return [[piece.tolist() for piece in document] for document in corpus.documents]


def test_shipped_files_are_24_fixed_documents_of_three_kinds() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted([*ORDER, "LICENSES.md"])
    signed = hashlib.sha256()
    for name in ORDER:
        signed.update(f"{name}\n".encode() + (FOLDER / name).read_bytes())
    assert signed.hexdigest() == FIXED


def test_shipped_documents_are_small_text_without_headers() -> None:
    texts = [(FOLDER / name).read_text(encoding="utf-8") for name in ORDER]
    assert all(600 <= len(text) <= 900 for text in texts)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 40_000
    for text in texts:
        assert "gutenberg" not in text.lower()
        assert text.isascii()
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


def test_no_shipped_document_is_a_near_copy_of_another() -> None:
    texts = [(FOLDER / name).read_text(encoding="utf-8") for name in ORDER]
    for one, other in combinations(texts, 2):
        match = SequenceMatcher(None, one, other, autojunk=False).find_longest_match()
        assert match.size < 80, one[match.a : match.a + match.size]


def test_licences_name_every_document_and_its_package() -> None:
    rows = [
        line for line in (FOLDER / "LICENSES.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    assert sorted(row.split("`")[1] for row in rows) == sorted(ORDER)
    for row in rows:
        _, _, what, source, licence, _ = (cell.strip() for cell in row.split("|"))
        assert what
        assert "`" in source
        assert any(known in licence for known in ("public domain", "MIT", "BSD-3-Clause", "ISC"))


@pytest.mark.parametrize("name", ["builtin", "smollm2"])
def test_default_is_one_full_piece_of_every_document_in_turns(name: str) -> None:
    model = ls.load(name)
    corpus = read_corpus(model)
    assert corpus.name == "default"
    assert corpus.tokens == 24 * 128
    assert [len(document) for document in corpus.documents] == [1] * 24
    assert model.tokens is not None
    for file, (piece,) in zip(ORDER, corpus.documents, strict=True):
        assert piece.tolist() == model.tokens.encode((FOLDER / file).read_text(encoding="utf-8"))[:128]


def test_a_long_text_is_cut_into_pieces_that_all_begin_with_bos() -> None:
    assert ids(read_corpus(small(), [TEXT], length=6)) == [
        [[0, *IDS[:5]], [0, *IDS[5:10]], [0, *IDS[10:]]],
    ]
    assert ids(read_corpus(plain(), [TEXT], length=6)) == [[IDS[:6], IDS[6:]]]


def test_length_is_the_context_where_that_is_less_than_128() -> None:
    assert ids(read_corpus(small(), [TEXT])) == [[[0, *IDS[:9]], [0, *IDS[9:]]]]


def test_a_last_piece_with_nothing_to_attend_to_is_dropped() -> None:
    assert ids(read_corpus(plain(), [IDS[:5]], length=4)) == [[IDS[:4]]]
    assert ids(read_corpus(plain(), [IDS[:6]], length=4)) == [[IDS[:4], IDS[4:6]]]


def test_ids_have_bos_before_every_piece_only_if_they_begin_with_it() -> None:
    assert ids(read_corpus(small(), [[0, *IDS[:6]]], length=4)) == [[[0, *IDS[:3]], [0, *IDS[3:6]]]]
    assert ids(read_corpus(small(), [IDS[:6]], length=4)) == [[IDS[:4], IDS[4:6]]]


def test_every_form_of_ids_is_the_same_corpus() -> None:
    flat = ids(read_corpus(mute(), IDS[:6]))
    assert flat == [[IDS[:6]]]
    assert ids(read_corpus(mute(), torch.tensor(IDS[:6]))) == flat
    assert ids(read_corpus(mute(), [IDS[:6]])) == flat
    assert ids(read_corpus(mute(), [torch.tensor(IDS[:6])])) == flat
    rows = torch.tensor([IDS[:6], IDS[6:]], dtype=torch.int32)
    assert ids(read_corpus(mute(), rows)) == ids(read_corpus(mute(), [IDS[:6], IDS[6:]])) == [[IDS[:6]], [IDS[6:]]]


def test_names_say_what_was_given(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    assert read_corpus(small(), tmp_path).name == tmp_path.name
    assert read_corpus(small(), str(tmp_path / "a.txt")).name == "a.txt"
    assert read_corpus(small(), [TEXT] * 3).name == "3 texts"
    assert read_corpus(small(), [TEXT]).name == "1 text"
    assert read_corpus(small(), [IDS, TEXT]).name == "2 documents"


def test_a_folder_gives_its_txt_files_in_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, text in {"b.txt": "dog log", "sub/a.txt": "mat mat", "a.txt": "cat sat", "a.md": "on on"}.items():
        (tmp_path / name).write_text(text)
    assert ids(read_corpus(plain(), tmp_path)) == [[[2, 3]], [[6, 7]], [[5, 5]]]
    assert ids(read_corpus(plain(), tmp_path / "a.md")) == [[[4, 4]]]


def test_a_folder_that_is_called_default_is_meant_by_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "a.txt").write_text("cat sat")
    monkeypatch.chdir(tmp_path)
    assert ids(read_corpus(plain(), Path("default"))) == [[[2, 3]]]


def test_tokens_takes_whole_documents_until_reached() -> None:
    texts = ["cat sat", "dog log mat", "on on"]
    assert [len(read_corpus(plain(), texts, tokens=most).documents) for most in (1, 2, 3, 5, 6, 99)] == [
        1,
        1,
        2,
        2,
        3,
        3,
    ]
    assert read_corpus(plain(), texts, tokens=3).tokens == 5


def test_what_is_too_short_is_left_out_of_the_rest() -> None:
    assert ids(read_corpus(plain(), ["", "cat sat", "dog", " \n"])) == [[[2, 3]]]


def test_a_mark_of_byte_order_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfcat sat")
    assert ids(read_corpus(plain(), tmp_path)) == [[[2, 3]]]


def test_loops_pipes_and_broken_links_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("cat sat")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self.txt").symlink_to(tmp_path / "self.txt")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.txt")
    assert ids(read_corpus(plain(), tmp_path)) == [[[2, 3]]]


def test_a_path_that_cannot_be_a_corpus_is_refused(tmp_path: Path) -> None:
    (tmp_path / "self").symlink_to(tmp_path / "self")
    os.mkfifo(tmp_path / "pipe")
    refusal(lambda: read_corpus(small(), tmp_path / "nowhere"), BadRequest, "nowhere", "does not exist", "in a list")
    refusal(lambda: read_corpus(small(), TEXT), BadRequest, TEXT, "does not exist", "in a list")
    refusal(lambda: read_corpus(small(), tmp_path / "pipe"), BadRequest, "pipe", "neither a file nor a folder")
    refusal(lambda: read_corpus(small(), "a\0b"), BadRequest, "a\\x00b")
    refusal(lambda: read_corpus(small(), "a" * 5000), BadRequest, "aaa")
    refusal(lambda: read_corpus(small(), tmp_path / "self"), BadRequest, "self")
    refusal(lambda: read_corpus(small(), ""), BadRequest, "corpus=''", "expected 'default'")


def test_an_empty_corpus_is_refused_by_what_is_empty(tmp_path: Path) -> None:
    refusal(lambda: read_corpus(small(), tmp_path), BadRequest, tmp_path.name, "no .txt file", "put one there")
    (tmp_path / "a.txt").write_text("")
    (tmp_path / "b.txt").write_text(" \n")
    refusal(lambda: read_corpus(small(), tmp_path), BadRequest, tmp_path.name, "empty or one-token", "a.txt, b.txt")
    refusal(lambda: read_corpus(small(), [""]), BadRequest, "1 text", "empty or one-token", "text 0")
    refusal(
        lambda: read_corpus(small(), [[0, 1]]), BadRequest, "1 document", "document 0", "at least one of two tokens"
    )
    refusal(lambda: read_corpus(small(), []), BadRequest, "no documents", "give at least one")
    refusal(lambda: read_corpus(small(), torch.zeros(0, 4, dtype=torch.long)), BadRequest, "no documents")


def test_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    refusal(lambda: read_corpus(small(), tmp_path), BadRequest, "a.txt", "not UTF-8", "byte 3", "save it as UTF-8")
    (tmp_path / "a.txt").write_bytes(b"cat\0sat")
    refusal(lambda: read_corpus(small(), tmp_path), BadRequest, "a.txt", "binary", "leave it out")


def test_more_than_the_bounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(textfiles.BYTES + 1)  # takes no space on disk
    refusal(lambda: read_corpus(small(), tmp_path), BadRequest, "more than 64 MB", "give a part")
    refusal(lambda: read_corpus(small(), tmp_path / "a.txt"), BadRequest, "more than 64 MB", "give a part")
    (tmp_path / "a.txt").write_text("cat sat")
    (tmp_path / "b.txt").write_text("cat sat")
    monkeypatch.setattr(textfiles, "FILES", 2)
    assert len(read_corpus(small(), tmp_path).documents) == 2
    monkeypatch.setattr(textfiles, "FILES", 1)
    refusal(lambda: read_corpus(small(), tmp_path), BadRequest, "more than 1 .txt files", "give a part")


def test_all_files_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textfiles, "BYTES", 10)
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("dog ")
    (tmp_path / "a.txt").write_text("dog log")
    refusal(lambda: read_corpus(plain(), tmp_path), BadRequest, "more than")
    (tmp_path / "b.txt").write_text("dog")
    assert len(read_corpus(plain(), tmp_path).documents) == 1


def test_a_length_that_no_piece_can_have_is_refused() -> None:
    refusal(lambda: read_corpus(plain(), [TEXT], length=1), BadRequest, "length=1", "from 2 (two tokens) to 10")
    refusal(lambda: read_corpus(small(), [TEXT], length=2), BadRequest, "length=2", "from 3 (BOS and two tokens)")
    refusal(lambda: read_corpus(small(), [TEXT], length=11), BadRequest, "length=11", "to 10 (context)")
    refusal(lambda: read_corpus(small(), [TEXT], tokens=0), BadRequest, "tokens=0", "leave it out")


def test_text_without_a_tokenizer_is_refused() -> None:
    for corpus in ("default", [TEXT]):
        refusal(lambda corpus=corpus: read_corpus(mute(), corpus), Undefined, "no tokenizer", "a list of ids")


def test_text_that_the_tokenizer_cannot_say_is_refused_by_its_document() -> None:
    refusal(lambda: read_corpus(small(), [TEXT, "\ud800"]), BadPrompt, "text 1 of 2 texts", "cannot be tokenised")


@each(
    ("corpus", "words"),
    [
        ([[1, 2], [1, 17]], ("document 1 of 2 documents", "id 17 at token 1", "small takes ids 0 to 16")),
        ([[1, -1]], ("document 0 of 1 document", "id -1 at token 1")),
        (torch.tensor([[1, 2], [99, 1]]), ("document 1", "id 99 at token 0")),
        ([[1, 2**70]], ("document 0", "whole token ids")),
        ([[1.5, 2.5]], ("document 0", "whole token ids", "float32")),
        ([[True, False]], ("document 0", "whole token ids", "bool")),
        ([[[1, 2], [3, 4]]], ("document 0", "whole token ids", "[2, 2]")),
        ([[1, [2]]], ("document 0", "whole token ids")),
        ([["a", "b"]], ("document 0", "whole token ids")),
        ([[1, 2], None], ("document 1", "whole token ids")),
        (torch.tensor(3), ("document 0", "whole token ids", "[]")),
        (torch.ones(2, 2, 2, dtype=torch.long), ("document 0", "whole token ids", "[2, 2, 2]")),
    ],
)
def test_ids_that_are_none_are_refused_by_document_and_id(corpus: object, words: tuple[str, ...]) -> None:
    read: Callable[..., Corpus] = read_corpus
    with unchecked():
        refusal(lambda: read(small(), corpus), BadPrompt, *words)


@each("corpus", [None, 3, b"bytes", {"a": 1}, object()])
def test_what_is_no_corpus_is_refused_saying_what_is(corpus: object) -> None:
    read: Callable[..., Corpus] = read_corpus
    with unchecked():
        refusal(lambda: read(small(), corpus), BadRequest, "corpus=", "expected 'default'", "texts", "token ids")


def test_a_corpus_counts_its_tokens() -> None:
    pieces = (torch.tensor([0, 1, 2]), torch.tensor([0, 3]))
    assert Corpus("two", (pieces, pieces[:1])).tokens == 8
