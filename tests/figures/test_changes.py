"""Beside the list of wires stands the view that their ends ask for: heads of readers, heads of writers, or both."""

import pytest
from tiny import Kind, some_tokens, tiny

import loadstore as ls
from loadstore.figures.changes import sweep_figure


@pytest.mark.parametrize(
    ("wires", "title"),
    [
        ("L0.H0 -> L1.*.K", "The same by reader, from L0.H0"),
        ("L0.* -> L1.H0.K", "The same by writer, into L1.H0.K"),
        ("L0.* -> L1.*.K", "Change by writer and reader"),
        ("L0.H0 -> L1.H1.*", None),  # three sides of one head
    ],
)
def test_the_view_beside_the_list_follows_from_the_wires(wires: str, title: str | None) -> None:
    model = tiny(Kind("learned", "layer", True, "gelu"))
    trace = ls.run(model, some_tokens(model))
    found = sweep_figure(ls.experiments.sweep(trace, [wires], metric=ls.metrics.loss()))
    assert [view.title for view in found.views][1:] == ([] if title is None else [title])
