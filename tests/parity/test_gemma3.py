"""A real model of the Gemma 3 family, 270M in a GGUF file of five installed packages, against what transformers made.

``tests/reference/gemma3.json`` has the reference's outputs; ``tests/reference/gemma3.py`` made it.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from pace import slowness

import loadstore as ls
from loadstore.decomposition.decomposition import reader_parts
from loadstore.model.quantised import Quantised
from loadstore.model.weights import Weights

REFERENCE: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "reference" / "gemma3.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def model() -> Weights:
    return ls.load("gemma3-270m")


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=pytest.mark.nightly if each == "licence" else ()) for each in REFERENCE["prompts"]],
)
def test_logits_are_the_references(model: Weights, name: str) -> None:
    """Also at positions beyond the window of 512 tokens."""
    expected = REFERENCE["prompts"][name]
    assert name != "licence" or len(expected["ids"]) > 600
    found = ls.run(model, expected["ids"]).logits[expected["positions"]]
    top, sampled = torch.tensor(expected["top_logits"]), torch.tensor(expected["logits"])
    assert (found.gather(1, torch.tensor(expected["top"])) - top).abs().max() < 1e-3
    assert (found[:, REFERENCE["vocabulary"]] - sampled).abs().max() < 1e-3
    assert top.max() > 15


def test_the_tokenizer_is_the_references(model: Weights) -> None:
    assert model.tokens is not None
    assert len(REFERENCE["texts"]) == 50
    for text, ids in REFERENCE["texts"]:
        assert model.tokens.encode(text) == ids, text
        if "<bos>" not in text and "\0" not in text:
            assert model.tokens.tokenizer.decode(ids[1:], skip_special_tokens=False) == text.replace("▁", " ")


def test_what_it_is_and_its_numbers_stay_in_the_file(model: Weights) -> None:
    shape = model.architecture
    assert (shape.n_layers, shape.n_heads, shape.kv_heads, shape.d_model, shape.d_head) == (18, 4, 1, 640, 256)
    assert [layer for layer in range(18) if shape.window(layer) is None] == [5, 11, 17]
    bases = {layer: shape.rotary_of(layer).frequencies[1] ** -128 for layer in (0, 5)}  # base = θ₁^(−d_head/2)
    assert bases == {0: pytest.approx(1e4, rel=1e-3), 5: pytest.approx(1e6, rel=1e-3)}
    assert shape.embedding_scale == pytest.approx(640**0.5)
    assert model.tied
    assert all(isinstance(tensor, Quantised) for _, tensor in model.named())


def test_sums_are_exact_with_const(model: Weights) -> None:
    trace = ls.run(model.double(), REFERENCE["prompts"]["capital"]["ids"], record=True)
    for reader in ("L7.H1.Q", "L12.H3.K", "L17.H0.V"):
        whole = torch.stack(list(reader_parts(trace, reader).values())).sum(0)
        side, layer = reader[-1], trace.record.layers[int(reader[1:].split(".")[0])]
        used = {"Q": layer.q, "K": layer.k, "V": layer.v}[side][:, :, int(reader.split(".")[1][1:])]
        assert (whole - used).abs().max() < 1e-9 * used.abs().max()
    parts = ls.parts.logit_parts(trace, -1, int(trace.logits[-1].argmax()))
    assert abs(parts.attrs["remainder"]) < 1e-9 * float(abs(parts).max())


@pytest.mark.nightly
def test_the_command_line_names_its_heads() -> None:
    start = time.monotonic()
    found = subprocess.run(
        [sys.executable, "-m", "loadstore", "heads", "gemma3-270m", "--json"],
        capture_output=True,
        check=True,
        text=True,
        timeout=120 * slowness(),
    )
    print(f"loadstore heads gemma3-270m: {time.monotonic() - start:.1f} s")
    heads = {head["head"]: head for head in json.loads(found.stdout)["heads"]}
    assert len(heads) == 72
    assert max(heads.values(), key=lambda head: head["previous"])["head"] == "L2.H3"
    assert max(heads.values(), key=lambda head: head["induction"])["head"] == "L5.H1"
