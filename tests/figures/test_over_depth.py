"""Figures of memory over depth and of permissions: marks of a planted machine, sentences that their numbers give."""

from dataclasses import replace

import torch
from permissions.machines import BLOCKS, corpus, machine
from served import builtin

from loadstore.figures.access import access
from loadstore.figures.left_out import LeftOut
from loadstore.figures.memory import map_figure
from loadstore.figures.over_depth import memory_figures, permission_figure
from loadstore.figures.still.cells import heatmap
from loadstore.figures.subject.stories import article_story
from loadstore.memory.memory_map import memory_map
from loadstore.permissions.direct import direct
from loadstore.permissions.policy import Policy
from loadstore.permissions.sources import subspace
from loadstore.report.depth import READERS, depth_lines, depth_parts


def test_a_region_is_marked_for_who_loads_it_and_for_who_overwrites_it_unseen() -> None:
    model = machine()
    stray = model.layers[1].W_O.clone()
    stray[1] = 0
    stray[1, :, BLOCKS["K"]] = torch.eye(6, dtype=torch.float64)
    blind = replace(model, layers=(model.layers[0], replace(model.layers[1], W_O=stray)))
    marks = []
    for one in (model, blind):
        found = memory_map(one, corpus())
        cells = access(found)
        row = cells.marks[cells.regions.index("L0.H0")]
        marks.append(dict(zip(cells.sites, row.tolist(), strict=True)))
    assert marks[0] == {"L0.H0": "", "L0.H1": "", "L1.H0": "r", "L1.H1": "–", "unembed": "–"}
    assert marks[1] == {"L0.H0": "", "L0.H1": "", "L1.H0": "r", "L1.H1": "!", "unembed": "–"}
    drawn = map_figure(found)
    assert (
        "1 overlap beyond chance; in 1 of these the later writer hardly loads the region that it overwrites"
    ) in drawn.claim
    assert sum(">!</text>" in mark for mark in heatmap(drawn.views[0]).marks) == 1


def test_the_example_policy_is_of_the_previous_token_head_and_counts_who_would_break_it() -> None:
    story = article_story(builtin())
    regions, ages, far = memory_figures(story)
    assert [one.number for one in (regions, ages, far)] == ["Memory map", "Lifetimes", "Reach"]
    drawn = permission_figure(story)
    keys = ["L1.H4.K", "L1.H10.K"]
    policy = Policy({"p": subspace(story.weights, "L0.H7")}, load={"p": keys}, store={"p": ["L0.H7"]})
    found = direct(story.carried, policy, 0.01).sel(subspace="p")
    readers, writers = int(found["breach"].sum()), int(found["store_breach"].sum())
    assert f"Of 71 other readers, {readers} would break this rule" in drawn.claim
    assert drawn.claim.endswith(f"so would {writers} writers.")
    (view,) = drawn.views
    letters = [mark for row in view.panels[0].marks for mark in row]
    assert (letters.count("!"), letters.count("r"), letters.count("w")) == (readers + writers, 2, 1)
    assert isinstance(permission_figure(replace(story, weights=machine())), LeftOut)


def test_a_large_model_gets_the_commands_in_the_place_of_the_sections() -> None:
    model = machine()
    assert depth_lines(model) == []
    many = replace(model, architecture=replace(model.architecture, n_layers=READERS), layers=model.layers * 100)
    (line,) = depth_lines(many)
    assert "loadstore maps planted kernel" in line
    assert depth_parts(replace(article_story(builtin()), weights=many)) == []
