"""The head that the report wonders about is the one that alignment leaves unexplained, if there is one."""

from dataclasses import replace

import planted
import torch

import loadstore as ls
from loadstore.figures.subject.stories import article_story
from loadstore.figures.wires.puzzle import puzzling_head
from loadstore.heads.roles import random_repeats
from loadstore.report.page import report_document
from loadstore.sites import Head


def test_it_is_read_by_the_induction_head_and_is_not_the_previous_token_head():
    story = article_story(ls.load("builtin"))
    found = puzzling_head(story)
    assert found is not None
    head, side = found
    assert head.layer == 0
    assert head != story.previous
    column = story.scores.alignment.sel(reader=f"{story.candidate}.{side}")
    others = [f"L0.H{i}" for i in range(12) if Head(0, i) != story.previous]
    assert column.sel(writer=others).max() == column.sel(writer=str(head))


def test_the_planted_circuit_has_no_puzzle():
    model = planted.planted("learned")
    ids = random_repeats(model, 1, 7)[0].tolist()
    assert puzzling_head(article_story(model, ids)) is None
    assert all(section.id != "puzzle" for section in report_document(model, ids).sections)


def test_random_weights_leave_nothing_to_wonder_about():
    generator = torch.Generator().manual_seed(3)
    model = ls.load("builtin").map(lambda t: torch.randn(t.shape, generator=generator) * t.std())
    assert puzzling_head(article_story(replace(model, name="random"))) is None
