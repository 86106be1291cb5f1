"""A run goes on only with the very text that it was trained on, and from files in which no bit has changed."""

import io
import json
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from loadstore.errors import BadRequest
from loadstore.sealed import seal, unsealed
from loadstore.training import prepare as preparing
from loadstore.training.corpus import Corpus
from loadstore.training.folder import LOCK, MARK
from loadstore.training.loop import train
from loadstore.training.prepare import kept, prepare
from loadstore.training.recipe_file import read_recipe
from loadstore.training.run import STATE
from loadstore.training.state import SCHEMA, latest, save_state
from loadstore.training.synthetic import made_up_words

pytestmark = pytest.mark.alone

RECIPE = read_recipe(Path(__file__).with_name("small.toml"))
VOCAB = RECIPE.vocab
DAMAGES = int(os.environ.get("LOADSTORE_DAMAGES", "300"))


@pytest.fixture(autouse=True)
def one_format_and_own_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("loadstore.training.run.faster_in_bfloat16", lambda: False)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    folder = tmp_path / "text"
    folder.mkdir()
    for i in range(100):
        (folder / f"{i:03}.txt").write_text(f"the cat {i:03} sat on the mat {i:03}", encoding="utf-8")
    return folder


def edited(text: Path) -> None:
    """A file with other content of the same size."""
    (text / "005.txt").write_text("the dog 005 sat on the log 005", encoding="utf-8")


def reversed_files(text: Path) -> None:
    """The same contents under the same names, in reversed order: every size stays."""
    paths = sorted(text.iterdir())
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, reversed(contents), strict=True):
        path.write_bytes(content)


def renamed(text: Path) -> None:
    """A file that is read at another place now."""
    (text / "005.txt").rename(text / "zzz.txt")


@pytest.mark.parametrize("change", [edited, reversed_files, renamed])
def test_a_text_that_changed_is_read_again_and_its_run_is_not_continued(change, text: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    before = prepare(text, run, VOCAB)
    assert not train(RECIPE, before, run, stop=lambda: True).finished
    change(text)
    after = prepare(text, run, VOCAB)
    assert after.digest != before.digest
    assert after.digest == prepare(text, tmp_path / "fresh", VOCAB).digest
    with pytest.raises(BadRequest, match="was trained on another text"):
        train(RECIPE, after, run)


def test_a_text_that_did_not_change_is_not_read_again(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(text, tmp_path / "run", VOCAB)
    monkeypatch.setattr(preparing, "read_corpus", lambda *_: pytest.fail("it was read again"))
    again = prepare(text, tmp_path / "run", VOCAB)
    assert again.digest == first.digest
    assert np.array_equal(again.train, first.train)


def test_the_same_ids_of_other_words_are_another_text() -> None:
    corpus = made_up_words(50)
    vocabulary = json.loads(corpus.tokenizer.to_str())
    words = sorted(vocabulary["model"]["vocab"], key=vocabulary["model"]["vocab"].get)
    vocabulary["model"]["vocab"] = {word: i for i, word in enumerate([words[0], *reversed(words[1:])])}
    other: Corpus = replace(corpus, tokenizer=Tokenizer.from_str(json.dumps(vocabulary)))
    assert other.digest != corpus.digest == made_up_words(50).digest


def damages(content: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Bits flipped, ends cut off, stretches zeroed, bytes put in."""
    chance = random.Random(seed)
    made = 0
    while made < count:
        at, data = chance.randrange(len(content)), bytearray(content)
        match chance.randrange(4):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                del data[at:]
            case 2:
                end = min(len(data), at + chance.randrange(1, 5000))
                data[at:end] = bytes(end - at)
            case _:
                data.insert(at, chance.randrange(256))
        if bytes(data) != content:
            made += 1
            yield bytes(data)


def test_no_damaged_state_is_continued(tmp_path: Path) -> None:
    corpus = made_up_words(RECIPE.vocab)
    train(RECIPE, corpus, tmp_path, stop=lambda: True)
    path = tmp_path / STATE
    whole = path.read_bytes()
    told = r"state\.pt cannot be read .*; put a copy of it in its place, or delete it to start again"
    for number, damaged in enumerate(damages(whole, DAMAGES, 0)):
        path.write_bytes(damaged)
        with pytest.raises(BadRequest, match=told):
            train(RECIPE, corpus, tmp_path) if number % 10 == 0 else latest(path)
    path.write_bytes(whole)
    assert train(RECIPE, corpus, tmp_path).finished


def test_a_state_that_is_made_to_deceive_is_refused_too(tmp_path: Path) -> None:
    corpus = made_up_words(RECIPE.vocab)
    train(RECIPE, corpus, tmp_path, stop=lambda: True)
    path = tmp_path / STATE
    content = bytes(unsealed(SCHEMA, path.read_bytes()))
    for damaged in (b"", content[:-100], b"\x80\x02.", b"cos\nsystem\n(S'true'\ntR."):
        path.write_bytes(seal(SCHEMA, damaged) + damaged)
        with pytest.raises(BadRequest, match="delete it to start again"):
            train(RECIPE, corpus, tmp_path)
    state = latest(path.with_name("none")) or torch.load(io.BytesIO(content), weights_only=True)
    for changes in ({"parameters": {}}, {"optimisers": 3}, {"generator": torch.zeros(3)}, {"conditions": {}}):
        save_state(path, state | changes)
        with pytest.raises(BadRequest, match="delete it to start again"):
            train(RECIPE, corpus, tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(BadRequest, match="cannot be read"):
        train(RECIPE, corpus, tmp_path)


@pytest.mark.parametrize("name", ["corpus.json", "corpus.npz"])
def test_a_damaged_corpus_is_refused_and_renewed_from_its_text(name: str, text: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    digest = prepare(text, run, VOCAB).digest
    whole = (run / name).read_bytes()
    for number, damaged in enumerate(damages(whole, DAMAGES // 3, 1)):
        (run / name).write_bytes(damaged)
        with pytest.raises(BadRequest, match=r"the corpus in .*run cannot be used .*; train there again"):
            kept(run)
        if number % 25 == 0:
            assert prepare(text, run, VOCAB).digest == digest
            assert (run / name).read_bytes() == whole
    (run / name).unlink()
    with pytest.raises(BadRequest, match="keeps no corpus"):
        kept(run)


def test_facts_of_another_text_are_not_used_with_these_arrays(text: Path, tmp_path: Path) -> None:
    """As a kill between the two leaves them."""
    run, other = tmp_path / "run", tmp_path / "other"
    old = prepare(text, run, VOCAB)
    edited(text)
    new = prepare(text, other, VOCAB)
    (run / "corpus.npz").write_bytes((other / "corpus.npz").read_bytes())
    with pytest.raises(BadRequest, match="belongs to another text"):
        kept(run)
    assert prepare(text, run, VOCAB).digest == new.digest != old.digest


def test_a_kept_tokenizer_is_vetted_even_where_its_digest_fits(text: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    prepare(text, run, 300)
    facts = json.loads((run / "corpus.json").read_text())["facts"]
    tokenizer = json.loads(facts["tokenizer"])
    split = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
    tokenizer["pre_tokenizer"] = split
    facts["tokenizer"] = json.dumps(tokenizer)
    document = {"digest": preparing._digest(facts), "facts": facts}
    (run / "corpus.json").write_text(json.dumps(document))
    with pytest.raises(BadRequest, match="cannot be used"):
        kept(run)


def foreign(folder: Path) -> dict[str, bytes]:
    """A folder with files of someone else's, some of which are called as a run's."""
    folder.mkdir()
    files = {"thesis.tex": b"mine", "metrics.jsonl": b"mine", "state.pt": b"mine", "corpus.npz": b"mine"}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return files


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_foreign_folder_is_left_alone(text: Path, tmp_path: Path) -> None:
    files = foreign(tmp_path / "home")
    told = r"home holds files but no run of this version of loadstore \(.*\); choose another folder, or --overwrite"
    with pytest.raises(BadRequest, match=told):
        prepare(text, tmp_path / "home", VOCAB)
    with pytest.raises(BadRequest, match=told):
        train(RECIPE, made_up_words(RECIPE.vocab), tmp_path / "home")
    assert content_of(tmp_path / "home") == files
    for lock in (b"mine", b""):
        (tmp_path / "home" / LOCK).write_bytes(lock)
        with pytest.raises(BadRequest, match=told):
            prepare(text, tmp_path / "home", VOCAB)
        assert content_of(tmp_path / "home") == files | {LOCK: lock}


def test_overwrite_takes_it_and_spares_what_has_another_name(text: Path, tmp_path: Path) -> None:
    foreign(tmp_path / "home")
    (tmp_path / "home" / "state.pt").unlink()
    corpus = prepare(text, tmp_path / "home", VOCAB, overwrite=True)
    (tmp_path / "home" / "metrics.jsonl").write_bytes(b"")
    assert train(RECIPE, corpus, tmp_path / "home").finished
    assert (tmp_path / "home" / "thesis.tex").read_bytes() == b"mine"
    assert kept(tmp_path / "home").digest == corpus.digest


def test_a_file_that_was_put_into_a_run_is_not_replaced(text: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    corpus = prepare(text, run, VOCAB)
    (run / STATE).write_bytes(b"mine")
    with pytest.raises(BadRequest, match=r"state\.pt was not written by the run in this folder"):
        train(RECIPE, corpus, run)
    assert (run / STATE).read_bytes() == b"mine"
    assert (run / LOCK).read_text().splitlines()[0] == MARK


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_a_lock_that_is_no_file_is_refused(kind: str, tmp_path: Path) -> None:
    {"pipe": os.mkfifo, "folder": os.mkdir, "link": lambda path: os.symlink("aim", path)}[kind](tmp_path / LOCK)
    (tmp_path / "aim").write_bytes(b"mine")
    with pytest.raises(BadRequest, match=r"cannot hold a run: .*; choose another folder"):
        train(RECIPE, made_up_words(RECIPE.vocab), tmp_path)
    assert (tmp_path / "aim").read_bytes() == b"mine"


def test_paths_of_a_run_that_lead_nowhere_are_sentences(text: Path, tmp_path: Path) -> None:
    for run in (tmp_path / ("a" * 300), Path("/proc/nowhere/run"), Path("x\0y")):
        with pytest.raises(BadRequest, match=r"cannot hold a run: .*; choose another folder"):
            prepare(text, run, VOCAB)
    for source in (tmp_path / ("a" * 300), Path("x\0y"), tmp_path / "none"):
        with pytest.raises(BadRequest, match=r"cannot be read|is not a folder"):
            prepare(source, tmp_path / "run", VOCAB)
        with pytest.raises(BadRequest, match=r"the recipe .* cannot be read"):
            read_recipe(source)
