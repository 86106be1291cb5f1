"""One layer, one head, a context of a few tokens: sentences stay true and grammatical, or the reason is told."""

import json
import re
from dataclasses import replace

import pytest
from hostile import refusal
from tiny import KINDS, MODERN, Kind, tiny

import loadstore as ls
from loadstore.errors import Undefined
from loadstore.report.page import report_document

WRONG = re.compile(
    r"\b1 (heads|layers|MLPs|tokens|wires|writers)\b|\b0 heads\b|\bthe 1 \w+|\bnan\b|undefined\)", re.IGNORECASE
)


def small(kind: Kind, n_layers: int, n_heads: int) -> ls.Weights:
    return tiny(kind, n_layers=n_layers, n_heads=n_heads).map(lambda t: t.float())


def shortened(model: ls.Weights, context: int) -> ls.Weights:
    shape = replace(model.architecture, context=context)
    return replace(model, architecture=shape, W_pos=None if model.W_pos is None else model.W_pos[:context])


@pytest.mark.parametrize("kind", [MODERN[0], MODERN[3], KINDS[0]], ids=str)
@pytest.mark.parametrize(("layers", "heads"), [(1, 1), (1, 2), (2, 1)])
def test_sentences_count_to_one(kind: Kind, layers: int, heads: int):
    document = report_document(small(kind, layers, heads), [1, 2, 3, 1, 2, 3])
    told = [document["lead"], *(str(row) for row in document["facts"])]
    for section in document["sections"]:
        told += [section["title"], section["lead"]]
        told += [
            json.dumps(figure[part])
            for figure in section["figures"]
            for part in ("title", "claim", "reading")
            if part in figure
        ]
    wrong = [sentence for sentence in told if WRONG.search(sentence)]
    assert not wrong


def test_without_an_induction_head_no_head_is_said_to_search():
    document = report_document(small(MODERN[0], 2, 1), [1, 2, 3, 1, 2, 3])
    (lead,) = (section["lead"] for section in document["sections"] if section["id"] == "induction")
    assert lead.startswith("No head searches")


@pytest.mark.parametrize("kind", [MODERN[0], KINDS[0]], ids=str)
def test_a_context_too_short_for_repeats_is_told(kind: Kind):
    for context in (1, 2, 3):
        model = shortened(small(kind, 2, 2), context)
        refusal(
            lambda model=model: report_document(model, [1]), Undefined, f"takes {context} token", "needs a context of 4"
        )
    assert report_document(shortened(small(kind, 2, 2), 4), [1, 2, 1])["sections"]


def test_a_model_is_told_in_one_line():
    assert repr(small(MODERN[2], 2, 4)) == (
        "Weights('tiny-rotary-rms-plain-gated-kv2': 2 layers × 4 heads of 4, MLPs of 14, d_model 12, vocabulary 17, "
        "rotary positions, norm rms)"
    )
