"""Several globs ask for the wires of each."""

import numpy as np
import pytest
from tiny import KINDS, tiny

import loadstore as ls
from loadstore.errors import BadRequest, NoSuchSite


def test_several_globs_are_one_table_in_depth_order() -> None:
    model = tiny(KINDS[0])
    whole = ls.subspace_scores(model)
    some = ls.subspace_scores(model, readers=["L2.H0.V", "L1.*.K", "L1.H0.K"], writers=["L0.*", "embed"])
    assert some["reader"].values.tolist() == ["L1.H0.K", "L1.H1.K", "L1.H2.K", "L2.H0.V"]
    assert some["writer"].values.tolist() == ["embed", "L0.H0", "L0.H1", "L0.H2"]
    picked = whole.sel(writer=some["writer"], reader=some["reader"])
    for name in ("score", "z", "p", "alignment"):
        np.testing.assert_allclose(some[name].values, picked[name].values, rtol=1e-9, atol=1e-12)


def test_each_glob_must_match() -> None:
    with pytest.raises(NoSuchSite, match=r"L9\.\*"):
        ls.subspace_scores(tiny(KINDS[0]), readers=["L1.*", "L9.*"])


def test_a_long_glob_of_wires_is_cut_in_the_message():
    with pytest.raises(BadRequest, match="expected 'WRITERS -> READERS'") as caught:
        ls.subspace_scores(tiny(KINDS[0]), where="a b " * 25_000)
    assert len(str(caught.value)) < 200
