"""What emerges over a run's checkpoints: each measure, when it formed, and how runs differ."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from each import each
from emerged import RECIPE, small_run

import loadstore as ls
from loadstore.checkpoints.families.own import save_weights
from loadstore.errors import BadRequest
from loadstore.figures.emergence import emergence_figure
from loadstore.sites import Head
from loadstore.training.batches import Batch
from loadstore.training.checkpoints import kept_checkpoints
from loadstore.training.onset import MEASURES, interval, order, over_runs, with_onsets
from loadstore.training.stage import Pair, eventual_pair, losses, of_heads, of_pair, places
from loadstore.views.base import plain

BUILTIN = ls.load("builtin")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("run"))


def table(seed: int, *, scale: int = 1, heads: tuple[str, ...] = ("L0.H0", "L1.H0")) -> xr.Dataset:
    """Measures that make their way between 100 and 500 tokens times a scale; alignment does not rise."""
    rise = np.array([0.0, 0.0, 1.0, 1.0])
    data = {name: ("step", 2 - rise if name in ("loss", "second_copy", "in_context") else rise) for name in MEASURES}
    of_head = {
        name: (("step", "head"), np.stack([rise] * len(heads), 1)) for name in ("previous", "induction", "copying")
    }
    tokens = ("step", np.array([0, 100, 500, 900]) * scale)
    return with_onsets(
        xr.Dataset(
            data | of_head | {"alignment": ("step", -rise)},
            coords={"step": [0, 1, 5, 9], "tokens": tokens, "head": list(heads)},
            attrs={"previous_head": heads[0], "induction_head": heads[-1], "seed": seed},
        )
    )


def test_the_pair_of_the_built_in_model_is_found_with_its_wire() -> None:
    pair = eventual_pair(BUILTIN)
    assert pair is not None
    assert pair.previous == Head(0, 7)
    assert pair.induction in (Head(1, 4), Head(1, 10))
    measured = of_pair(BUILTIN, pair, 6)
    assert measured["alignment"] == pytest.approx(
        float(ls.subspace_scores(BUILTIN, writers="L0.H7", readers=f"{pair.induction}.K").alignment.item())
    )
    assert measured["effect"] > 0.4  # of its attention
    assert measured["attribution"] > 1.0
    assert measured["second_copy"] < 0.2
    other = of_pair(BUILTIN, Pair(Head(0, 3), pair.induction), 6)
    assert abs(other["effect"]) < 0.1


def test_copying_and_roles_are_those_of_every_head() -> None:
    scores = of_heads(BUILTIN)
    names = [str(head) for head in BUILTIN.architecture.heads]
    at = names.index("L1.H4")
    assert scores["copying"][at] == pytest.approx(ls.vocabulary.copying(BUILTIN, "L1.H4").eigenvalue_score.item())
    assert scores["induction"][at] > 0.9


@each(("length", "early", "late"), [(512, 50, 500), (256, 25, 250), (64, 6, 62), (1, 1, 1)])
def test_olssons_tokens_are_taken_at_the_same_share_of_a_sequence(length: int, early: int, late: int) -> None:
    assert places(length) == (early - 1, late - 1)


def test_losses_are_of_the_batch_and_of_its_early_and_late_tokens() -> None:
    tokens = torch.randint(1, 4096, (3, 64), generator=torch.Generator().manual_seed(1))
    targets = torch.randint(1, 4096, (3, 64), generator=torch.Generator().manual_seed(2))
    weight = torch.zeros(3, 64)
    weight[:, 10] = 2.0
    found = losses(BUILTIN, Batch(tokens, targets, weight, weight > 0))
    each = -ls.run(BUILTIN, tokens).logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0].mean(0)
    assert found["loss"] == pytest.approx(float(each[10]), abs=1e-4)
    assert found["early_loss"] == pytest.approx(float(each[5]), abs=1e-4)
    assert found["in_context"] == pytest.approx(float(each[61] - each[5]), abs=1e-4)


def test_a_run_is_measured_over_its_checkpoints(run: Path) -> None:
    calls: list[tuple[int, int]] = []
    found = ls.experiments.emergence(run, pairs=3, progress=lambda done, of: calls.append((done, of)))
    assert found.step.values.tolist() == [0, 1, 2, 4, 6]
    assert found.tokens.values.tolist() == [step * 8 * 24 for step in (0, 1, 2, 4, 6)]
    assert found.induction.dims == found.copying.dims == ("step", "head")
    assert set(MEASURES) <= set(found)
    assert all(np.isfinite(found[name]).all() for name in MEASURES)
    assert (calls[0], calls[-1]) == ((0, 5), (5, 5))
    last = ls.load(kept_checkpoints(run)[-1].path)
    assert found.induction.values[-1] == pytest.approx(ls.head_roles(last, sequences=16).induction.values)
    assert found.loss.values[0] == pytest.approx(np.log(RECIPE.vocab), abs=0.1)
    assert json.dumps(plain(emergence_figure(found).views), allow_nan=False)


def test_a_measure_forms_between_a_tenth_and_nine_tenths_of_its_way_up_or_down() -> None:
    found = table(1)
    assert found.onset.sel(measure="previous").values.tolist() == pytest.approx([140, 300, 460])
    assert found.onset.sel(measure="loss").values.tolist() == pytest.approx([140, 300, 460])
    assert np.isnan(found.onset.sel(measure="alignment").values).all()
    assert order(found).startswith("half of the way, in tokens: ")
    assert "alignment" not in order(found)


def test_several_runs_have_a_geometric_mean_and_students_interval() -> None:
    found = over_runs([table(seed, scale=2**seed) for seed in range(4)], list("abcd"))
    middle = found.sel(measure="traffic", share=0.5)
    assert float(middle.typical_onset) == pytest.approx(300 * 2**1.5)
    half = 3.182 * np.sqrt(5 / 3) / 2  # Student's t of 3 degrees of freedom; logs 0, 1, 2, 3
    assert float(middle.onset_low) == pytest.approx(300 * 2 ** (1.5 - half), rel=0.02)
    assert float(middle.onset_high) == pytest.approx(300 * 2 ** (1.5 + half), rel=0.02)
    assert float(found.lead.sel(earlier="traffic", later="effect")) == 0
    assert found.tokens.dims == ("run", "step")
    assert found.seed.values.tolist() == [0, 1, 2, 3]
    assert [one.name for one in emergence_figure(found).views[0].series] == ["seed 0", "seed 1", "seed 2", "seed 3"]
    assert np.isnan(interval(np.zeros((3, 2)))[1]).all()  # too few for an interval
    with pytest.raises(BadRequest, match="models with different heads"):
        over_runs([table(0), table(1, heads=("L0.H0", "L1.H0", "L1.H1"))], list("ab"))


def test_runs_that_cannot_be_measured_are_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(BadRequest, match="keeps no checkpoints"):
        ls.experiments.emergence(tmp_path)
    with pytest.raises(BadRequest, match="give the folder of at least one run"):
        ls.experiments.emergence([])
    first = tmp_path / "checkpoints" / "step-000000.safetensors"
    first.write_bytes(kept_checkpoints(run)[0].path.read_bytes())
    with pytest.raises(BadRequest, match="keeps one checkpoint; train on"):
        ls.experiments.emergence(tmp_path)
    save_weights(BUILTIN, tmp_path / "checkpoints" / "step-000001.safetensors")
    with pytest.raises(BadRequest, match="is not a checkpoint that a run kept"):
        ls.experiments.emergence(tmp_path)


def test_one_layer_has_no_pair_and_nothing_is_measured_of_it() -> None:
    shape = replace(BUILTIN.architecture, n_layers=1)
    model = replace(BUILTIN, layers=BUILTIN.layers[:1], architecture=shape)
    assert eventual_pair(model) is None
    measured = of_pair(model, None, 6)
    assert measured["second_copy"] > 1
    assert all(math.isnan(measured[name]) for name in ("alignment", "traffic", "effect", "attribution"))
