"""Where decompositions stop, leave out or refuse: at, just below and just above, on values by hand."""

import math
from dataclasses import replace

import pytest
import torch
from made import made
from tiny import Kind, tiny

import loadstore as ls
from loadstore.decomposition.address import MASS, effective_tokens, smallest_set, tokens_text
from loadstore.decomposition.loads import Load, Part, chosen, head_loads
from loadstore.decomposition.program import Listing, _address, _parts, _stored
from loadstore.decomposition.reading import MOST, bounded
from loadstore.decomposition.search import LEAST, Search, Step
from loadstore.decomposition.short import short, signed
from loadstore.decomposition.sides import VANISHED
from loadstore.errors import BadRequest, Undefined
from loadstore.sites import Head

IDS = [1, 2, 3]


def one_head(**changes: torch.Tensor) -> ls.Weights:
    """One head of one layer, nothing else; ``changes`` of its tensors."""
    model = tiny(Kind("none", "none", True), n_layers=1, n_heads=1)
    whole = {name: value for name, value in changes.items() if hasattr(model, name)}
    part = {name: value for name, value in changes.items() if name not in whole}
    return replace(model, layers=(replace(model.layers[0], **part),), **whole)


def test_an_address_is_the_fewest_tokens_that_hold_seven_tenths() -> None:
    def held(*row: float) -> tuple[int, ...]:
        return smallest_set(torch.tensor(row, dtype=torch.float64))

    assert MASS == 0.7
    assert held(0.2, 0.7, 0.1) == (1,)
    assert held(0.2, 0.699, 0.101) == (1, 0)
    assert held(0.2, 0.701, 0.099) == (1,)
    assert held(0.2, 0.7 - 1e-10, 0.1) == (1,)  # rounding of a sum is let pass
    assert held(0.25, 0.25, 0.25, 0.25) == (0, 1, 2)
    assert held(1.0) == (0,)


def test_a_row_is_spread_over_what_holds_anything() -> None:
    assert effective_tokens(torch.tensor([0.5, 0.5, 0.0])) == pytest.approx(2)
    assert effective_tokens(torch.tensor([0.0, 1.0, 0.0])) == 1


def test_three_tokens_are_told_and_the_rest_is_counted() -> None:
    labels, weights = ["a", "b", "c", "d"], [0.4, 0.3, 0.2, 0.1]
    assert tokens_text(labels, weights, (0, 1, 2), 3) == "a .40 | b .30 | c .20"
    assert tokens_text(labels, weights, (0, 1, 2), 4) == "a .40 | b .30 | c .20 | +1"
    assert tokens_text(labels, weights, (0, 1, 2, 3), 4) == "a .40 | b .30 | c .20 | +1"


def listed(share: float, *shares: float, kind: str = "V") -> list[float]:
    """The parts that a load lists."""
    found = chosen(kind, {("embed", place): value for place, value in enumerate(shares)}, share)  # pyright: ignore
    return [part.share for part in found.parts]


def test_a_part_is_listed_while_it_or_the_rest_is_more_than_what_may_be_left() -> None:
    assert listed(0.75, 0.75, 0.25) == [0.75]
    assert listed(0.75, 0.749, 0.251) == [0.749, 0.251]
    assert listed(0.75, 0.751, 0.249) == [0.751]
    assert listed(0.75, 0.75, 0.125, 0.125) == [0.75]
    assert listed(0.75, 0.5, 0.25, 0.25) == [0.5, 0.25]  # the rest was .5, and is .25 now
    assert listed(0.75, 0.5, 0.25, -0.25, 0.5) == [0.5, 0.5]
    assert listed(0.75, 0.0, 1.0) == [1.0]


def test_a_part_of_an_mlp_is_listed_by_itself_since_they_need_not_sum() -> None:
    assert listed(0.75, 0.25, 0.2, 0.2, 0.2, 0.15, kind="mlp") == []
    assert listed(0.75, 0.26, 0.2, 0.2, kind="mlp") == [0.26]
    assert math.isnan(chosen("mlp", {("embed", 0): 1.0}, 0.75).rest)


@pytest.mark.parametrize(("small", "others"), [(0.9e-6, 0), (1.1e-6, 1), (-1.1e-6, 1)])
def test_a_part_that_may_be_rounding_is_not_counted_but_summed(small: float, others: int) -> None:
    load = chosen("Q", {("a", 0): 1.0 - small, ("const", 0): small}, 0.9)
    assert load.others == others
    assert load.rest == pytest.approx(small, rel=1e-6)


@pytest.mark.parametrize(("weight", "steps"), [(0.05, 1), (0.05 - 1e-12, 0), (0.05 + 1e-12, 1)])
def test_a_writer_is_a_step_from_a_weight_of_five_hundredths_on(weight: float, steps: int) -> None:
    assert LEAST == 0.05
    trace = ls.run(one_head(), IDS, record=True)
    target = Load("unembed", (Part("L0.H0", 2, weight),))
    found, left = Search(trace, 0.9, 2, target, {"L0.H0": 1.0}).steps(5)
    assert (len(found), left) == (steps, 0)
    _, left = Search(trace, 0.9, 2, target, {"L0.H0": 1.0}).steps(0)
    assert left == steps


def test_a_part_hands_on_no_more_than_its_user_weighs() -> None:
    trace = ls.run(one_head(), IDS, record=True)
    for share, weight in ((0.9, 0.9), (1.0, 1.0), (1.1, 1.0), (-1.1, 1.0)):
        target = Load("unembed", (Part("L0.H0", 2, share),))
        (step,), _ = Search(trace, 0.9, 2, target, {"L0.H0": 1.0}).steps(5)
        assert step.weight == weight
        assert step.carried == share


@pytest.mark.parametrize(("part", "undefined"), [(0.995, True), (1.005, False)])
def test_scores_that_are_the_same_but_for_rounding_have_no_shares(part: float, undefined: bool) -> None:
    """Rows of the embedding are equal but for ε: the contrast is of the scores' size times c ε."""

    def found(small: float) -> tuple[ls.Trace, float]:
        noise = torch.randn(17, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        trace = ls.run(one_head(W_E=1.0 + small * noise), IDS, record=True)
        layer = trace.record.layers[0]
        keys, query = layer.k[0, :, 0], layer.q[0, -1, 0]
        key = int(layer.pattern[0, 0, -1].argmax())
        return trace, float((keys[key] - keys.mean(0)) @ query / (query.norm() * keys.norm()))

    _, rate = found(1e-3)
    trace, ratio = found(part * VANISHED / rate * 1e-3)
    assert ratio == pytest.approx(part * VANISHED, rel=2e-3)
    assert ("Q" in ls.address(trace, "L0.H0", -1).undefined) is undefined
    assert bool(head_loads(trace, Head(0, 0), 2, 0.9)[0].undefined) is undefined


@pytest.mark.parametrize(("part", "undefined"), [(0.995, True), (1.005, False)])
def test_an_output_that_cancels_but_for_rounding_has_no_shares(part: float, undefined: bool) -> None:
    """The bias takes away what the embedding gives but for ε: the whole is ε / (2 − ε) of the sizes of its parts."""
    small = 2 * VANISHED * part
    model = one_head(W_E=torch.ones(17, 12, dtype=torch.float64))
    bias = -(1 - small) * torch.ones(12, dtype=torch.float64) @ model.layers[0].W_V[0]
    layer = replace(model.layers[0], b_V=bias[None], b_O=torch.zeros(12, dtype=torch.float64))
    trace = ls.run(replace(model, layers=(layer,)), IDS, record=True)
    assert ("V" in ls.address(trace, "L0.H0", -1).undefined) is undefined
    assert bool(head_loads(trace, Head(0, 0), 2, 0.9)[2].undefined) is undefined


@pytest.mark.parametrize(("part", "undefined"), [(0.995, True), (1.005, False)])
def test_a_contrast_that_cancels_but_for_rounding_is_not_explained(part: float, undefined: bool) -> None:
    """Two tokens whose biases take away what their columns give but for ε; the head stores nothing."""
    small = 2e-9 * part
    column, bias = torch.zeros(12, 17, dtype=torch.float64), torch.zeros(17, dtype=torch.float64)
    column[:, 4], bias[4] = 1 / 12, -(1 - small)
    model = one_head(W_E=torch.ones(17, 12, dtype=torch.float64), W_U=column, b_U=bias)
    nothing = replace(model.layers[0], W_O=0 * model.layers[0].W_O, b_O=torch.zeros(12, dtype=torch.float64))
    trace = ls.run(replace(model, layers=(nothing,)), IDS, record=True)
    if undefined:
        with pytest.raises(Undefined, match="contrast is 0"):
            ls.listing(trace, -1, predict=4, against=5)
    else:
        assert ls.listing(trace, -1, predict=4, against=5).contrast == pytest.approx(small, rel=1e-6)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.1])
def test_a_listing_refuses_a_share_that_is_no_part(share: float) -> None:
    trace = ls.run(one_head(), IDS, record=True)
    with pytest.raises(BadRequest, match="expected a part of the whole"):
        ls.listing(trace, share=share)


def test_a_listing_takes_the_least_share_and_one_step() -> None:
    trace = ls.run(one_head(), IDS, record=True)
    assert len(ls.listing(trace, share=1e-9, top=1).target.parts) == 1
    assert len(ls.listing(trace, share=1 - 1e-9, top=1).target.parts) == 4
    with pytest.raises(BadRequest, match="at least one step"):
        ls.listing(trace, top=0)


def test_a_result_is_refused_above_the_most_numbers() -> None:
    assert MOST == 1 << 27
    bounded(MOST, "ask for less")
    bounded(MOST - 1, "ask for less")
    with pytest.raises(Undefined, match="134,217,729 numbers, more than 134,217,728; ask for less"):
        bounded(MOST + 1, "ask for less")


def test_numbers_that_are_rounded_to_nothing_have_no_sign() -> None:
    assert [short(value) for value in (-0.004, -0.0051, 0.0, -1.0, math.nan)] == [".00", "−.01", ".00", "−1.00", "n/a"]
    assert [signed(value) for value in (0.5, -0.5)] == ["+0.5", "−0.5"]


LISTING = made(Listing, trace=ls.run(one_head(), IDS), at=2, token=4)


def step(users: int = 0, attended: int = 1) -> Step:
    """A step with so many users and attended tokens."""
    names = tuple(f"L1.H{place}.V" for place in range(users))
    return Step("L0.H0", 2, 1.0, 1.0, (), (0.1,) * attended, math.nan, None, ("unembed", *names))


def test_four_users_are_named_and_the_rest_is_counted() -> None:
    assert _stored(LISTING, step(0)) == []
    assert _stored(LISTING, step(3)) == ["for L1.H0.V, L1.H1.V, L1.H2.V"]
    assert _stored(LISTING, step(4)) == ["for L1.H0.V, L1.H1.V, L1.H2.V, L1.H3.V"]
    assert _stored(LISTING, step(5)) == ["for L1.H0.V, L1.H1.V, L1.H2.V, L1.H3.V +1"]


def test_three_attended_tokens_are_named_and_the_rest_is_counted() -> None:
    assert len(_address(LISTING, step(attended=2))) == 2
    assert _address(LISTING, step(attended=3))[-1] == "#3·2 .10"
    longer = made(Listing, trace=ls.run(one_head(), [1, 2, 3, 4]), at=3, token=4)
    assert _address(longer, step(attended=4)) == ["#1·0 .10", "#2·1 .10", "#3·2 .10", "+1"]


def test_six_parts_of_a_load_are_named_and_the_rest_is_summed() -> None:
    def told(count: int, others: int = 0) -> list[str]:
        parts = tuple(Part(f"L0.H{place}", 2, 0.1) for place in range(count))
        return [text for text, _ in _parts(LISTING, Load("V", parts, others, rest=0.2 if others else 0.0))]

    assert told(6) == [f"L0.H{place} .10" for place in range(6)]
    assert told(7)[5:] == ["L0.H5 .10", "1 other .10"]
    assert told(7, 1)[5:] == ["L0.H5 .10", "2 others .30"]
    assert told(5) == [f"L0.H{place} .10" for place in range(5)]
