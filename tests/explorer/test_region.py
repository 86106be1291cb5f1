"""The region of a writer in the explorer: the numbers of the memory map, and marks of the later sites that use it."""

import pytest

from loadstore.checkpoints.library import load
from loadstore.corpora.corpus import read_corpus
from loadstore.errors import NoSuchSite
from loadstore.explorer.state import Explorer
from loadstore.explorer.table import answered
from loadstore.memory.memory_map import memory_map
from loadstore.wire_traffic.moments import moments


def test_a_region_has_the_numbers_of_the_memory_map_and_marks_of_its_users() -> None:
    model = load("builtin")
    explorer = Explorer(model, "the cat sat")
    seen: list[tuple[int, int]] = []
    found = answered("region", explorer, {"writer": "L0.H7"})(lambda *done: seen.append(done))
    assert seen[-1][0] == seen[-1][1]
    kept = moments(model, read_corpus(model, "default", length=64, tokens=512))
    whole = memory_map(model, kept, writers="L0.H7")
    assert (found["rank"], found["dimensions"]) == (whole.regions[0].rank, 384)
    named = [(each["writer"], each["overlap"]) for each in found["overwritten"]]
    assert named == [(writer, overlap) for writer, overlap, _ in whole.overwriters("L0.H7")]
    marks = {each["site"]: each["mark"] for each in found["uses"]}
    assert marks["L1.H4"] in "rw"  # the induction heads load what the previous-token head stored
    assert {site for site, mark in marks.items() if mark in "w!"} == {writer for writer, _ in named}
    assert not [site for site in marks if site.startswith("L0")]
    assert answered("region", explorer, {"writer": "L0.H7"})(lambda *_: None) is found
    with pytest.raises(NoSuchSite, match=r"L7\.H0"):
        answered("region", explorer, {"writer": "L7.H0"})
