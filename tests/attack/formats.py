"""A real file of every format that loadstore reads, with what reads it."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import loadstore as ls
from attack.calls import Calls
from attack.made import Plan, made
from attack.models_in_files import Format, published, weights
from attack.tokens import plain_tokens
from loadstore.checkpoints.families.own import save_weights
from loadstore.circuits.task_file import read_task, save_task
from loadstore.corpora.corpus import read_corpus
from loadstore.permissions.toml import read_tables
from loadstore.training.history import read_lines
from loadstore.training.prepare import kept, prepare
from loadstore.training.recipe_file import read_recipe
from loadstore.training.state import latest, save_state

RECIPE = """name = "a"
seed = 1
n_layers = 1
n_heads = 2
d_model = 16
d_head = 8
vocab = 257
context = 12
[names]
induction = ["L0.H1"]
[[phase]]
name = "repeats"
steps = 2
batch = 2
length = 12
repeats = 0.5
block = [4, 5]
"""
POLICY = (
    '[p]\ntokens = [0, 1]\nload = ["!L0.H0.K"]\nstore = []\n[q]\nrows = [[1.0, 0, 0, 0, 0, 0, 0, 0]]\nload = ["*"]\n'
)


def formats(folder: Path, seed: int, *, few: bool = False) -> list[Format]:
    """A file of each; the seed draws what is in it."""
    small = made(Plan(d=8, e=4, mlp=6, vocab=23), seed, "small")
    small = replace(small, tokens=plain_tokens(23))
    return [
        *_ours(folder, small, seed),
        *_text(folder, small),
        *weights(folder, seed),
        *([] if few else published(folder, seed)),
        *([] if few else _training(folder, seed)),
    ]


def silent(result: object) -> None:
    """What is read of a file without a digest may be anything that can be printed."""
    str(result)


def _ours(folder: Path, small: ls.Weights, seed: int) -> list[Format]:
    own, circuit, resume = folder / "own.safetensors", folder / "circuit.json", folder / "scores.npz"
    save_weights(small, own)
    Calls(small, seed).circuit.save(circuit)

    def scored(at: int = 0) -> Any:
        def stop(done: int, of: int) -> None:
            if at and done >= at:
                raise KeyboardInterrupt

        return ls.subspace_scores(small, resume=resume, progress=stop)

    with suppress(KeyboardInterrupt):
        scored(1)
    return [
        Format("own safetensors", own, lambda: [t.tolist() for _, t in ls.load(own).named()], 4000),
        Format("circuit.json", circuit, lambda: _proved(small, circuit)),
        Format("resume file of scores", resume, lambda: scored().score.fillna(-1).values.tolist()),
    ]


def _proved(model: ls.Weights, path: Path) -> None:
    circuit = ls.Circuit.load(path)
    silent((str(circuit), circuit))
    circuit.mask(model)


def _text(folder: Path, small: ls.Weights) -> list[Format]:
    task, policy, recipe, corpus = (folder / name for name in ("task.jsonl", "policy.toml", "recipe.toml", "a.txt"))
    save_task(ls.task(small, "induction", pairs=8), task)
    policy.write_text(POLICY)
    recipe.write_text(RECIPE)
    corpus.write_text("w1 w2 w3 w1 w2 é w3\n" * 9, encoding="utf-8")
    return [
        Format("task.jsonl", task, lambda: silent(read_task(small, task))),
        Format("policy.toml", policy, lambda: silent(read_tables(policy, small))),
        Format("recipe.toml", recipe, lambda: silent(read_recipe(recipe))),
        Format("a text", corpus, lambda: silent(read_corpus(small, corpus))),
    ]


def _training(folder: Path, seed: int) -> list[Format]:
    run, text, state = folder / "run", folder / "texts", folder / "state.pt"
    text.mkdir()
    for number in range(90):
        (text / f"{number}.txt").write_text(f"the cat {number} sat on the mat {seed}\n" * 3)
    prepare(text, run, 300)
    save_state(state, {"step": 3, "weights": {"W": torch.arange(6.0)}, "text": "x"})
    history = run / "metrics.jsonl"
    history.write_text("".join(json.dumps({"step": step, "loss": 1 / (1 + step)}) + "\n" for step in range(5)))
    return [
        Format("corpus.npz", run / "corpus.npz", lambda: kept(run).digest, 1000),
        Format("corpus.json", run / "corpus.json", lambda: kept(run).digest),
        Format("state.pt", state, lambda: str(latest(state))),
        Format("metrics.jsonl", history, lambda: silent(read_lines(history))),
    ]
