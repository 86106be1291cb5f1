"""A computed sentence must also be right where the claim is false."""

import re
from dataclasses import replace

import pytest
import torch

import loadstore as ls
from loadstore.errors import BadPrompt, Undefined
from loadstore.models.weights import Weights
from loadstore.report.page import report_document


@pytest.fixture(scope="module")
def scrambled() -> Weights:
    """The built-in model's shape and tokenizer with random weights: no circuit at all."""
    generator = torch.Generator().manual_seed(3)
    return ls.load("builtin").map(lambda t: torch.randn(t.shape, generator=generator) * t.std())


def claims(document: dict) -> dict[str, str]:
    return {f["number"]: f["claim"] for section in document["sections"] for f in section["figures"]}


def test_a_random_model_is_not_told_that_it_has_heads(scrambled: Weights):
    document = report_document(scrambled)
    told = claims(document)
    assert "No head of layer 0 is a previous-token head" in told["8"]
    assert "No head is an induction head" in told["14"]
    assert "Proof" not in told
    assert document["lead"].startswith("No head of layer 0 attends to the previous token")
    assert "are induction heads" not in str(document)
    assert re.search(r"H\d+ is an induction head", str(document)) is None


def test_a_random_models_sides_read_nothing(scrambled: Weights):
    told = claims(report_document(scrambled))["15"]
    assert told.count("nothing above chance") >= 2


def test_the_trained_model_is_told_what_it_has():
    told = claims(report_document(ls.load("builtin")))
    assert told["8"].startswith("L0.H7 attends to the previous token")
    assert " is an induction head" in told["14"]
    assert "K: L0.H7" in told["15"]
    assert "lower than each of 20 controls" in told["Proof"]


def test_a_prompt_without_repeats_is_said_to_have_none():
    told = claims(report_document(ls.load("builtin"), "in the beginning God created heaven"))
    assert "induction has nothing to match" in told["14"]


def test_a_model_of_one_layer_has_no_induction_figures():
    model = ls.load("builtin")
    single = replace(model, layers=model.layers[:1], architecture=replace(model.architecture, n_layers=1))
    document = report_document(single)
    assert "14" not in claims(document)
    assert "With one layer" in document["lead"]


def test_a_model_without_a_tokenizer_says_so():
    with pytest.raises(Undefined, match="takes token ids, not text"):
        report_document(replace(ls.load("builtin"), tokens=None))


def test_an_empty_prompt_is_an_error():
    with pytest.raises(BadPrompt, match="empty"):
        report_document(ls.load("builtin"), "")
