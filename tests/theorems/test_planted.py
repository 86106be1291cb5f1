"""Every number of the planted induction circuit, and that each variant changes what it must and nothing else."""

import planted as p
import pytest
import torch
from each import each
from torch import Tensor

from loadstore.execution.edits import Edit, ablate, cut
from loadstore.execution.run import run
from loadstore.heads.roles import head_roles, random_repeats
from loadstore.model.gauge import rotate_stream
from loadstore.model.ports import ov
from loadstore.model.weights import Weights
from loadstore.scores.scores import subspace_scores
from loadstore.sites import Head

PERIOD = 7
FLAT = 20**-0.5
SCHEMES = ("learned", "shortformer")


@pytest.fixture(params=SCHEMES)
def model(request: pytest.FixtureRequest) -> Weights:
    return p.planted(request.param)


def accuracy(model: Weights, tokens: Tensor, edits: list[Edit] | None = None) -> float:
    """Share of predictable next tokens whose logit is above all others; a tie is an error."""
    logits = run(model, tokens, edits or []).logits[:, -PERIOD:-1]
    target = tokens[:, -PERIOD + 1 :]
    best = logits.topk(2).values
    return float(((logits.argmax(-1) == target) & (best[..., 0] - best[..., 1] > 1e-6)).double().mean())


def role(model: Weights, head: str, name: str, period: int = PERIOD) -> float:
    return float(head_roles(model, random_repeats(model, 8, period))[name].sel(head=head))


def induction(model: Weights, edits: list[Edit]) -> float:
    """Attention of L1.H0, in the second copies, on what followed the first."""
    tokens = random_repeats(model, 8, PERIOD)
    return float(run(model, tokens, edits).pattern("L1.H0").diagonal(1 - PERIOD, 1, 2)[:, -PERIOD:].mean())


def score(model: Weights, writer: str, reader: str, measure: str = "score") -> float:
    return float(subspace_scores(model)[measure].sel(writer=writer, reader=reader))


def numbers(model: Weights) -> dict[str, float]:
    """What identifies the circuit."""
    head = ov(model, Head(1, 0))
    copying = model.W_E @ head.dense() @ model.W_U
    eigenvalues = torch.linalg.eigvals(copying)
    return {
        "previous token": role(model, "L0.H0", "previous"),
        "induction": role(model, "L1.H0", "induction"),
        "accuracy": accuracy(model, random_repeats(model, 8, PERIOD)),
        "L0 mean": accuracy(model, random_repeats(model, 8, PERIOD), [ablate("L0.H0")]),
        "L0 zero": accuracy(model, random_repeats(model, 8, PERIOD), [ablate("L0.H0", by="zero")]),
        "K": score(model, "L0.H0", "L1.H0.K"),
        "K alignment": score(model, "L0.H0", "L1.H0.K", "alignment"),
        "Q": score(model, "L0.H0", "L1.H0.Q"),
        "V": score(model, "L0.H0", "L1.H0.V"),
        "pos Q": score(model, "pos", "L0.H0.Q"),
        "pos K": score(model, "pos", "L0.H0.K"),
        "embed Q": score(model, "embed", "L0.H0.Q"),
        "embed V": score(model, "embed", "L0.H0.V"),
        "copying": float((copying.argmax(1) == torch.arange(p.VOCAB)).double().mean()),
        "copying eigenvalues": float(eigenvalues.real.sum() / eigenvalues.abs().sum()),
    }


BASE = {
    "previous token": 1.0,
    "induction": 1.0,
    "accuracy": 1.0,
    "L0 mean": 0.0,
    "L0 zero": 0.0,
    "K": FLAT,
    "K alignment": 1.0,
    "Q": 0.0,
    "V": 0.0,
    "pos Q": 0.25,
    "pos K": 0.25,
    "embed Q": 0.0,
    "embed V": FLAT,
    "copying": 1.0,
    "copying eigenvalues": 1.0,
}
HALF = 0.5 / (20 * 1.25) ** 0.5  # S takes amount/√(1 + amount²) of a V that reads E + amount · S
VARIANTS = {
    "itself": (lambda m: m, {}),
    "negated positions": (p.with_negated_positions, {}),
    "rotated basis": (lambda m: rotate_stream(m, p.rotation()), {}),
    "clean-up head": (p.with_clean_up, {}),
    "V-composition": (lambda m: p.with_v_composition(m, 0.5), {"V": HALF, "embed V1": 2 * HALF}),
    "transposed OV": (
        p.with_transposed_ov,
        {"induction": None, "accuracy": 0.0, "K": 0.0, "K alignment": None, "Q": FLAT, "V": FLAT, "embed V": 0.0},
    ),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_changes_its_own_numbers_and_no_other(model: Weights, variant: str) -> None:
    change, differences = VARIANTS[variant]
    changed = change(model)
    expected = BASE | differences
    found = numbers(changed) | {"embed V1": score(changed, "embed", "L1.H0.V")}
    for name, value in expected.items():
        if value is not None:
            assert found[name] == pytest.approx(value, abs=1e-9), f"{variant}: {name}"


PLANTED = {"pos → L0.H0.Q", "pos → L0.H0.K", "embed → L0.H0.V", "L0.H0 → L1.H0.K", "embed → L1.H0.Q"}
PLANTED |= {"embed → L1.H0.V", "L1.H0 → unembed"}
MORE = {
    "clean-up head": {"pos → L2.H0.Q", "pos → L2.H0.K", "L0.H0 → L2.H0.V"},
    "V-composition": {"L0.H0 → L1.H0.V"},
    "transposed OV": {"L0.H0 → L1.H0.Q", "L0.H0 → L1.H0.V"},
}
LESS = {"transposed OV": {"embed → L0.H0.V", "L0.H0 → L1.H0.K"}}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_planted_wire_is_better_aligned_than_every_other(model: Weights, variant: str) -> None:
    alignment = subspace_scores(VARIANTS[variant][0](model)).alignment.to_series().dropna()
    wires = {f"{writer} → {reader}": value for (writer, reader), value in alignment.items()}
    wanted = (PLANTED | MORE.get(variant, set())) - LESS.get(variant, set())
    worst = min(wires[name] for name in wanted)
    best = max(value for name, value in wires.items() if name not in wanted)
    assert worst > best + 0.5
    exact = {value for name, value in wires.items() if name in wanted and variant != "V-composition"}
    assert all(value == pytest.approx(1, abs=1e-9) for value in exact)
    assert best == pytest.approx(-1, abs=1e-9)  # what is not planted is avoided: another block of the stream


def test_transposing_the_ov_loses_induction(model: Weights) -> None:
    assert role(p.with_transposed_ov(model), "L1.H0", "induction") < 0.15


def test_noise_moves_every_number_a_little(model: Weights) -> None:
    found = numbers(p.with_noise(model, 0.01))
    for name, value in BASE.items():
        assert found[name] == pytest.approx(value, abs=0.1), name
    alignment = subspace_scores(p.with_noise(model, 0.01), writers="L0.H0").alignment[0]
    assert alignment.idxmax("reader").item() == "L1.H0.K"


@each(("stored", "read"), [(20, 20), (20, 5), (5, 20), (5, 5), (1, 1)])
def test_alignment_is_one_at_every_rank_while_the_score_is_not(model: Weights, stored: int, read: int) -> None:
    narrow = p.with_ranks(model, stored, read)
    assert score(narrow, "L0.H0", "L1.H0.K") == pytest.approx(max(stored, read) ** -0.5, abs=1e-10)
    assert score(narrow, "L0.H0", "L1.H0.K", "ceiling") == pytest.approx(max(stored, read) ** -0.5, abs=1e-10)
    assert score(narrow, "L0.H0", "L1.H0.K", "alignment") == pytest.approx(1, abs=1e-10)


def test_without_bos_the_first_repeat_ties(model: Weights) -> None:
    # The first token has no previous one and stores itself, so two keys match its repeat: 6/7 + ½/7 and 5 of 6.
    bare = p.planted(model.architecture.positions, bos=False)
    tokens = random_repeats(bare, 8, PERIOD)
    assert tokens.shape[1] == 2 * PERIOD
    assert accuracy(bare, tokens) == pytest.approx(5 / 6)
    assert role(bare, "L1.H0", "induction") == pytest.approx(13 / 14, abs=1e-9)
    assert run(bare, tokens).pattern("L1.H0")[:, PERIOD, :2] == pytest.approx(0.5, abs=1e-9)


def test_tokens_that_repeat_within_the_period_are_ambiguous(model: Weights) -> None:
    generator = torch.Generator().manual_seed(0)
    once = torch.randint(1, p.VOCAB, (1000, PERIOD), generator=generator)
    tokens = torch.cat([torch.full((1000, 1), p.BOS), once, once], 1)
    right = run(model, tokens).logits[:, -PERIOD:-1].argmax(-1) == tokens[:, -PERIOD + 1 :]
    assert float(right.double().mean()) == pytest.approx(0.88, abs=0.02)


@pytest.mark.parametrize("by", ["mean", "zero"])
def test_only_the_k_wire_carries_induction(model: Weights, by: str) -> None:
    tokens = random_repeats(model, 8, PERIOD)
    intact = run(model, tokens)
    assert induction(model, []) == pytest.approx(1, abs=1e-9)
    assert induction(model, [cut("L0.H0", "L1.H0.K", by=by)]) < 0.15
    assert accuracy(model, tokens, [cut("L0.H0", "L1.H0.K", by=by)]) == 0
    for side in "QV":
        edited = run(model, tokens, [cut("L0.H0", f"L1.H0.{side}", by=by)])
        assert (edited.logits - intact.logits).abs().max() < 1e-12


def test_with_v_composition_the_v_wire_carries_too(model: Weights) -> None:
    mixed = p.with_v_composition(model, 0.5)
    tokens = random_repeats(mixed, 8, PERIOD)
    edited = run(mixed, tokens, [cut("L0.H0", "L1.H0.V")])
    assert (edited.logits - run(mixed, tokens).logits).abs().max() > 0.1


def test_a_score_does_not_see_that_a_clean_up_head_erases_but_the_trace_does(model: Weights) -> None:
    cleaned = p.with_clean_up(model)
    assert score(cleaned, "L0.H0", "L2.H0.V") == pytest.approx(FLAT, abs=1e-10)
    assert score(cleaned, "L1.H0", "L2.H0.V") == pytest.approx(0, abs=1e-10)
    trace = run(cleaned, random_repeats(cleaned, 1, PERIOD))
    assert (trace.written("L2.H0") + trace.written("L0.H0")).abs().max() < 1e-9
    assert trace.residual(2)[..., p.S].norm() > 1
    assert trace.residual(3)[..., p.S].abs().max() < 1e-9


def test_contracting_the_input_axis_would_name_the_false_wire(model: Weights) -> None:
    # The orientation trap: the wrong axis also gives plausible numbers, on Q and V in place of K.
    A, layer = ov(model, Head(0, 0)).dense(), model.layers[1]
    W_QK = layer.W_Q[0] @ layer.W_K[0].mT
    for side, B in {"Q": W_QK, "K": W_QK.mT}.items():
        right, wrong = ((M @ B).norm() / (M.norm() * B.norm()) for M in (A, A.mT))
        assert score(model, "L0.H0", f"L1.H0.{side}") == pytest.approx(float(right), abs=1e-10)
        assert abs(float(right - wrong)) == pytest.approx(FLAT)


def test_a_wire_that_the_scheme_lacks_is_nan_and_not_zero() -> None:
    learned, shortformer = (score(p.planted(scheme), "pos", "L1.H0.V") for scheme in SCHEMES)
    assert learned == 0
    assert shortformer != shortformer


@pytest.mark.parametrize("variant", ["noise", "20 stored, 5 read", "5 stored, 20 read"])
def test_noise_and_unequal_ranks_leave_the_planted_wires_on_top(model: Weights, variant: str) -> None:
    changed = p.with_noise(model, 0.01) if variant == "noise" else p.with_ranks(model, *RANKS[variant])
    alignment = subspace_scores(changed).alignment.to_series().dropna()
    wires = {f"{writer} → {reader}": value for (writer, reader), value in alignment.items()}
    assert min(wires[name] for name in PLANTED) > max(value for name, value in wires.items() if name not in PLANTED)


RANKS = {"20 stored, 5 read": (20, 5), "5 stored, 20 read": (5, 20)}
