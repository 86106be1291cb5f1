"""One layer, one head, a context of a few tokens: sentences stay true and grammatical, or the reason is told."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hostile import refusal
from pairs import pairs
from tiny import KINDS, MODERN, Kind, tiny

import loadstore as ls
from loadstore.errors import Undefined
from loadstore.figures.facts import facts
from loadstore.figures.words import last_tokens, plural
from loadstore.report.page import report_document
from loadstore.views.base import plain

WRONG = re.compile(
    r"\b1 (heads|layers|MLPs|tokens|keys|rows|wires|writers|readers|others|controls|directions|things|sequences)\b|"
    r"\b0 heads\b|\b(the|each of|first|last) 1 \w+|\bnan\b|\binf\b|(?-i:\bNone\b)",
    re.IGNORECASE,
)
IDS = [1, 2, 3, 1, 2, 3]
SIZES = [(1, 1, IDS), (1, 1, IDS[:1]), (1, 2, IDS), (2, 1, IDS)]  # layers, heads, a prompt
PAGES = [
    (kind, *size)
    for kind, size in pairs(
        product(KINDS, SIZES), lambda page: (page[0].positions, page[0].mlp, page[0].window, str(page[1]))
    )
]


def small(kind: Kind, n_layers: int, n_heads: int) -> ls.Weights:
    shared = kind if kind.kv is None else kind._replace(kv=1)
    return tiny(shared, n_layers=n_layers, n_heads=n_heads).map(lambda t: t.float())


def shortened(model: ls.Weights, context: int) -> ls.Weights:
    shape = replace(model.architecture, context=context)
    return replace(model, architecture=shape, W_pos=None if model.W_pos is None else model.W_pos[:context])


def sentences(part: Any) -> Iterator[str]:
    """Every text of several words on a page: titles, claims, notes, labels; a value that is NaN is one word."""
    if isinstance(part, str):
        yield from [part] if " " in part else []
    elif isinstance(part, dict):
        for value in part.values():
            yield from sentences(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from sentences(value)


@pytest.mark.parametrize(("kind", "layers", "heads", "ids"), PAGES, ids=lambda value: str(value).replace(" ", ""))
def test_sentences_count_to_one(kind: Kind, layers: int, heads: int, ids: list[int]):
    document = plain(report_document(small(kind, layers, heads), ids))
    json.dumps(document, allow_nan=False)
    told = list(sentences(document))
    assert len(told) > 60
    assert [sentence for sentence in told if WRONG.search(sentence)] == []


def test_what_is_looked_for_would_be_found():
    told = "1 heads|the 1 head|1 layers|0 heads|is NaN|each of 1 token|a memory of 1 tokens|the first 1 rows|1 others"
    assert [one for one in told.split("|") if not WRONG.search(one)] == []
    fine = "1 head|11 heads|10 heads|21 layers|1 the most|Nancy|1 query head|each of the 2 heads|first 10 rows"
    assert [one for one in fine.split("|") if WRONG.search(one)] == []


def test_numbers_of_things_are_told_as_people_do():
    assert [plural(count, "wire") for count in (0, 1, 2, 1234)] == ["0 wires", "1 wire", "2 wires", "1,234 wires"]
    told = [last_tokens(windows) for windows in ([1], [3, 3], [4096, 3], [1, 2])]
    assert told == ["last token", "last 3 tokens", "last 3 or 4,096 tokens", "last 1 or 2 tokens"]


def test_of_one_head_nothing_is_told_about_several():
    told = list(sentences(plain(report_document(small(MODERN[3], 1, 1), IDS))))  # its only layer has a window
    assert "It sees only its last 3 tokens: earlier keys have weight 0 because they cannot be seen." in told
    assert not [one for one in told if "in parallel and do not see" in one or "with the fewest directions" in one]
    claims = [one for one in told if "has 1 layer of 1 head" in one]
    assert len(claims) == 1
    assert "the head loads from it three times" in claims[0]


def test_scores_average_over_what_a_window_lets_meet():
    for kind, expected in ((MODERN[2], "over the offsets of the whole context"), (MODERN[3], "a layer's window lets")):
        told = list(sentences(plain(report_document(small(kind, 2, 2), IDS))))
        assert [expected in one for one in told if "scores average" in one] == [True, True]


def test_without_an_induction_head_no_head_is_said_to_search():
    document = report_document(small(MODERN[0], 2, 1), IDS)
    (lead,) = (section.lead for section in document.sections if section.id == "induction")
    assert lead.startswith("No head searches")


def test_one_layer_is_not_said_to_have_a_second():
    for layers in (1, 2):
        document = report_document(small(KINDS[0], layers, 2), IDS)
        found = [section.lead for section in document.sections if section.id == "induction"]
        assert found == ["A second layer can search for what the first one stored."][: layers - 1]
        assert ("With one layer there is nothing above it" in document.lead) == (layers == 1)


@pytest.mark.parametrize("kind", [MODERN[0], KINDS[0]], ids=str)
def test_a_context_too_short_for_repeats_is_told(kind: Kind):
    for context in (1, 2, 3):
        model = shortened(small(kind, 2, 2), context)
        refusal(
            lambda model=model: report_document(model, [1]), Undefined, f"takes {context} token", "needs a context of 4"
        )
    assert report_document(shortened(small(kind, 2, 2), 4), [1, 2, 1]).sections


def test_a_model_is_told_in_one_line():
    assert repr(small(MODERN[2], 2, 4)) == (
        "Weights('tiny-rotary-rms-plain-gated-kv1': 2 layers × 4 heads of 4, MLPs of 14, d_model 12, vocabulary 17, "
        "rotary positions, norm rms)"
    )
    assert "1 layer × 1 head of 4, d_model 12" in repr(small(KINDS[0], 1, 1))


def test_a_file_is_named_with_the_format_of_most_of_its_bytes_and_tied_matrices_lie_there_once():
    model = replace(small(KINDS[0], 1, 1), origin="A-Model.gguf")
    assert facts(model)[0][1] == f"{model.name} (A-Model.gguf, mostly float32)"
    whole = sum(t.numel() * t.element_size() for name, t in model.named() if name not in ("W_E", "W_U"))
    rows = whole // (2 * model.architecture.d_model)  # W_E in half precision: less than the rest, twice it is more
    W_E = model.W_E[:1].half().expand(rows * 3 // 4, -1).contiguous()
    assert rows * 3 // 4 * 2 * model.architecture.d_model < whole < 2 * W_E.numel() * W_E.element_size()
    tied = replace(model, W_E=W_E, W_U=W_E.mT)
    assert facts(tied)[0][1].endswith("mostly float32)")
    assert facts(replace(tied, W_U=W_E.mT.clone()))[0][1].endswith("mostly float16)")
