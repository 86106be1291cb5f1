"""A dossier's numbers are those of the analyses, and it finds the planted circuit and nothing beside it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import VOCAB, planted, with_noise
from tiny import FEW, HALF, Kind, some_tokens, tiny

from loadstore.checkpoints.library import load
from loadstore.errors import BadRequest, NoSuchSite
from loadstore.evidence.dossier import LEVEL, SAMPLE, dossier, held_out
from loadstore.evidence.head_facts import participation
from loadstore.heads.roles import head_roles
from loadstore.scores.scores import subspace_scores


@pytest.mark.parametrize("kind", HALF, ids=str)
def test_wires_are_those_of_the_scores_and_above_after_bonferroni(kind: Kind) -> None:
    model = tiny(kind)
    found = dossier(model, "L1.H2", text=some_tokens(model, batch=3), sequences=3)
    scores = subspace_scores(model)
    for side in "QKV":
        column = scores.sel(reader=f"L1.H2.{side}").dropna("writer", subset=["alignment"])
        wires = found.side(side)
        assert {wire.writer for wire in wires} == {str(name) for name in column["writer"].values}
        assert [wire.alignment for wire in wires] == sorted((wire.alignment for wire in wires), reverse=True)
        for wire in wires:
            assert wire.p == pytest.approx(float(column.p.sel(writer=wire.writer)))
            assert wire.above == (wire.p < LEVEL / column.sizes["writer"])
            assert wire.alignment > 0 or not wire.above
    row = scores.sel(writer="L1.H2").dropna("reader", subset=["alignment"])
    assert {wire.reader for wire in found.readers} == {str(name) for name in row["reader"].values}
    assert (found.matched == ()) == (kind.positions == "rotary")
    assert ("offset=" in found.unmatched) == (kind.positions == "rotary")
    assert {effect.on for effect in found.ablation} == {"second copies of random repeats", "text"}


def test_the_planted_induction_head_is_told_from_its_parts() -> None:
    found = dossier(planted(), "L1.H0")
    role = {score.role: score.score for score in found.roles}
    assert role["induction"] == pytest.approx(1, abs=1e-6)
    assert found.side("K")[0].writer == "L0.H0"
    assert found.side("K")[0].above
    assert found.readers[0].reader == "unembed"
    assert found.readers[0].above
    assert found.accuracy == ((1, 1.0), (5, 1.0))
    assert found.participation == pytest.approx(VOCAB)
    assert found.ablation[0].effect > 0.3
    assert {score.on for score in found.roles} == {"random repeats"}  # no text was given and none is built in


def test_a_random_head_reads_and_stores_nothing_above_chance() -> None:
    generator = torch.Generator().manual_seed(5)
    model = planted().map(lambda w: torch.randn(w.shape, generator=generator, dtype=w.dtype))
    found = dossier(model, "L1.H0", sequences=2)
    assert not any(wire.above for wire in (*found.reads, *found.readers))
    assert found.participation == pytest.approx(participation(found.structureless), rel=0.1)


def test_the_structureless_spectrum_has_the_same_norm_and_is_flatter_than_a_rank_one_head() -> None:
    found = dossier(with_noise(planted(), 0.01), "L1.H0", sequences=2)
    np.testing.assert_allclose(np.square(found.singular_values).sum(), np.square(found.structureless).sum(), rtol=1e-9)
    assert participation((2.0, 0.0, 0.0)) == 1
    assert participation((2.0, 2.0)) == 2
    assert np.isnan(participation((0.0,)))


def test_what_is_matched_and_moved_has_words() -> None:
    found = dossier(planted(), "L1.H0", top=3, sequences=2)
    assert len(found.moved) == len(found.matched) == 3
    assert {name for token in found.moved for name in token.promotes} <= {"⊢", *"abcdefghijklmnopqrs"}
    assert found.moved[0].norm == pytest.approx(1)


def test_a_head_that_does_not_exist_is_named_with_the_nearest() -> None:
    with pytest.raises(NoSuchSite, match=r"Nearest: L1\.H0"):
        dossier(planted(), "L4.H0")


def test_held_out_text_belongs_to_the_builtin_model_alone() -> None:
    assert held_out(planted()) is None
    text = held_out(load())
    assert text is not None
    assert text.shape == (SAMPLE, 256)


def test_results_that_are_there_already_change_nothing():
    model = load("builtin")
    few = {"sequences": 8}
    found = dossier(model, "L0.H4", **few)
    known = dossier(model, "L0.H4", **few, roles=head_roles(model, **few), scores=subspace_scores(model))
    assert known.roles == found.roles
    for mine, theirs in ((known.reads, found.reads), (known.readers, found.readers)):
        assert [(w.writer, w.reader, w.above) for w in mine] == [(w.writer, w.reader, w.above) for w in theirs]
        assert [w.alignment for w in mine] == pytest.approx([w.alignment for w in theirs], abs=1e-9)
    assert all(abs(effect.effect) < 0.05 for effect in found.ablation)  # as docs/article.md says of it
    assert abs(found.ablation[0].effect) < 2 * found.ablation[0].error


def test_tables_of_another_model_or_kind_are_refused() -> None:
    model = tiny(FEW[0])
    other = replace(model, name="another")
    for given in (
        {"scores": subspace_scores(other)},
        {"scores": subspace_scores(model, readers="L0.*")},
        {"scores": head_roles(model, sequences=2)},
        {"roles": head_roles(other, sequences=2)},
        {"roles": subspace_scores(model)},
    ):
        with pytest.raises(BadRequest, match=rf"{next(iter(given))}: expected a result of .* on {model.name}"):
            dossier(model, "L1.H2", **given)
