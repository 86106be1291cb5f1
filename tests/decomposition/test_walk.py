"""A walk is the address's contrast by pairs of writers: its margins are the shares, its sum what the run recorded."""

import numpy as np
import pytest
import xarray as xr
from each import each
from tiny import FEW, HALF, KINDS, OTHER_HALF, Kind, few_with, some_tokens, tiny

import loadstore as ls
from loadstore.decomposition.decomposition import score_parts
from loadstore.decomposition.logits import logit_parts
from loadstore.decomposition.walk import walk
from loadstore.errors import BadRequest, Undefined

AT = 6


def trace_of(kind: Kind) -> ls.Trace:
    model = tiny(kind)
    return ls.run(model, some_tokens(model, batch=1)[0])


@each(("kind", "about"), few_with(["most", "row", 5, (5, 4)], of=HALF), str)
def test_margins_are_shares_and_the_sum_is_the_recorded_contrast(kind: Kind, about):
    found = walk(trace_of(kind), "L1.H2", AT, about=about)
    assert abs(found.parts.attrs["remainder"]) < 1e-10 * float(np.abs(found.parts.values).max())
    margins = {"Q": found.share.sum("key_writer"), "K": found.share.sum("query_writer")}
    for side, margin in margins.items():
        shares = found.address.shares[side]
        assert list(margin.values) == pytest.approx([shares[str(n)] for n in margin[margin.dims[0]].values], abs=1e-9)


@each("kind", FEW, str)
def test_parts_are_those_of_the_scores(kind: Kind):
    trace = trace_of(kind)
    found = walk(trace, "L2.H0", AT, about=5)
    first = found.address.first
    scores = score_parts(trace, "L2.H0").isel(query=AT, key=slice(first, AT + 1))
    weights = xr.DataArray([float(j == 5) - 1 / (AT + 1 - first) for j in range(first, AT + 1)], dims="key")
    expected = (scores * weights).sum("key").sel(found.parts.coords)
    np.testing.assert_allclose(found.parts.values, expected.values, atol=1e-10 * float(np.abs(expected).max()))


def test_one_key_is_no_choice_and_says_so():
    found = walk(trace_of(KINDS[0]), "L1.H2", 0)
    assert np.isnan(found.share.values).all()
    assert "one key" in str(found)


def test_it_tells_its_strongest_pair():
    found = walk(trace_of(KINDS[0]), "L1.H2", AT)
    i, j = np.unravel_index(int(np.abs(found.parts.values).argmax()), found.parts.shape)
    names = found.parts["query_writer"].values[i], found.parts["key_writer"].values[j]
    assert f"{names[0]} on Q with {names[1]} on K" in str(found)


def test_a_key_that_is_not_there_is_refused():
    with pytest.raises(Undefined, match="no token 9: the prompt has tokens 0 to 8"):
        walk(trace_of(KINDS[0]), "L1.H2", AT, about=9)


@each(("kind", "by_source"), few_with([False, True], of=OTHER_HALF), str)
def test_log_odds_are_the_difference_of_two_logits(kind: Kind, by_source: bool):
    trace = trace_of(kind)
    both = logit_parts(trace, AT, 3, against=5, by_source=by_source)
    one, other = (logit_parts(trace, AT, token, by_source=by_source) for token in (3, 5))
    np.testing.assert_allclose(both.values, (one - other).values, atol=1e-10 * float(np.abs(one).max()))
    assert abs(both.attrs["remainder"]) < 1e-9
    assert both.attrs["against"] == 5


def test_a_token_against_itself_is_refused():
    with pytest.raises(BadRequest, match="compared with itself"):
        logit_parts(trace_of(KINDS[0]), AT, 3, against=3)
