"""Training continues where it stopped, measures at the same moments, and leaves nothing half-written."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from close import assert_close
from each import each

import loadstore as ls
from loadstore.checkpoints.families.own import save_weights
from loadstore.errors import BadRequest
from loadstore.training.corpus import Corpus
from loadstore.training.history import log_spaced
from loadstore.training.loop import Progress, train
from loadstore.training.numbering import numbered
from loadstore.training.parameters import as_weights
from loadstore.training.prepare import prepare
from loadstore.training.recipe import Recipe
from loadstore.training.recipe_file import read_recipe
from loadstore.training.state import latest

TOML = """
name = "tiny"
seed = 3
n_layers = 2
n_heads = 2
d_model = 16
d_head = 4
vocab = 300
context = 24
[start]
pos_frequencies = [2.4, 0.5]
[[phase]]
name = "find"
steps = 6
batch = 4
length = 16
repeats = 1.0
block = [3, 6]
open_heads = [1, 1]
[[phase]]
name = "read"
steps = 7
batch = 4
length = 24
repeats = 0.25
block = [3, 6]
decay = 0.01
end = 0.1
[names]
previous = ["L0.H1"]
induction = ["L1.H0"]
"""


class Killed(Exception):
    """What ends a run in the middle."""


@pytest.fixture(autouse=True)
def one_number_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """A measurement of this machine must not decide whether two runs are compared in the same format."""
    monkeypatch.setattr("loadstore.training.run.faster_in_bfloat16", lambda: False)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(TOML, encoding="utf-8")
    return read_recipe(path)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    for i in range(120):
        words = " ".join(f"the {w} sat on the {w} number {i}." for w in ("cat", "dog", "hat"))
        (folder / f"{i}.txt").write_text(words, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def corpus(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return prepare(text, tmp_path_factory.mktemp("prepared"), 300)


def parameters(run) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in run.parameters.items()}


@pytest.mark.parametrize("killed_at", [4, 6, 9])
def test_a_killed_run_continues_to_the_same_weights_bit_for_bit(
    recipe: Recipe, corpus: Corpus, tmp_path: Path, killed_at: int
):
    whole = parameters(train(recipe, corpus, tmp_path / "whole", save_every=3))

    def kill(now: Progress) -> None:
        if now.step == killed_at:
            raise Killed

    with pytest.raises(Killed):
        train(recipe, corpus, tmp_path / "parts", kill, save_every=3)
    resumed = parameters(train(recipe, corpus, tmp_path / "parts", save_every=3))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    lines = [
        [json.loads(line)["step"] for line in (tmp_path / run / "metrics.jsonl").read_text().splitlines()]
        for run in ("whole", "parts")
    ]
    assert lines[0] == lines[1] == [0, 4, 5, 6, 8, 10, 13]
    assert not list(tmp_path.glob("*/*.part"))


def test_closed_heads_store_nothing_and_learn_nothing(recipe: Recipe, corpus: Corpus, tmp_path: Path):
    seen: list[bool] = []

    def stop(now: Progress) -> None:
        if now.step == 6:
            raise Killed

    with pytest.raises(Killed):
        train(recipe, corpus, tmp_path, stop, save_every=6)
    state = (latest(tmp_path / "state.pt") or {})["parameters"]
    for layer in range(2):
        seen += [bool((state[f"{layer}.O"][4:] == 0).all()), bool((state[f"{layer}.O"][:4] != 0).any())]
    assert all(seen)


def test_a_state_of_another_recipe_is_refused(recipe: Recipe, corpus: Corpus, tmp_path: Path):
    from dataclasses import replace

    train(recipe, corpus, tmp_path)
    with pytest.raises(BadRequest, match="belongs to another recipe"):
        train(replace(recipe, seed=4), corpus, tmp_path)


def test_a_torn_state_is_refused(recipe: Recipe, corpus: Corpus, tmp_path: Path):
    train(recipe, corpus, tmp_path)
    state = tmp_path / "state.pt"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(BadRequest, match="cannot be read"):
        train(recipe, corpus, tmp_path)


def test_numbering_is_a_permutation_and_the_file_loads(recipe: Recipe, corpus: Corpus, tmp_path: Path):
    run = train(recipe, corpus, tmp_path)
    trained = as_weights(recipe, run.parameters, corpus.tokens).map(lambda t: t.detach())
    model, moved = numbered(recipe, trained)
    assert set(moved) == {"L0.H1", "L1.H0"}
    roles = ls.head_roles(model)
    assert str(roles.previous.sel(head=["L0.H0", "L0.H1"]).to_series().idxmax()) == "L0.H1"
    save_weights(model, tmp_path / "tiny.safetensors")
    loaded = ls.load(tmp_path / "tiny.safetensors")
    prompt = "the cat sat"
    assert_close(ls.run(loaded, prompt).logits, ls.run(trained, prompt).logits)


def test_text_is_split_by_document_and_bos_stands_between(corpus: Corpus):
    assert corpus.documents == 120
    assert len(corpus.held_out) > 0
    assert corpus.train[0] == corpus.bos
    assert int((corpus.train == corpus.bos).sum() + (corpus.held_out == corpus.bos).sum()) == 120


@each(
    ("change", "message"),
    [
        (("steps = 6", "step = 6"), "phase has no"),
        (("seed = 3", "seed = = 3"), "cannot be read"),
        (("n_layers = 2\n", ""), "n_layers"),
        (("n_layers = 2", 'n_layers = "x"'), "n_layers = x: expected a whole number"),
        (("steps = 6", "steps = -4"), "steps = -4: expected a whole number"),
        (("seed = 3", "seed = 1.5"), "seed = 1.5: expected a whole number"),
        (("length = 16", "length = 25"), "expected 2 to the context"),
        (("block = [3, 6]", "block = [6, 3]"), "two increasing lengths"),
        (("block = [3, 6]", "block = [3]"), "two increasing lengths"),
        (("block = [3, 6]", "block = [3, 16]"), "below 16"),
        (('previous = ["L0.H1"]', 'prevous = ["L0.H1"]'), "expected roles"),
        (("L0.H1", "L9.H0"), "different heads of this model"),
        (("vocab = 300", "vocab = 10"), "257 or more"),
        (("2.4, 0.5", "1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0"), "do not fit d_model"),
        (('name = "tiny"', 'name = "../../tiny"'), "plain file name"),
        (("seed = 3", "seed = 9223372036854775808"), "less than 2"),
        (("n_heads = 2", "n_heads = 0"), "1 or more"),
        (("open_heads = [1, 1]", "open_heads = [1, 3]"), "at most 2"),
    ],
)
def test_a_wrong_recipe_names_the_key(tmp_path: Path, change: tuple[str, str], message: str):
    path = tmp_path / "wrong.toml"
    path.write_text(TOML.replace(*change), encoding="utf-8")
    with pytest.raises(BadRequest, match=message):
        read_recipe(path)


def test_too_little_text_is_said(tmp_path: Path):
    (tmp_path / "one.txt").write_text("one document", encoding="utf-8")
    with pytest.raises(BadRequest, match="so that some can be held out"):
        prepare(tmp_path, tmp_path / "run", 300)


def test_moments_are_log_spaced():
    moments = list(log_spaced(100))
    assert moments[:8] == [0, 1, 2, 3, 4, 5, 6, 8]
    assert all(later > earlier for earlier, later in pairwise(moments))


@pytest.mark.parametrize("faster", [True, False])
def test_the_number_format_is_measured_once_and_kept(
    recipe: Recipe, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faster: bool
):
    monkeypatch.setattr("loadstore.training.run.faster_in_bfloat16", lambda: faster)
    first = train(recipe, corpus, tmp_path)
    monkeypatch.setattr("loadstore.training.run.faster_in_bfloat16", lambda: not faster)
    assert train(recipe, corpus, tmp_path).bfloat16 is first.bfloat16 is faster
    assert all(bool(torch.isfinite(value).all()) for value in first.parameters.values())
