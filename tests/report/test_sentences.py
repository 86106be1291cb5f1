"""A computed sentence must also be right where the claim is false."""

import json
import re
from dataclasses import replace
from pathlib import Path

import planted
import pytest
import torch
from depth import deep
from served import builtin
from tiny import Kind, tiny

from loadstore.causal.proof import CutProof, WireEffect
from loadstore.errors import BadPrompt, Undefined
from loadstore.figures.left_out import LeftOut
from loadstore.figures.subject.stories import article_story
from loadstore.figures.wires.cut_wire import proof_figure
from loadstore.model.weights import Weights
from loadstore.report.page import report_document, write_report
from loadstore.sites import Head
from loadstore.views.base import plain


@pytest.fixture(scope="module")
def scrambled() -> Weights:
    """The built-in model's shape and tokenizer with random weights: no circuit at all."""
    generator = torch.Generator().manual_seed(3)
    return builtin().map(lambda t: torch.randn(t.shape, generator=generator) * t.std())


@pytest.fixture(scope="module")
def random_page(scrambled: Weights) -> dict:
    return plain(report_document(scrambled, quick=deep(False, usual=True)))


@pytest.fixture(scope="module")
def trained_page(article: Path) -> dict:
    """What the built-in model's page of the article's question shows."""
    return json.loads(article.read_text(encoding="utf-8").split('id="loadstore-data">')[1].split("</script>")[0])


def left_out(document: dict) -> dict[str, str]:
    (view,) = document["sections"][-1]["figures"][0]["views"]
    return {name.partition(":")[0]: reason for name, reason in view["rows"]}


def claims(document: dict) -> dict[str, str]:
    return {f["number"]: f["claim"] for section in document["sections"] for f in section["figures"]}


def test_a_random_model_is_not_told_that_it_has_heads(random_page: dict):
    document = random_page
    told = claims(document)
    assert "No head of layer 0 is a previous-token head" in told["8"]
    assert "No head is an induction head" in document["lead"]
    assert "Proof" not in told
    assert "No head of layer 0 attends to the previous token" in document["lead"]
    assert "are induction heads" not in str(document)
    assert re.search(r"H\d+ is an induction head", str(document)) is None


def test_a_random_models_sides_read_nothing(random_page: dict):
    told = claims(random_page)["15"]
    assert told.count("nothing above chance") >= 2


def test_the_trained_models_page_of_the_article_leaves_nothing_out(trained_page: dict):
    assert trained_page["sections"][-1]["id"] != "left-out"


def test_the_trained_model_is_told_what_it_has(trained_page: dict):
    told = claims(trained_page)
    assert told["8"].startswith("L0.H7 attends to the previous token")
    assert " is an induction head" in told["14"]
    assert "K: L0.H7" in told["15"]
    assert told["Proof"].count(", further than any of 20 controls moves it (") == 2
    assert "Attention and prediction both need this wire." in told["Proof"]


def test_a_prompt_without_repeats_is_said_to_have_none():
    """The planted circuit is an induction circuit: only the prompt is at fault."""
    document = plain(report_document(planted.planted("shortformer"), [1, 2, 3, 4, 5, 6]))
    assert "14" not in claims(document)
    assert "induction has nothing to match" in left_out(document)["14"]


def test_a_model_of_one_layer_has_no_induction_figures():
    model = builtin()
    single = replace(model, layers=model.layers[:1], architecture=replace(model.architecture, n_layers=1))
    document = plain(report_document(single, quick=deep(False, usual=True)))
    assert "14" not in claims(document)
    assert "With one layer" in document["lead"]


def test_a_model_without_a_tokenizer_says_so():
    with pytest.raises(Undefined, match="takes token ids, not text"):
        report_document(replace(builtin(), tokens=None))


def test_an_empty_prompt_is_an_error():
    with pytest.raises(BadPrompt, match="empty"):
        report_document(builtin(), "")


def test_a_cut_that_controls_match_is_said_to_go_no_further():
    weak = WireEffect("L0.H7", "L1.H4.K", traffic=0.5, induction=0.8, prediction=0.7, pattern_change=0.1)
    strong = WireEffect("embed", "L1.H4.Q", traffic=0.9, induction=0.3, prediction=0.2, pattern_change=0.4)
    told = proof_claim(CutProof("L1.H4", 0.9, 0.9, weak, (strong,), 4))
    assert "not further than the one control moves it (.60)" in told
    assert "not further than the one control moves it (.70)" in told
    assert "none carries as much" not in told
    assert "cannot be shown to carry" in told


@pytest.mark.parametrize(
    ("attention", "prediction", "expected"),
    [
        (0.1, 0.2, "Attention and prediction both need this wire."),
        (0.1, 0.5, "the prediction cannot be shown to need it"),  # the control moves it as far
        (0.6, 0.2, "cannot be shown to carry the address"),
    ],
)
def test_a_wire_is_said_to_carry_only_what_attention_and_prediction_show(
    attention: float, prediction: float, expected: str
):
    wire = WireEffect("L0.H7", "L1.H4.K", 0.5, attention, prediction, 0.1)
    control = WireEffect("embed", "L1.H4.Q", 0.5, 0.55, 0.5, 0.1)
    assert expected in proof_claim(CutProof("L1.H4", 0.9, 0.9, wire, (control,), 4))


def proof_claim(proof: CutProof) -> str:
    drawn = proof_figure(article_story(builtin()), Head(1, 4), proof)
    assert not isinstance(drawn, LeftOut)
    return drawn.claim


def test_a_layernorm_model_without_a_tokenizer_is_reported_by_token_ids(tmp_path):
    model = tiny(Kind("learned", "layer", biases=True)).map(lambda t: t.float())
    document = plain(write_report(model, tmp_path / "page.html", [1, 5, 3, 1, 5, 2]))
    told = claims(document)
    assert "with pos." in told["12"]
    assert "No head is an induction head" in document["lead"]
    assert document["tokens"][1] == "#5·1"


def test_a_proof_without_controls_says_why():
    model = planted.planted("shortformer")
    told = left_out(plain(report_document(model, list(range(1, 6)) + list(range(1, 6)))))
    assert "was not compared" in told["Proof"]
    assert "L0.H0 → L1.H0.K has no controls" in told["Proof"]
