"""p_heads is the p of a permutation of the heads of both layers."""

import itertools

import numpy as np
import pytest
from tiny import FEW, HALF, KINDS, Kind, tiny

import loadstore as ls
from loadstore.model.gauge import permute_heads
from loadstore.model.wiring import wiring
from loadstore.scores.measures import OF_A_WIRE
from loadstore.scores.scores import subspace_scores
from loadstore.scores.siblings import among_heads

KEYS_A_HEAD = [kind for kind in FEW if not kind.kv]
OF_EVERY_SIDE = list(zip(KEYS_A_HEAD, "QKVKQVK", strict=True))


@pytest.mark.parametrize(("kind", "side"), OF_EVERY_SIDE, ids=str)
def test_it_is_the_share_of_all_renumberings_that_align_at_least_as_well(kind: Kind, side: str) -> None:
    model, wire = tiny(kind), {"writers": "L0.H1", "readers": f"L2.H0.{side}"}
    found = subspace_scores(model, **wire, null="heads")
    reached = [
        subspace_scores(permute_heads(permute_heads(model, 0, one), 2, other), **wire).alignment.item()
        for one in itertools.permutations(range(3))
        for other in itertools.permutations(range(3))
    ]
    expected = np.mean(np.array(reached) >= found.alignment.item() - 1e-9)
    assert found.p_heads.item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", HALF, ids=str)
def test_it_ranks_all_pairs_of_a_side_and_exists_for_heads_alone(kind: Kind) -> None:
    model = tiny(kind)
    table, network, n = subspace_scores(model, null="heads"), wiring(model), kind.n_heads
    heads = [w for w in table["writer"].values if ".H" in w]
    sides = [r for r in table["reader"].values if ".H" in r]
    assert np.isnan(table.p_heads.drop_sel(writer=heads)).all()
    assert np.isnan(table.p_heads.drop_sel(reader=sides)).all()
    for below, above in ((0, 1), (0, 2), (1, 2)):
        for side in "QKV":
            block = table.p_heads.sel(
                writer=[f"L{below}.H{i}" for i in range(n)], reader=[f"L{above}.H{i}.{side}" for i in range(n)]
            )
            np.testing.assert_allclose(np.sort(block.values.ravel()), np.arange(1, n * n + 1) / n**2, atol=1e-12)
    unconnected = [(w, r) for w in heads for r in sides if not network.connects(network.writer(w), network.reader(r))]
    assert unconnected
    assert all(np.isnan(table.p_heads.sel(writer=w, reader=r)) for w, r in unconnected)


@pytest.mark.parametrize("kind", FEW[::3], ids=str)
def test_it_does_not_depend_on_the_wires_that_are_asked_for_and_changes_no_other_number(kind: Kind) -> None:
    model = tiny(kind)
    whole = subspace_scores(model, null="heads")
    asked = {"writers": ["L0.H2", "embed"], "readers": ["L1.H1.K", "L2.H0.V", "unembed"]}
    some, plain = subspace_scores(model, **asked, null="heads"), subspace_scores(model, **asked)
    assert "p_heads" not in plain
    assert some.sizes == plain.sizes
    np.testing.assert_array_equal(some.p_heads, whole.p_heads.sel(writer=some["writer"], reader=some["reader"]))
    for name in (*OF_A_WIRE, "q", "relative"):
        np.testing.assert_allclose(some[name], plain[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_ties_count_and_what_has_no_alignment_does_not() -> None:
    network = wiring(tiny(KINDS[0], n_heads=2))
    writers = [network.writer(f"L0.H{i}") for i in range(2)]
    readers = [network.reader(f"L1.H{i}.K") for i in range(2)]
    found = among_heads(writers, readers, np.array([[0.5, 0.5 + 1e-12], [np.nan, 0.1]]))
    np.testing.assert_array_equal(found, [[2 / 3, 2 / 3], [np.nan, 1.0]])
    assert np.isnan(among_heads(writers, readers, np.full((2, 2), np.nan))).all()


def test_the_previous_token_head_stands_out_among_its_siblings_in_the_built_in_model() -> None:
    table = subspace_scores(
        ls.load("builtin"), writers="L0.H7", readers=["L1.H4.K", "L1.H10.K", "L1.H4.Q"], null="heads"
    )
    best = table.p_heads.sel(reader=["L1.H4.K", "L1.H10.K"]).values.ravel()
    assert (best <= 3 / 144).all()
    assert table.p_heads.sel(reader="L1.H4.Q").item() > 0.1
