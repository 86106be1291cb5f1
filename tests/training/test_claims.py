"""Which claims on the built-in model hold: at, just below and just above each threshold, on numbers by hand."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from tiny import Kind, Sizes, tiny

from loadstore.model.weights import Weights
from loadstore.training import claims

MODEL = tiny(Kind("learned", "none", True, sizes=Sizes(d_model=10)), n_layers=2, n_heads=12)
HEADS = [f"L{layer}.H{index}" for layer in range(2) for index in range(12)]
EPS = 1e-6


def roles(previous: float, induction: list[float]) -> xr.Dataset:
    """Scores of every head: of L0.H7 as the previous-token head, of some of layer 1 as induction heads."""
    scores = dict.fromkeys(HEADS, 0.01)
    follows = scores | dict(zip(("L1.H4", "L1.H10", "L1.H1", "L1.H2"), induction, strict=False))
    first = scores | {"L0.H7": previous}
    columns = {name: ("head", list(values.values())) for name, values in (("previous", first), ("induction", follows))}
    return xr.Dataset(columns, coords={"head": HEADS})


def behaviour(
    monkeypatch: pytest.MonkeyPatch,
    *,
    random: float = 0.99,
    text: float = 0.99,
    induction: tuple[float, ...] = (0.95, 0.8),
    loss: float = 0.1,
) -> dict[str, bool]:
    """Which claims hold, by their lines."""

    def measured(_: object, on: Any = "repeats", **__: object) -> xr.Dataset:
        return roles((random if on == "random" else 0.9) if isinstance(on, str) else text, list(induction))

    monkeypatch.setattr(claims, "head_roles", measured)
    monkeypatch.setattr(claims, "second_copy_loss", lambda *_: loss)
    held_out = claims.HeldOut(torch.zeros(1, 3, dtype=torch.long), torch.zeros(1), torch.zeros(1))
    return {claim.line: claim.holds for claim in claims._behaviour(MODEL, held_out)}


@pytest.mark.parametrize(
    ("words", "name", "at", "above"),
    [
        ("on 256 random tokens ≥ .95", "random", 0.95, True),
        ("on held-out text ≥ .9", "text", 0.9, True),
        ("second copies ≤ .2 nats", "loss", 0.2, False),
    ],
)
def test_a_claim_on_behaviour_holds_from_its_threshold_on(
    monkeypatch: pytest.MonkeyPatch, words: str, name: str, at: float, *, above: bool
) -> None:
    for value, holds in ((at, True), (at - EPS, not above), (at + EPS, above)):
        (found,) = [one for line, one in behaviour(monkeypatch, **{name: value}).items() if words in line]
        assert found == holds, value


def test_a_claim_on_induction_heads_holds_from_nine_tenths_and_for_two_or_three(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for score, holds in ((0.9, True), (0.9 - EPS, False), (0.9 + EPS, True)):
        found = behaviour(monkeypatch, induction=(score, 0.8))
        assert found["a head of layer 1 with induction ≥ .9 on random repeats"] == holds
    for others, holds in (((0.5,), False), ((0.501,), True), ((0.6, 0.501), True), ((0.6, 0.55, 0.501), False)):
        found = behaviour(monkeypatch, induction=(0.95, *others))
        assert found["two or three induction heads (above .5), not all twelve"] == holds, others


def test_the_numbering_is_that_of_the_strongest_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    for induction, holds in (((0.95, 0.8, 0.7), True), ((0.95, 0.7, 0.8), False), ((0.8, 0.95), True)):
        found = behaviour(monkeypatch, induction=induction)
        (numbered,) = [one for line, one in found.items() if line.startswith("the previous-token head is")]
        assert numbered == holds


def wires(alignment: float = 0.3, z: float = 30.0, p: float = 1e-5, embed: float = 0.2) -> xr.Dataset:
    """Scores in which L0.H7 and pos have these numbers, and embed another alignment."""
    writers = ["embed", "pos", "L0.H7", "L0.H0"]
    readers = [f"{head}.{side}" for head in ("L0.H7", "L1.H4", "L1.H10") for side in "QKV"]
    values = {"alignment": alignment, "z": z, "p": p, "score": 0.5}
    table = xr.Dataset(
        {name: (("writer", "reader"), np.full((4, 9), value)) for name, value in values.items()},
        coords={"writer": writers, "reader": readers},
    )
    table.alignment.loc[{"writer": "embed"}] = embed
    table.alignment.loc[{"writer": "L0.H0"}] = -0.5
    table.alignment.loc[{"writer": "pos", "reader": ["L1.H4.K", "L1.H10.K"]}] = -0.1
    table.alignment.loc[{"writer": "L0.H7", "reader": ["L0.H7.Q", "L0.H7.K"]}] = math.nan  # it does not reach itself
    return table


def weighed(
    monkeypatch: pytest.MonkeyPatch, pos: int = 5, embed: int = 5, turned: float = 0.4, **how: float
) -> dict[str, bool]:
    """Which claims on the weights hold, by their lines."""
    directions = {"pos": pos, "embed": embed}

    def spectrum(_: Weights, site: str) -> Any:
        return SimpleNamespace(directions=xr.DataArray([directions[site]], {"fraction": [0.8]}, ("fraction",)))

    def scores(_: Weights, *, control: str = "none", **__: object) -> xr.Dataset:
        table = wires(**how)
        return table if control == "none" else table.assign(score=table.score * 0 + turned)

    monkeypatch.setattr(claims, "spectrum", spectrum)
    monkeypatch.setattr(claims, "subspace_scores", scores)
    return {claim.line: claim.holds for claim in claims._weights(MODEL)}


@pytest.mark.parametrize(
    ("line", "name", "cases"),
    [
        ("W_pos holds 80 % in ≤ 10 directions", "pos", [(10, True), (9, True), (11, False)]),
        ("W_E holds 80 % in ≤ 60 % of d_model", "embed", [(6, True), (7, False)]),  # of 10
        ("L0.H7.Q aligns with pos above chance", "p", [(0.01, False), (0.0099, True), (0.0101, False)]),
        ("L0.H7.Q aligns with pos above chance", "alignment", [(0.0, False), (-EPS, False), (EPS, False)]),
        ("L0.H7.Q aligns with pos above chance", "alignment", [(0.2, False), (0.2 + EPS, True), (0.2 - EPS, False)]),
        ("pos → L0.H7.Q falls under reversal", "turned", [(0.5, False), (0.5 - EPS, True), (0.5 + EPS, False)]),
        ("writer most aligned with L1.H4.K", "z", [(20.0, True), (19.99, False), (20.01, True)]),
        ("writer most aligned with L1.H4.K", "alignment", [(0.25, True), (0.25 - EPS, False), (0.25 + EPS, True)]),
    ],
)
def test_a_claim_on_weights_holds_from_its_threshold_on(
    monkeypatch: pytest.MonkeyPatch, line: str, name: str, cases: list[tuple[float, bool]]
) -> None:
    for value, holds in cases:
        how = {name: value} | ({} if name == "alignment" else {"alignment": 0.3})
        found = weighed(monkeypatch, **how)
        (one,) = [one for words, one in found.items() if line in words]
        assert one == holds, value


@pytest.mark.parametrize(
    ("alignment", "p", "embed", "holds"),
    [
        (0.1, 0.0099, 0.3, True),
        (0.1, 0.01, 0.3, False),
        (0.1, 0.0101, 0.3, False),
        (0.3 + EPS, 1e-5, 0.3, False),
        (-0.6, 1e-5, 0.0, False),
        (-0.6, 1e-5, EPS, True),
    ],
)
def test_a_reader_reads_the_best_aligned_writer_above_chance(
    alignment: float, p: float, embed: float, *, holds: bool
) -> None:
    assert claims._reads(wires(alignment=alignment, p=p, embed=embed), "embed", "L1.H4.V").holds == holds


def test_a_tail_is_told_by_its_order() -> None:
    assert [claims._tail(p) for p in (0.0, 5e-324, 0.01)] == ["p < 1e-300", "p 5e-324", "p 1e-02"]


@pytest.mark.parametrize(
    ("intact", "cut", "holds"),
    [(0.9, 0.1, False), (0.9, 0.0999, True), (0.1, 0.05, False), (0.1, 0.0499, True), (0.9, 0.1001, False)],
)
def test_a_cut_takes_the_score_below_a_tenth_and_below_half(
    monkeypatch: pytest.MonkeyPatch, intact: float, cut: float, *, holds: bool
) -> None:
    effect = SimpleNamespace(induction=cut, traffic=1.0)
    proof = SimpleNamespace(intact=intact, cut=effect, controls=[effect], beyond_all_controls=True)
    monkeypatch.setattr(claims, "prove_wire", lambda *_, **__: proof)
    first, second = claims._cause(MODEL, claims.INDUCTION[0])
    assert (first.holds, second.holds) == (holds, True)


@pytest.mark.parametrize(("before", "after"), [(0.9, 0.1), (0.9 - EPS, 0.1 - EPS), (0.9 + EPS, 0.1 + EPS)])
def test_the_sentence_holds_from_nine_tenths_and_falls_below_a_tenth(
    monkeypatch: pytest.MonkeyPatch, before: float, after: float
) -> None:
    def traced(attention: float) -> Any:
        pattern = torch.full((11, 11), attention, dtype=torch.float64)
        logits = torch.zeros(11, 17)
        logits[:, 3] = 1.0
        return SimpleNamespace(
            pattern=lambda _: pattern, labels=["x"] * 11, logits=logits, tokens=torch.full((1, 11), 3)
        )

    monkeypatch.setattr(claims, "run", lambda *_, **__: traced(before))
    monkeypatch.setattr(claims, "rerun", lambda *_: traced(after))
    held = [claim.holds for claim in claims._sentence(MODEL)]
    assert held == [before >= 0.9, True, after < 0.1]
