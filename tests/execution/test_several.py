"""Edits of several sites, by names and globs, at tokens that are named by their text."""

from collections.abc import Callable

import pytest
from each import each
from hostile import refusal
from tiny import Kind, tiny

import loadstore as ls
from loadstore.errors import BadRequest, LoadstoreError, NoSuchSite, NoSuchWire
from loadstore.execution.kinds import Asked

IDS = [3, 1, 4, 1, 5, 9]
TEXT = "the cat sat on the mat. the dog sat"


@pytest.fixture(scope="module")
def trace() -> ls.Trace:
    return ls.run(tiny(Kind("learned", "layer", True, "gelu")), IDS)


def edits(trace: ls.Trace, *asked: Asked) -> list[str]:
    return list(map(str, ls.run(trace.weights, IDS, asked).edits))


def test_names_and_globs_become_an_edit_of_each_site(trace: ls.Trace) -> None:
    assert edits(trace, ls.ablate("l1h*", by="zero")) == [f"ablate L1.H{index} by zero" for index in range(3)]
    assert edits(trace, ls.ablate(["1.2", "*.mlp"])) == [
        f"ablate {name} by mean" for name in ("L0.mlp", "L1.H2", "L1.mlp", "L2.mlp")
    ]
    assert edits(trace, ls.patch("L?.stream", trace, at=-1))[2] == "patch L2.stream at -1"
    assert edits(trace, ls.cut(["L0.H0", "L1.H1"], ["L2.H0.Q", "L2.H0.K"])) == [
        f"cut L{name} → L2.H0.{side} by mean" for side in "QK" for name in ("0.H0", "1.H1")
    ]
    wires = edits(trace, ls.patch("L*.H0", trace, reader="L1.*.V"))
    assert wires == [f"patch L0.H0 → L1.H{index}.V" for index in range(3)]  # of globs, those that exist
    assert str(ls.cut("L0.*", "*.mlp", at=[" to", 3])) == "cut L0.* → *.mlp by mean at ␣to, 3"
    assert ls.effect(trace.weights, IDS, [ls.ablate("L2.H*")], ls.metrics.loss()).edits[2] == "ablate L2.H2 by mean"


@each(
    "edit, kind, words",
    [
        (lambda trace: ls.ablate("L7.H*"), NoSuchSite, ["nothing matches 'L7.H*'", "Nearest: L2.H0, L2.H1, L2.H2."]),
        (lambda trace: ls.ablate(["L0.H0", "L2.H9"]), NoSuchSite, ["no writer L2.H9", "Nearest: L2.H2"]),
        (lambda trace: ls.ablate([]), BadRequest, ["names no site", "'L1.H*'"]),
        (lambda trace: ls.ablate("L5.stream"), NoSuchSite, ["no stream L5.stream", "L0.stream to L2.stream"]),
        (lambda trace: ls.cut("L2.*", "L1.*"), NoSuchWire, ["names no wire"]),
        (lambda trace: ls.cut(["L2.H0", "L0.H0"], "L1.H0.Q"), NoSuchWire, ["L2.H0 stores after L1.H0.Q"]),
        (lambda trace: ls.ablate("L0.*", channel=1), BadRequest, ["L0.bias is not a head"]),
        (lambda trace: ls.ablate("L0.H0", at="#1"), BadRequest, ["2 tokens '#1': #1·1, #1·3"]),
        (lambda trace: ls.ablate("L0.H0", at="#7"), BadRequest, ["no token '#7'", "It has #3·0 to #9·5"]),
    ],
    ids=lambda value: "" if callable(value) else repr(value),
)
def test_what_names_nothing_is_refused(
    trace: ls.Trace, edit: Callable[[ls.Trace], Asked], kind: type[LoadstoreError], words: list[str]
) -> None:
    refusal(lambda: edits(trace, edit(trace)), kind, *words)


def test_a_token_is_named_by_its_text_where_it_stands_once() -> None:
    model = ls.load("builtin")
    trace = ls.run(model, TEXT)
    index = trace.labels.index("␣mat·6")
    for at in (" mat", "␣mat", "␣mat·6", index - len(trace.labels)):
        assert ls.listing(trace, at).at == ls.address(trace, "1.4", at).at == index
        assert ls.parts.logit_parts(trace, at, " the").attrs["at"] == index
        assert ls.run(model, TEXT, [ls.ablate("L0.H7", at=at)]).edits[0].at in ((index,), (at,))
        assert ls.metrics.log_probability(".", at=at)(trace) == ls.metrics.log_probability(".", at=index)(trace)
    assert ls.parts.score_parts(trace, "1.4", " dog", "⊢").attrs["query"] == 9
    refusal(lambda: ls.listing(trace, " sat"), BadRequest, "2 tokens ' sat': ␣sat·3, ␣sat·10", "label")
    refusal(lambda: ls.listing(trace, "mat"), BadRequest, "no token 'mat'", "Nearest: ␣mat·6")
    two = ls.run(model, [TEXT, f"today {TEXT}"])
    assert ls.metrics.log_probability(".", at=" mat")(two).shape == (2,)
    refusal(
        lambda: ls.run(model, [TEXT, f"today {TEXT}"], [ls.ablate("embed", at=" mat")]), BadRequest, "6 in prompt 0"
    )
