"""The head that the report wonders about is the one that alignment leaves unexplained, if there is one."""

from dataclasses import replace

import planted
import torch
from served import builtin

from loadstore.figures.subject.stories import article_story
from loadstore.figures.wires.puzzle import puzzle
from loadstore.heads.roles import random_repeats
from loadstore.report.page import report_document
from loadstore.sites import Head


def test_it_is_read_by_the_induction_head_and_is_not_the_previous_token_head():
    story = article_story(builtin())
    found = puzzle(story)
    assert found is not None
    assert found.head.layer == 0
    assert found.head != story.previous
    reader = f"{story.candidate}.{found.side}"
    carried, aligned = story.loads([reader]).traffic.sel(reader=reader), story.scores.alignment.sel(reader=reader)
    others = [f"L0.H{i}" for i in range(12) if Head(0, i) != story.previous]
    above = [name for name in others if float(aligned.sel(writer=name)) > 0]
    assert found.traffic == carried.sel(writer=above).max() == carried.sel(writer=str(found.head))


def test_the_planted_circuit_has_no_puzzle():
    model = planted.planted("learned")
    ids = random_repeats(model, 1, 7)[0].tolist()
    assert puzzle(article_story(model, ids)) is None
    assert all(section.id != "puzzle" for section in report_document(model, ids).sections)


def test_random_weights_leave_nothing_to_wonder_about():
    generator = torch.Generator().manual_seed(3)
    model = builtin().map(lambda t: torch.randn(t.shape, generator=generator) * t.std())
    assert puzzle(article_story(replace(model, name="random"))) is None
