"""What followed a token before: places, attention and predictions, on the planted circuit whose answers are known."""

import planted
import pytest
from close import assert_close
from hostile import refusal
from tiny import KINDS, tiny

import loadstore as ls
from loadstore.errors import BadRequest, NoSuchSite, Undefined
from loadstore.evidence.circuit import circuit_of


def test_the_planted_circuit_divides_its_attention_among_all_answers() -> None:
    trace = ls.run(planted.planted(), [planted.BOS, 3, 7, 5, 3, 9, 2, 3])
    found = ls.experiments.induction_answers(trace)
    assert found["place"].values.tolist() == [2, 5]
    assert found.token.values.tolist() == [7, 9]
    assert found.text.values.tolist() == [trace.labels[2], trace.labels[5]]
    assert found.attention.sel(head="L1.H0").values == pytest.approx([0.5, 0.5], abs=1e-6)
    assert max(found["rank"].values.tolist()) <= 1  # the two are equally likely, up to rounding
    assert_close(found.probability.values, trace.logits[-1].double().softmax(-1)[[7, 9]])
    assert found["head"].values.tolist() == ["L0.H0", "L1.H0"]


def test_an_earlier_token_and_one_that_is_new() -> None:
    trace = ls.run(planted.planted(), [planted.BOS, 3, 7, 5, 3, 9, 2, 3])
    assert ls.experiments.induction_answers(trace, 4, heads=["L1.H0"])["place"].values.tolist() == [2]
    none = ls.experiments.induction_answers(trace, -2)
    assert dict(none.sizes) == {"head": 2, "place": 0}
    assert ls.experiments.induction_answers(trace, 0).sizes["place"] == 0


def test_what_is_not_there_is_refused() -> None:
    trace = ls.run(tiny(KINDS[0]), [1, 2, 1])
    with pytest.raises(NoSuchSite):
        ls.experiments.induction_answers(trace, heads=["L9.H0"])
    with pytest.raises(Undefined, match="no token 3"):
        ls.experiments.induction_answers(trace, 3)
    refusal(lambda: ls.experiments.induction_answers(trace, heads=[]), BadRequest, "no head was named")


def test_the_circuit_is_the_dearest_cut_beyond_its_controls() -> None:
    table = ls.experiments.induction_circuits(ls.load("builtin"), controls=2, sequences=2)
    found = circuit_of(table)
    assert found is not None
    assert str(found.previous) == "L0.H7"
    assert set(found.reads) == {"L1.H4.K", "L1.H10.K"}
    one = circuit_of(table.assign(beyond=("pair", [1.0, 0.0])))
    assert one is not None
    assert [str(head) for head in one.heads] == [str(table["induction_head"].values[0])]
    assert circuit_of(table.assign(beyond=("pair", [0.0, 0.0]))) is None
