"""Three kinds of evidence side by side equal each kind alone; impossible corpora are refused."""

import math

import numpy as np
import planted
import pytest
import torch
from hostile import refusal
from tiny import KINDS, MODERN, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.corpora.corpus import read_corpus
from loadstore.errors import BadRequest, NoSuchSite, Undefined
from loadstore.wire_traffic.exact import reader_traffic
from loadstore.wire_traffic.moments import GROUPS

COUNT = 12  # documents


def texts(model: ls.Weights, count: int = 3) -> list[list[int]]:
    return [some_tokens(model, 1, 6 + i % 4, seed=i)[0].tolist() for i in range(count)]


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[5], *MODERN[:4]], ids=str)
def test_the_three_columns_are_the_three_measures(kind: Kind):
    model = tiny(kind)
    table = ls.wires(model, texts(model), effect=2)
    load, scores = ls.traffic(model, texts(model)), ls.subspace_scores(model)
    assert table.sizes["wire"] == int(np.isfinite(load.traffic.values).sum()) == table.attrs["wires"]
    for at, (writer, reader) in enumerate(zip(table["writer"].values, table["reader"].values, strict=True)):
        one = {"writer": writer, "reader": reader}
        assert table.traffic.values[at] == float(load.traffic.sel(one))
        assert table.alignment.values[at] == pytest.approx(float(scores.alignment.sel(one)), nan_ok=True)
    for kind_of_reader in ("Q", "K", "V", "unembed"):
        some = table.isel(wire=table["kind"].values == kind_of_reader)
        assert (np.diff(some.traffic.values) <= 0).all()
        assert np.isfinite(some.change.values).sum() == 2
        assert np.isfinite(some.change.values[:2]).all()


def test_where_keeps_the_numbers_of_the_wires_it_names():
    model = tiny(KINDS[0])
    table = ls.wires(model, texts(model), effect=1, top=1, where=["L0.H1 -> L1.*.K", "embed -> L1.H0.Q"])
    load = ls.traffic(model, texts(model)).traffic
    keys = [name for name in load["reader"].values if name.startswith("L1.") and name.endswith("K")]
    assert table.attrs["wires"] == len(keys) + 1
    assert set(table["writer"].values) == {"L0.H1", "embed"}
    for writer, reader, value in zip(table["writer"].values, table["reader"].values, table.traffic.values, strict=True):
        assert value == pytest.approx(float(load.sel(writer=writer, reader=reader)))
    assert np.isfinite(table.change.values).all()


def test_an_effect_on_a_corpus_is_the_mean_over_its_tokens():
    model = tiny(MODERN[0])
    one = ls.wires(model, [texts(model)[0]], readers="L1.H0.Q", effect=1, top=1)
    trace = ls.run(model, texts(model)[0], [ls.cut(one["writer"].item(), "L1.H0.Q")], record=True)
    was = ls.run(model, texts(model)[0]).pattern("L1.H0")
    assert one.change.item() == pytest.approx(float(0.5 * (was - trace.pattern("L1.H0")).abs().sum(-1).mean()))


def test_one_document_is_the_traffic_of_its_run_and_has_no_error():
    model = tiny(KINDS[2])
    ids = texts(model)[0]
    table = ls.traffic(model, [ids], readers="L1.H1.K", exact=True)
    for writer, value in reader_traffic(ls.run(model, ids), "L1.H1.K").items():
        assert float(table.traffic.sel(writer=writer, reader="L1.H1.K")) == pytest.approx(value, abs=1e-7)
    assert np.isnan(table.standard_error.values).all()


@pytest.mark.parametrize("exact", [False, True])
def test_standard_errors_are_those_of_leaving_documents_out(exact: bool):
    """The first-order error agrees with the jackknife where there are many documents of one size."""
    model = tiny(MODERN[2])
    documents = [some_tokens(model, 1, 8, seed=i)[0].tolist() for i in range(COUNT)]
    readers = ["L1.H1.K", "L2.H0.Q", "L1.mlp"]
    kept = ls.statistics.moments(model, read_corpus(model, documents))
    told = ls.traffic(model, kept, readers=readers, exact=exact).standard_error.values
    left = np.array(
        [
            ls.traffic(model, documents[:i] + documents[i + 1 :], readers=readers, exact=exact).traffic.values
            for i in range(len(documents))
        ]
    )
    jackknife = np.sqrt(np.square(left - left.mean(0)).sum(0) * (COUNT - 1) / COUNT)
    exists = np.isfinite(told) & (told > 0)
    ratio = told[exists] / jackknife[exists]
    assert 0.9 < np.median(ratio) < 1.1
    assert (abs(np.log(ratio)) < 0.5).all()


def test_more_documents_than_groups_are_put_together():
    model = tiny(KINDS[0])
    documents = texts(model, GROUPS + 8)
    kept = ls.statistics.moments(model, read_corpus(model, documents))
    assert kept.groups == GROUPS
    assert kept.documents == GROUPS + 8
    assert np.isfinite(ls.traffic(model, kept, readers="L1.H0.Q").standard_error.values[0]).all()


def test_the_planted_wire_carries_and_the_others_do_not():
    model = planted.planted()
    ids = torch.randint(1, 20, (6, 15), generator=torch.Generator().manual_seed(0))
    table = ls.wires(model, ids, readers="L1.H0.K", effect=3)
    assert table["writer"].values[0] == "L0.H0"
    assert table.traffic.values[0] > 100 * max(table.traffic.values[1:])


def test_a_constant_carries_nothing():
    model = tiny(KINDS[2])
    found = ls.traffic(model, texts(model), writers="L0.bias", readers="L1.H0.Q")
    assert found.traffic.item() == found.share.item() == 0


def test_covariances_are_kept_and_used_again():
    model = tiny(MODERN[0])
    kept = ls.statistics.moments(model, read_corpus(model, texts(model)))
    assert ls.traffic(model, kept).equals(ls.traffic(model, texts(model)))
    covariance = kept.covariance("L0.mlp", "L1.H0.Q")
    assert torch.allclose(covariance, covariance.mT)
    assert float(torch.linalg.eigvalsh(covariance)[0]) > -1e-9


def test_moments_for_some_readers_are_those_of_all_of_them():
    model = tiny(MODERN[0])
    corpus = read_corpus(model, texts(model))
    some = ls.statistics.moments(model, corpus, readers=["L1.H0.K", "L2.mlp"])
    assert some.layers == {1}
    readers = ["L1.*.Q", "L1.*.K", "*.V", "*.mlp", "unembed"]
    assert ls.traffic(model, some, readers=readers).equals(ls.traffic(model, texts(model), readers=readers))
    assert ls.traffic(model, texts(model), readers="L1.H0.K").equals(ls.traffic(model, some, readers="L1.H0.K"))
    refusal(lambda: ls.traffic(model, some, readers="L2.H0.Q"), Undefined, "L2.H0.Q")


def test_what_cannot_be_is_told():
    model = tiny(KINDS[0])
    refusal(lambda: ls.traffic(model, []), BadRequest, "no documents")
    refusal(lambda: ls.traffic(model, "no/such/folder"), BadRequest, "no/such/folder")
    refusal(lambda: ls.traffic(model), Undefined, "token")
    refusal(lambda: ls.traffic(model, texts(model), readers="L9.H0.Q"), NoSuchSite, "L9.H0.Q")
    refusal(lambda: ls.wires(model, texts(model), effect=-1), BadRequest, "effect=-1")
    assert math.isnan(float(ls.traffic(model, texts(model)).traffic.sel(writer="L1.H0", reader="L1.H1.Q")))
