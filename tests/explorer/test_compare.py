"""Two prompts side by side: their numbers are those of two runs, and unequal lengths are refused with both counts."""

import pytest
from served import ARTICLE, on_builtin

import loadstore as ls
from loadstore.errors import BadRequest
from loadstore.explorer.state import Explorer
from loadstore.explorer.table import answered

OTHER = ARTICLE.replace("the cat", "the dog")


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin()


def test_both_predictions_are_those_of_their_runs(explorer: Explorer) -> None:
    run, clean = explorer.runs.make(ARTICLE)
    other = ls.run(explorer.weights, OTHER)
    found = answered("compare", explorer, {"run": run, "prompt": OTHER, "at": 10})
    assert found["labels"] == [clean.labels, other.labels]
    assert found["differ"] == [2]
    one, two = (int(clean.logits[10].topk(2).indices[place]) for place in (0, 1))
    wanted = [float(trace.logits[10].double()[one] - trace.logits[10].double()[two]) for trace in (clean, other)]
    assert found["logits"] == pytest.approx(wanted, rel=1e-6)
    chances = [trace.logits[10].double().softmax(-1) for trace in (clean, other)]
    both = dict.fromkeys(index for some in chances for index in some.topk(5).indices.tolist())
    rows = [(float(chances[0][index]), float(chances[1][index])) for index in both]
    assert [row for one in found["rows"] for row in (one["clean"], one["other"])] == pytest.approx(
        [value for row in rows for value in row], rel=1e-4
    )
    assert [len(some) for some in found["next"]] == [5, 5]
    ids = clean.tokens[0].tolist()
    assert answered("compare", explorer, {"run": run, "ids": ids})["differ"] == []


def test_unequal_lengths_are_refused_with_both_counts(explorer: Explorer) -> None:
    run, _ = explorer.runs.make(ARTICLE)
    with pytest.raises(BadRequest, match="the prompts have 15 and 3 tokens; they are compared token by token"):
        answered("compare", explorer, {"run": run, "prompt": "the cat"})
    with pytest.raises(BadRequest, match="a text or token ids to compare with"):
        answered("compare", explorer, {"run": run})
