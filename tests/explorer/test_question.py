"""The page opens on one question: the last token's prediction, the one that was asked for, or the article's."""

from collections.abc import Mapping
from typing import Any

import pytest
from each import each
from served import on_builtin
from tiny import KINDS, tiny

import loadstore as ls
from loadstore.decomposition.question import main_head
from loadstore.decomposition.question import question as question_of
from loadstore.errors import LoadstoreError
from loadstore.explorer.question import LIKELY, begin
from loadstore.explorer.state import Explorer
from loadstore.explorer.table import answered

ARTICLE = "the cat sat on the mat. the dog sat on the log."
NAMES = "When Mary and John went to the store, John gave a drink to"


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin(NAMES)


def asked(explorer: Explorer, prompt: str, **more: Any) -> Any:
    return answered("question", explorer, {"run": explorer.runs.make(prompt)[0], **more})


def test_by_default_it_is_the_last_token_s_likeliest_prediction_and_the_head_that_adds_most(explorer: Explorer) -> None:
    found = asked(explorer, NAMES)
    trace = ls.run(explorer.weights, NAMES, record=True)
    first, second = trace.logits[-1].topk(2).indices.tolist()
    assert found["at"] == len(trace.labels) - 1
    assert (found["predict"]["id"], found["against"]["id"]) == (first, second)
    assert (found["predict"]["rank"], found["against"]["rank"]) == (0, 1)
    assert found["predict"]["probability"] == pytest.approx(float(trace.logits[-1].double().softmax(-1)[first]))
    assert found["difference"] == pytest.approx(float(trace.logits[-1, first] - trace.logits[-1, second]), abs=1e-5)
    parts = ls.parts.logit_parts(trace, -1, first, against=second)
    heads = {str(head) for head in explorer.weights.architecture.heads}
    added = {str(name): float(part) for name, part in zip(parts["writer"].values, parts.values, strict=True)}
    assert found["head"] == max(heads, key=lambda head: added[head])
    assert len(found["next"]) == LIKELY
    assert [one["id"] for one in found["next"][:2]] == [first, second]


def test_what_is_asked_for_is_explained_by_id_and_by_text(explorer: Explorer) -> None:
    trace = ls.run(explorer.weights, ARTICLE, record=True)
    there = question_of(trace, 10, " the", " on")
    for predict, against in ((" the", " on"), (there.predict, there.against)):
        found = asked(explorer, ARTICLE, at=10, predict=predict, against=against)
        assert (found["at"], found["predict"]["id"], found["against"]["id"]) == (10, there.predict, there.against)
        assert (found["predict"]["rank"], found["head"]) == (there.rank, str(main_head(trace, there)))
        assert found["difference"] < 0


@each(
    "fields",
    [{"at": 99}, {"predict": " two words"}, {"predict": -1}, {"predict": 10**6}, {"predict": 5, "against": 5}],
)
def test_a_question_of_what_is_not_there_is_refused(explorer: Explorer, fields: dict[str, object]) -> None:
    with pytest.raises(LoadstoreError):
        asked(explorer, ARTICLE, **fields)


@each(
    ("prompt", "options", "wanted"),
    [
        (None, {}, {"at": 10}),
        (ARTICLE, {}, {}),
        (None, {"at": 3}, {"at": 3}),
        (None, {"predict": " on"}, {"at": 10, "predict": " on"}),
        (NAMES, {}, {}),
        (ARTICLE, {"at": 3}, {"at": 3}),
        (NAMES, {"at": -2}, {"at": 15}),
        (ARTICLE, {"predict": " on"}, {"at": 14, "predict": " on"}),
        (NAMES, {"predict": " the", "against": " on"}, {"at": 16, "predict": " the", "against": " on"}),
    ],
)
def test_the_page_begins_with_what_the_command_line_asks(
    explorer: Explorer, prompt: str | None, options: dict[str, Any], wanted: dict[str, Any]
) -> None:
    tokens = explorer.weights.tokens
    assert tokens is not None
    ids = {name: tokens.one(value) if isinstance(value, str) else value for name, value in wanted.items()}
    assert begin(explorer.weights, prompt, **options) == ids


def test_only_the_prompt_to_begin_with_has_the_question_to_begin_with() -> None:
    weights = ls.load("builtin")
    opened = Explorer(weights, ARTICLE, begin(weights))
    found = answered("run", opened, {})
    assert found["asked"] == {"at": 10}
    assert found["labels"][10] == "␣sat·10"
    for fields in ({"prompt": NAMES}, {"run": found["run"]}, {"ids": found["ids"]}):
        assert "asked" not in answered("run", opened, fields)


def test_a_question_that_cannot_be_asked_is_refused_before_the_page_opens() -> None:
    weights = ls.load("builtin")
    for options in ({"at": 40}, {"predict": " two words"}, {"against": 10**6}):
        named: Mapping[str, Any] = options
        with pytest.raises(LoadstoreError):
            begin(weights, ARTICLE, **named)


def test_a_model_without_words_takes_ids_and_begins_at_the_last_token() -> None:
    weights = tiny(KINDS[0])
    assert begin(weights, [1, 2, 3]) == {}
    assert begin(weights) == {}  # the page says that it takes ids
    assert begin(weights, [1, 2, 3], at=1, predict=4) == {"at": 1, "predict": 4}
