"""The loads of one store: shares are the address's and sum to one with const; traffic by hand; no load, no number."""

import math

import numpy as np
import planted
import pytest
import torch
from each import each
from tiny import FEW, HALF, KINDS, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.decomposition.decomposition import reader_parts
from loadstore.errors import NoSuchSite, Undefined
from loadstore.execution.trace import Trace
from loadstore.model.ports import heads_out
from loadstore.model.wiring import wiring
from loadstore.sites import CONST, SIDES, Head, Reader

LENGTH = 4


def traced(kind: Kind) -> Trace:
    model = tiny(kind)
    return ls.run(model, some_tokens(model, batch=1, length=LENGTH)[0])


@each("kind", HALF, str)
def test_shares_over_all_tokens_are_those_of_the_address_and_totals_their_sums(kind: Kind) -> None:
    trace = traced(kind)
    totals = ls.parts.load_totals(trace)
    summed: dict[str, np.ndarray] = {}
    whole = np.full((len(trace.weights.architecture.heads), len(SIDES), LENGTH), np.nan)
    for writer in wiring(trace.weights).writers:
        summed[str(writer)] = np.zeros(whole.shape)
        for at in range(LENGTH):
            found = ls.parts.store_loads(trace, writer, at)
            shares = np.nan_to_num(found.share.values)
            assert float(totals.sel(writer=str(writer), token=at)) == pytest.approx(shares.sum(), abs=1e-8)
            summed[str(writer)] += shares
            whole = np.where(np.isnan(whole), found["whole"].values, whole)
    seen = 0
    for place, head in enumerate(trace.weights.architecture.heads):
        if head not in (Head(0, 1), Head(2, 0)):
            continue
        for query in range(LENGTH):
            known = ls.address(trace, head, query, about="row")
            for number, side in enumerate(SIDES):
                mine = {writer: values[place, number, query] for writer, values in summed.items()}
                if side in known.undefined:
                    assert not any(mine.values())
                    continue
                expected = dict(known.shares[side])
                const = expected.pop(CONST)
                missing = {writer: 0.0 for writer in mine if writer not in expected}  # writers without a wire
                assert mine == pytest.approx(expected | missing, rel=1e-7, abs=1e-8)
                assert math.fsum([*mine.values(), const]) == pytest.approx(1, abs=1e-8)
                seen += 1
            row = trace.pattern(head)[query, known.first : query + 1].double()
            scores = trace.scores(head)[query, known.first : query + 1].double()
            sinks = trace.weights.layers[head.layer].sinks
            if sinks is not None:  # one more key
                row, scores = torch.cat([row, 1 - row.sum()[None]]), torch.cat([scores, sinks[head.index][None]])
            assert whole[place, 1, query] == pytest.approx(float((row - 1 / len(row)) @ scores), rel=1e-9, abs=1e-9)
    assert seen >= 2 * (2 * (LENGTH - 1) + LENGTH) - 2  # one key leaves Q and K nothing to choose


@each("kind", FEW[1::3], str)
def test_traffic_is_the_spread_of_scores_and_the_length_of_what_is_stored(kind: Kind) -> None:
    trace, at = traced(kind), 2
    scale = trace.weights.architecture.attention_scale
    writers = wiring(trace.weights).writers
    for writer in (writers[0], writers[-1]):
        found = ls.parts.store_loads(trace, writer, at)
        for place, side, query in np.argwhere(np.isfinite(found.share.values)).tolist():
            head = trace.weights.architecture.heads[place]
            reader = Reader(head.layer, head.index, SIDES[side])
            part = reader_parts(trace, reader)[str(writer)][0, at]
            row, record = trace.pattern(head)[query], trace.record.layers[head.layer]
            if reader.side == "V":
                out = heads_out(trace.weights, head.layer)[head.index]
                expected = float(record.mixing[0, head.index, query, at] * (part @ out).norm())
                output = record.z[0, query, head.index] @ out
                assert float(found["whole"][place, side, query]) == pytest.approx(float(output.square().sum()))
            else:
                scores = torch.zeros(LENGTH, dtype=torch.float64)
                if reader.side == "K":
                    scores[at] = record.q[0, query, head.index] @ part * scale
                else:
                    scores = record.k[0, :, head.index] @ part * scale
                expected = float((row @ scores.square() - (row @ scores) ** 2).clamp(min=0).sqrt())  # with a sink's 0
            assert float(found.traffic[place, side, query]) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_what_is_not_loaded_has_no_number() -> None:
    trace = ls.run(planted.planted("shortformer"), [planted.BOS, 3, 7, 5, 3])
    found = ls.parts.store_loads(trace, "L0.H0", at=-2)
    assert found.attrs["at"] == 3
    assert found["token"].values.tolist() == trace.labels
    assert found.sel(head="L0.H0").isnull().all()  # its own layer does not load it
    later = found.sel(head="L1.H0")
    assert np.isfinite(later.traffic.sel(side="K")).values.tolist() == [False, False, False, True, True]
    assert np.isfinite(later.traffic.sel(side="Q")).values.tolist() == [False, False, False, True, False]
    position = ls.parts.store_loads(trace, "pos", at=1)  # bypasses the norm and reaches no V
    assert position.sel(side="V").isnull().all()
    assert float(found.share.sel(head="L1.H0", side="K", query=4)) < float(
        ls.parts.store_loads(trace, "L0.H0", at=2).share.sel(head="L1.H0", side="K", query=4)
    )  # the planted circuit finds 7 by what was stored there


def test_totals_count_the_loads_of_a_model_without_constants() -> None:
    trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat on the log.")
    heads, tokens = 24, trace.tokens.shape[1]
    totals = ls.parts.load_totals(trace)
    assert float(totals.sum()) == pytest.approx(heads * (tokens + 2 * (tokens - 1)), abs=1e-3)
    assert not totals.sel(writer=[f"L1.H{index}" for index in range(12)]).any()


def test_what_has_no_shares_is_refused() -> None:
    model = tiny(KINDS[0])
    cut = ls.run(model, [3, 1, 4], [ls.cut("embed", "L1.H0.K")])
    batch = ls.run(model, torch.tensor([[3, 1, 4], [1, 5, 9]]))
    for trace, reason in ((cut, "cuts"), (batch, "batch")):
        with pytest.raises(Undefined, match=reason):
            ls.parts.store_loads(trace, "embed", 1)
        with pytest.raises(Undefined, match=reason):
            ls.parts.load_totals(trace)
    with pytest.raises(NoSuchSite):
        ls.parts.store_loads(ls.run(model, [3, 1, 4]), "L9.H0", 1)
    with pytest.raises(Undefined, match="no token 3"):
        ls.parts.store_loads(ls.run(model, [3, 1, 4]), Head(0, 0), 3)
