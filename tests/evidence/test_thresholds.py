"""Where evidence changes its verdict: at, just below and just above, on values by hand."""

import math

import numpy as np
import pytest
import xarray as xr
from made import made
from tiny import Kind, some_tokens, tiny

import loadstore as ls
from loadstore.decomposition.program import Listing
from loadstore.errors import BadRequest
from loadstore.evidence.circuit import circuit_of
from loadstore.evidence.claimed import Claim
from loadstore.evidence.dossier import LEVEL, _wires
from loadstore.evidence.head_facts import participation
from loadstore.evidence.verdict import Check, Verified, mark, nats, notes, summary
from loadstore.model.wiring import wiring
from loadstore.sites import Head

MODEL = tiny(Kind("learned", "none", True))
WIRES = tuple(wiring(MODEL).wire("L0.H1", reader) for reader in ("L1.H2.K", "L1.H0.K"))


def check(effect: float = -1.0, mean: float = -1.0, *, sign: float = -1.0, controls: int = 99, wires: int = 1) -> Check:
    """A cut that claims to lower the target, beside controls that move nothing."""
    return Check(
        claim=Claim(WIRES[:wires], "K", sign, ()),
        traffic=1.0,
        effect=effect,
        change=0.5,
        probability=0.25,
        attention=(),
        controls=(0.0,) * controls,
        mean=mean,
        standard_error=0.01,
    )


def verified(*checks: Check) -> Verified:
    """A listing of these cuts."""
    return Verified(made(Listing, probability=0.5), checks, 8, "prompts with other tokens")


def test_a_listing_holds_below_one_per_cent_of_luck() -> None:
    for controls, holds in ((99, False), (100, True), (98, False)):  # luck of one cut is 1 / (1 + controls)
        found = verified(check(controls=controls))
        assert found.luck == pytest.approx(1 / (1 + controls))
        assert found.holds is holds
        assert summary(found).startswith("the listing holds: 1 of 1" if holds else "the listing FAILS verification: 1")


def test_luck_counts_what_is_verified_and_not_what_is_beyond() -> None:
    beyond_alone = check(mean=0.0)
    assert beyond_alone.beyond
    assert not beyond_alone.verified
    found = verified(check(), beyond_alone)
    assert found.count == 1
    assert found.luck == pytest.approx(1 - 0.99**2)
    assert "1 of 2 cuts are verified, 2 are beyond all of their controls (99 each; by luck 0.0 would be" in summary(
        found
    )


def test_a_cut_is_beyond_where_no_control_goes_as_far_either_way() -> None:
    def with_control(control: float) -> bool:
        return made(Check, **(vars(check()) | {"controls": (0.0, control)})).beyond

    assert [with_control(value) for value in (1.0, 0.999, 1.001, -1.0, -0.999)] == [False, True, False, False, True]
    assert not check(effect=1.0).beyond
    assert check(effect=1.0, sign=1.0).beyond
    assert not check(controls=0).beyond


def test_marks_say_all_three_verdicts() -> None:
    told = [mark(one) for one in (check(), check(mean=0.0), check(effect=0.0))]
    assert told == ["✔ verified", "◦ beyond its controls, not replicated", "✘ not beyond its controls"]
    said = [notes(verified(one))["L0.H1", "L1.H2.K"][1] for one in (check(), check(mean=0.0), check(effect=0.0))]
    assert said == ["verified", "beyond", "failed"]
    assert notes(verified(check(wires=2))) == {}


def test_luck_beyond_nine_digits_has_no_digits() -> None:
    for controls, told in ((994, "p 1e-09)"), (1004, "p < 1e-9)")):  # 1.005e-9 and .995e-9
        assert f"or more with {told}" in summary(verified(*(check(controls=one) for one in (controls, 999, 999))))
    assert "(1 to 99 each;" in summary(verified(check(), check(controls=1)))


def test_small_numbers_of_nats_have_three_digits() -> None:
    assert [nats(value) for value in (0.095, 0.0949, 0.0951, -0.0949, -0.095)] == [
        *(".10", ".095", ".10", "−.095"),
        "−.10",
    ]


def wires_above(p: float, count: int = 2) -> list[bool]:
    """Which of some wires are above chance, the first with this p."""
    values = {"alignment": [0.5, 0.4, math.nan][: count + 1], "z": [1.0] * (count + 1), "p": [p, 1.0, 0.0][: count + 1]}
    table = {name: (("writer", "reader"), np.array(column)[:, None]) for name, column in values.items()}
    coords = {"writer": ["L0.H0", "L0.H1", "embed"][: count + 1], "reader": ["L1.H0.Q"]}
    return [wire.above for wire in _wires(xr.Dataset(table, coords=coords))]


def test_a_wire_of_a_dossier_is_above_after_bonferroni_over_those_that_have_a_score() -> None:
    assert LEVEL == 0.01
    assert wires_above(LEVEL / 2) == [False, False]
    assert wires_above(LEVEL / 2 * 0.999) == [True, False]
    assert wires_above(LEVEL / 2 * 1.001) == [False, False]


def test_a_zero_map_has_no_participation() -> None:
    assert math.isnan(participation((0.0, 0.0)))
    assert participation((1e-3, 0.0)) == pytest.approx(1)
    assert participation((1.0, 1.0)) == pytest.approx(2)


def circuits(beyond: list[float], change: list[float]) -> xr.Dataset:
    """Three pairs of heads: two of one previous-token head, one of another."""
    return xr.Dataset(
        {"beyond": ("pair", beyond), "change": ("pair", change)},
        coords={
            "previous_head": ("pair", ["L0.H0", "L0.H1", "L0.H0"]),
            "induction_head": ("pair", ["L1.H0", "L1.H1", "L1.H2"]),
        },
    )


def test_a_circuit_is_of_pairs_beyond_their_controls() -> None:
    assert circuit_of(circuits([0, 0, 0], [9, 9, 9])) is None
    found = circuit_of(circuits([1, 1, 1], [1, 2, 1.9]))
    assert found is not None
    assert (found.previous, found.heads) == (Head(0, 1), (Head(1, 1),))
    found = circuit_of(circuits([1, 0, 1], [1, 2, 1.9]))
    assert found is not None
    assert (found.previous, found.heads) == (Head(0, 0), (Head(1, 0), Head(1, 2)))
    assert found.reads == ["L1.H0.K", "L1.H2.K"]


@pytest.mark.parametrize(("most", "effect"), [(0, 0), (1, -1), (-1, 0)])
def test_wires_refuse_a_count_below_its_least(most: int, effect: int) -> None:
    with pytest.raises(BadRequest, match=f"top={most}, effect={effect}: expected a count of wires"):
        ls.wires(MODEL, some_tokens(MODEL), readers="L1.H2.K", top=most, effect=effect)


def test_wires_take_the_least_count() -> None:
    found = ls.wires(MODEL, some_tokens(MODEL), readers="L1.H2.K", top=1, effect=0)
    assert found.sizes["wire"] == 1
    assert found.change.isnull().all()


@pytest.mark.parametrize(
    "wrong", [{"least": -1e-9}, {"least": 1 + 1e-9}, {"top": 0}, {"controls": 0}, {"sequences": 1}], ids=str
)
def test_induction_circuits_refuse_what_is_below_the_least(wrong: dict[str, float]) -> None:
    with pytest.raises(BadRequest, match="expected a score from 0 to 1, at least one pair and one control, and two"):
        ls.experiments.induction_circuits(MODEL, **wrong)


def test_induction_circuits_take_the_least() -> None:
    assert ls.experiments.induction_circuits(MODEL, least=0.0, top=1, controls=1, sequences=2).sizes["pair"] == 1
    assert ls.experiments.induction_circuits(MODEL, least=1.0, sequences=2).sizes["pair"] == 0


def test_a_head_takes_part_from_the_least_score_on(monkeypatch: pytest.MonkeyPatch) -> None:
    heads = [str(head) for head in MODEL.architecture.heads]
    scores = {"previous": [0.0] * len(heads), "induction": [0.0] * len(heads)}
    scores["previous"][:3], scores["induction"][3:6] = [0.4, 0.4 - 1e-9, 0.4 + 1e-9], [0.4, 0.4 - 1e-9, 0.4 + 1e-9]
    table = {f"{name}{end}": ("head", values) for name, values in scores.items() for end in ("", "_se")}
    monkeypatch.setattr(
        "loadstore.evidence.found.measured_roles", lambda *_, **__: xr.Dataset(table, coords={"head": heads})
    )
    found = ls.experiments.induction_circuits(MODEL, least=0.4, controls=1, sequences=2)
    assert sorted(found["pair"].values.tolist()) == [f"L0.H{i} → L1.H{j}" for i in (0, 2) for j in (0, 2)]


@pytest.mark.parametrize(("controls", "replicates"), [(0, 2), (1, 1)])
def test_verify_refuses_what_is_below_the_least(controls: int, replicates: int) -> None:
    found = ls.listing(ls.run(MODEL, [1, 5, 2, 7, 5, 2], record=True), top=1)
    with pytest.raises(BadRequest):
        ls.verify(found, controls=controls, replicates=replicates)
    assert ls.verify(found, controls=1, replicates=2).replicates == 2


def test_an_error_over_documents_needs_two() -> None:
    tokens = some_tokens(MODEL, batch=2)
    assert ls.experiments.term_importance(MODEL, tokens[:1]).loss_up_to_se.isnull().all()
    assert ls.experiments.term_importance(MODEL, tokens).loss_up_to_se.notnull().all()
