"""Ablation effects are differences of losses of plain edited runs."""

import numpy as np
import pytest
import torch
from each import each
from planted import planted
from tiny import KINDS, OTHER_HALF, Kind, few_with, some_tokens, tiny

from loadstore.causal import ablation
from loadstore.causal.ablation import ablation_effects
from loadstore.errors import BadPrompt, BadRequest, NoSuchSite
from loadstore.execution.edits import By, ablate
from loadstore.execution.run import run
from loadstore.heads.roles import random_repeats, second_copy_loss


@each(("kind", "by"), few_with(["mean", "zero"], of=OTHER_HALF), str)
def test_effects_on_tokens_are_differences_of_next_token_losses(kind: Kind, by: By) -> None:
    model, tokens = tiny(kind), some_tokens(tiny(kind), batch=4)
    result = ablation_effects(model, ["L1.H2", ("L0.H1", "L2.H0")], by=by, on=tokens)

    def losses(*heads: str) -> np.ndarray:
        logits = run(model, tokens, [ablate(head, by=by) for head in heads]).logits
        surprise = -logits.log_softmax(-1)[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0]
        return surprise.mean(1).numpy()

    for name, heads in (("L1.H2", ["L1.H2"]), ("L0.H1 + L2.H0", ["L0.H1", "L2.H0"])):
        change = losses(*heads) - losses()
        row = result.sel(head=name)
        assert float(row.effect) == pytest.approx(change.mean(), rel=1e-4, abs=1e-6)
        assert float(row.effect_se) == pytest.approx(change.std(ddof=1) / 2, rel=1e-4, abs=1e-6)
        assert float(row.loss) == pytest.approx(losses(*heads).mean(), rel=1e-5)
    assert float(result.intact) == pytest.approx(losses().mean(), rel=1e-5)


def test_on_repeats_the_loss_is_that_of_second_copies() -> None:
    model = planted()
    result = ablation_effects(model, sequences=6, seed=3)
    tokens = random_repeats(model, 6, seed=3)
    assert result["head"].values.tolist() == ["L0.H0", "L1.H0"]
    for head in ("L0.H0", "L1.H0"):
        edited = second_copy_loss(model, tokens, [ablate(head)])
        assert float(result.loss.sel(head=head)) == pytest.approx(edited, rel=1e-5)
    assert float(result.intact) == pytest.approx(second_copy_loss(model, tokens), rel=1e-5)
    assert (result.effect.values > 0.3).all()  # either head alone carries the circuit


def test_edits_are_made_in_both_runs() -> None:
    model, tokens = planted(), random_repeats(planted(), 5)
    result = ablation_effects(model, ["L0.H0"], by="zero", on=tokens, edits=[ablate("L1.H0", by="zero")])
    assert float(result.effect.sel(head="L0.H0")) == pytest.approx(
        0, abs=1e-6
    )  # nobody is left to read what L0.H0 stores


def test_one_sequence_has_no_error_and_progress_is_told() -> None:
    steps: list[tuple[int, int]] = []
    result = ablation_effects(planted(), sequences=1, progress=lambda done, total: steps.append((done, total)))
    assert np.isnan(result.effect_se.values).all()
    assert steps == [(1, 2), (2, 2)]


def test_batches_change_no_effect_of_zero_ablation(monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokens = tiny(KINDS[0]), some_tokens(tiny(KINDS[0]), batch=5)
    whole = ablation_effects(model, by="zero", on=tokens)
    monkeypatch.setattr(ablation, "LOGITS", 2 * tokens.shape[1] * 17)
    torch.testing.assert_close(ablation_effects(model, by="zero", on=tokens).effect.values, whole.effect.values)


def test_requests_that_cannot_be_are_refused() -> None:
    model = planted()
    with pytest.raises(NoSuchSite, match="Nearest"):
        ablation_effects(model, ["L7.H0"])
    with pytest.raises(BadRequest, match="no head"):
        ablation_effects(model, [])
    with pytest.raises(BadRequest, match="no head"):
        ablation_effects(model, [()])
    with pytest.raises(BadPrompt, match="nothing to predict"):
        ablation_effects(model, on=torch.tensor([[1]]))
    with pytest.raises(BadRequest, match="sequences=0"):
        ablation_effects(model, sequences=0)
