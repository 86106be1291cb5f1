"""An address of the difference between two runs divides exactly what changed."""

import math

import pytest
import torch
from each import each
from hostile import refusal
from tiny import FEW, KINDS, OTHER_HALF, Kind, few_with, some_tokens, tiny

import loadstore as ls
from loadstore.decomposition.address import address
from loadstore.decomposition.decomposition import reader_parts
from loadstore.errors import BadRequest, NoSuchSite, Undefined
from loadstore.model.ports import heads_out

AT, HEAD = 6, "L1.H2"
ARTICLE = "the cat sat on the mat. the dog sat on the log."


def two_runs(kind: Kind) -> tuple[ls.Trace, ls.Trace]:
    model = tiny(kind)
    one, other = some_tokens(model)
    return ls.run(model, one), ls.run(model, other)


def contrast(trace: ls.Trace, first: int, key: int, than: int | None) -> float:
    """The score of a key less that of another, or minus the mean of all allowed, as the run recorded it."""
    scores = trace.scores(HEAD)[AT, first : AT + 1]
    return float(scores[key - first] - (scores.mean() if than is None else scores[than - first]))


@each(("kind", "about"), few_with(["most", 5, (5, 4)], of=OTHER_HALF), str)
def test_q_and_k_together_divide_the_change_of_the_contrast(kind: Kind, about):
    one, other = two_runs(kind)
    found = address(one, HEAD, AT, about=about, against=other)
    assert math.fsum([*found.shares["Q"].values(), *found.shares["K"].values()]) == pytest.approx(1, abs=1e-10)
    assert max(abs(found.remainder[side]) for side in "QKV") < 1e-9  # in parts of a difference, which may be small
    change = contrast(one, found.first, found.key, found.than) - contrast(other, found.first, found.key, found.than)
    scale, allowed = one.weights.architecture.attention_scale, slice(found.first, AT + 1)
    q, k = ([reader_parts(t, f"{HEAD}.{side}") for t in (one, other)] for side in "QK")

    def against(keys: torch.Tensor) -> torch.Tensor:
        base = keys[allowed].mean(0) if found.than is None else keys[found.than]
        return (keys[found.key] - base) * scale

    keys = torch.stack([against(sum(parts.values())[0]) for parts in k]).mean(0)
    query = torch.stack([sum(parts.values())[0, AT] for parts in q]).mean(0)
    for writer, share in found.shares["Q"].items():
        part = (q[0][writer] - q[1][writer])[0, AT] @ keys
        assert share * change == pytest.approx(float(part), abs=1e-9)
    for writer, share in found.shares["K"].items():
        part = query @ against((k[0][writer] - k[1][writer])[0])
        assert share * change == pytest.approx(float(part), abs=1e-9)


@each("kind", FEW, str)
def test_v_divides_the_change_of_the_output(kind: Kind):
    runs = two_runs(kind)
    found = address(runs[0], HEAD, AT, about="most", against=runs[1])
    change = runs[0].written(HEAD)[AT] - runs[1].written(HEAD)[AT]
    out = heads_out(runs[0].weights, 1)[2]
    parts = [reader_parts(trace, f"{HEAD}.V") for trace in runs]
    assert math.fsum(found.shares["V"].values()) == pytest.approx(1, abs=1e-10)
    for writer, share in found.shares["V"].items():
        rows = [trace.record.layers[1].mixing[0, 2, AT] for trace in runs]
        stored = [row @ part[writer][0] @ out for row, part in zip(rows, parts, strict=True)]
        assert share == pytest.approx(float((stored[0] - stored[1]) @ change / change.square().sum()), abs=1e-9)


@each("kind", FEW, str)
def test_the_two_runs_are_exchanged_without_changing_a_share(kind: Kind):
    one, other = two_runs(kind)
    forth, back = address(one, HEAD, AT, about=5, against=other), address(other, HEAD, AT, about=5, against=one)
    for side in "QKV":
        assert forth.shares[side] == pytest.approx(back.shares[side], abs=1e-9)


def test_a_run_does_not_differ_from_itself_and_that_is_said():
    trace, _ = two_runs(KINDS[0])
    found = address(trace, HEAD, AT, about="most", against=trace)
    assert found.undefined["K"] == "the contrast is the same in both runs"
    assert found.undefined["V"] == "the head stores the same in both runs"
    assert all(math.isnan(share) for side in "QKV" for share in found.shares[side].values())


def test_where_the_queried_word_changes_the_induction_head_says_so():
    model = ls.load("builtin")
    other = ls.run(model, "the cat sat on the mat. the dog lay on the log.")
    trace = ls.run(model, ARTICLE)
    if other.tokens.shape != trace.tokens.shape:
        pytest.fail("the two sentences are meant to have as many tokens")
    found = address(trace, "L1.H10", 10, about=4, against=other)
    print(found.text)
    assert found.top("Q") == "embed"  # only token 10 differs: what Q reads there is all that can change
    assert math.fsum(found.shares["Q"].values()) > 0.9


def test_what_cannot_be_compared_is_refused():
    one, other = two_runs(KINDS[0])
    model = one.weights
    cut = ls.run(model, other.tokens[0], [ls.cut("L0.H1", f"{HEAD}.K")])
    short, batch = ls.run(model, other.tokens[0, :5]), ls.run(model, some_tokens(model))
    refusal(
        lambda: address(one, HEAD, AT, about="most", against=short),
        Undefined,
        "9 and 5 tokens",
        "prompts of one length",
    )
    refusal(
        lambda: address(one, HEAD, AT, about="most", against=two_runs(KINDS[1])[0]),
        BadRequest,
        "different models",
        model.name,
    )
    refusal(lambda: address(one, HEAD, AT, about="most", against=batch), Undefined, "batch")
    refusal(lambda: address(one, HEAD, AT, about="row", against=other), Undefined, "'row'", "name a key")
    refusal(lambda: address(one, HEAD, AT, about="most", against=cut), Undefined, "cuts")
    refusal(lambda: address(one, "L9.H9", AT, about="most", against=other), NoSuchSite, "L9.H9")
