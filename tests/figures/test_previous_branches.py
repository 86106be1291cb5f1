"""What is said of the previous-token head and of what it stored, in every branch."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from made import made
from tiny import Kind, tiny

from loadstore.decomposition.stored import Stored
from loadstore.execution.edits import cut
from loadstore.execution.run import run
from loadstore.figures.heads import previous
from loadstore.figures.prediction import stream
from loadstore.figures.subject.stories import article_story
from loadstore.figures.subject.story import Story
from loadstore.model.weights import Weights


def claim(nearest: int | None, *, at: int = 1, is_previous: bool = True) -> str:
    """What is said of a store whose nearest row is that of a token, after the tokens 5 and 6."""
    trace = SimpleNamespace(labels=["#5·0", "#6·1"], tokens=torch.tensor([[5, 6]]))
    story = made(Story, trace=trace, is_previous=is_previous, weights=SimpleNamespace(tokens=None))
    rows = () if nearest is None else ((nearest, 0.9),)
    return stream._claim(story, Stored("L0.H0", norm=1.0, share=0.5, nearest=rows), at)


def test_what_was_stored_is_read_off_its_nearest_row() -> None:
    assert claim(5) == (
        "The token before #6·1 is in its stream: what L0.H0 stored is nearest to its copy of #5 (cosine .90), with "
        "norm 1.00."
    )
    assert claim(4).startswith("The token before #6·1 is not what decodes there: what L0.H0 stored is nearest to")
    assert claim(5, is_previous=False).startswith("Though no head of layer 0 is a previous-token head, what L0.H0")
    assert claim(4, is_previous=False).startswith("The token before #6·1 is not what decodes there")
    assert claim(None) == "L0.H0 stored nothing that decodes to a token at #6·1."
    assert claim(5, at=0) == "L0.H0 stored nothing that decodes to a token at #5·0."


def pattern(model: Weights, ids: list[int], *, is_previous: bool = True) -> dict[str, object]:
    """The figure of the previous-token head's pattern."""
    story = replace(article_story(model, ids))
    vars(story)["is_previous"] = is_previous
    return previous._pattern(story)


def test_a_head_is_named_previous_token_head_only_where_it_is_one() -> None:
    model = tiny(Kind("none", "none", False))
    told = [str(pattern(model, [1, 2, 3], is_previous=one).claim) for one in (True, False)]
    assert " attends to the previous token with weight" in told[0].split(".H")[1]
    assert told[1].startswith("No head of layer 0 is a previous-token head; the nearest is L0.H")
    assert str(pattern(model, [1]).claim).startswith("A prompt of one token has no previous token;")


@pytest.mark.parametrize(("above", "drawn"), [(0.0, True), (1e-9, False), (-1e-9, True)])
def test_the_pattern_without_positions_is_drawn_where_a_weight_changes_enough(
    monkeypatch: pytest.MonkeyPatch, above: float, *, drawn: bool
) -> None:
    assert previous.CHANGE == 0.01
    story = article_story(tiny(Kind("learned", "none", True)), [1, 2, 3, 4, 5, 6])
    head = story.previous
    edits = [cut("pos", f"{head}.{side}") for side in ("Q", "K")]
    after = run(story.weights, story.prompt, edits, record=True)
    largest = float((after.pattern(head) - story.trace.pattern(head)).abs().max())
    monkeypatch.setattr(previous, "CHANGE", largest + above)
    found = previous._pattern(story)
    assert len(found.views[0].panels) == 1 + drawn
    assert ("so that pattern is not drawn" in str(found.claim)) == (not drawn)
