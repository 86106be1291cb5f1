"""An address partitions exactly what it says, and is undefined where there is nothing to partition."""

import math
import re
from dataclasses import replace

import numpy as np
import planted
import pytest
import torch
import xarray as xr
from each import each
from hostile import refusal, unchecked
from tiny import FEW, KINDS, Kind, few_with, some_tokens, tiny

import loadstore as ls
from loadstore.decomposition.address import address, smallest_set
from loadstore.decomposition.decomposition import score_parts
from loadstore.decomposition.outputs import output_parts
from loadstore.decomposition.single import one_prompt_index
from loadstore.decomposition.stored import nearest
from loadstore.errors import BadRequest, NoSuchSite, Undefined
from loadstore.heads.roles import random_repeats
from loadstore.model.gauge import rotate_stream
from loadstore.model.wiring import wiring

AT = 6
HEAD = "L1.H2"


def trace_of(kind: Kind) -> ls.Trace:
    model = tiny(kind)
    return ls.run(model, some_tokens(model, batch=1)[0])


def first_key(trace: ls.Trace, layer: int, at: int) -> int:
    """The earliest key that a query sees."""
    windows = trace.weights.architecture.windows
    return 0 if windows is None or windows[layer] is None else max(0, at - windows[layer] + 1)


@each(("kind", "about", "head"), few_with(["most", "row", 5, (5, 4)], [HEAD, "L2.H0"]), str)
def test_shares_sum_to_one_and_are_those_of_the_bilinear_sum(kind: Kind, about, head: str):
    trace = trace_of(kind)
    found = address(trace, head, AT, about=about)
    first = first_key(trace, found.head.layer, AT)
    assert found.first == first
    for side in "QKV":
        assert math.fsum(found.shares[side].values()) == pytest.approx(1, abs=1e-10)
        assert abs(found.remainder[side]) < 1e-10  # of what the run recorded
    parts = score_parts(trace, head).isel(query=AT, key=slice(first, AT + 1))
    row = trace.pattern(head)[AT, first : AT + 1].numpy()
    direction = row if about == "row" else np.array([float(j == found.key) for j in range(first, AT + 1)])
    keys = AT + 1 - first + (about == "row" and kind.sinks)  # a sink is one more key of the row
    base = np.array([float(j == found.than) for j in range(first, AT + 1)]) if found.than else 1 / keys
    contrast = (parts * (xr.DataArray(direction - base, dims="key"))).sum("key")
    if kind.sinks:  # and has the rest of the weights
        sink = trace.weights.layers[found.head.layer].sinks[found.head.index]
        contrast[-1, -1] -= float(np.sum(direction - base) * sink)
    whole = float(contrast.sum())
    for writer, share in found.shares["Q"].items():
        assert share == pytest.approx(float(contrast.sel(query_writer=writer).sum()) / whole, abs=1e-9)
    for writer, share in found.shares["K"].items():
        assert share == pytest.approx(float(contrast.sel(key_writer=writer).sum()) / whole, abs=1e-9)


@each("kind", FEW, str)
def test_the_contrast_of_a_row_is_a_sum_of_two_divergences(kind: Kind):
    trace = trace_of(kind)
    row = trace.pattern(HEAD)[AT, : AT + 1]
    scores = trace.scores(HEAD)[AT, : AT + 1]
    if kind.sinks:
        sink = trace.weights.layers[ls.Head(1, 2).layer].sinks[2]
        row, scores = torch.cat([row, 1 - row.sum()[None]]), torch.cat([scores, sink[None]])
    uniform = torch.full_like(row, 1 / len(row))
    divergences = (row * (row / uniform).log()).sum() + (uniform * (uniform / row).log()).sum()
    contrast = float(((row - uniform) * scores).sum())
    if kind.capped:  # scores are those before the cap, which keeps their order and brings them together
        assert contrast > float(divergences) > 0
    else:
        assert contrast == pytest.approx(float(divergences), abs=1e-10)


@each("kind", FEW, str)
def test_value_shares_are_projections_of_what_was_stored(kind: Kind):
    trace = trace_of(kind)
    found = address(trace, HEAD, AT)
    stored = trace.written(HEAD)[AT]
    parts = output_parts(trace, HEAD, AT)
    for writer, share in found.shares["V"].items():
        part = torch.tensor(parts.sel(writer=writer).sum("key").values)
        assert share == pytest.approx(float(part @ stored / stored.square().sum()), abs=1e-9)


def inside_turned(model: ls.Weights, seed: int) -> ls.Weights:
    """W_V M and M⁻¹ W_O, with M any invertible matrix: another basis of what passes through a head."""
    gaussian = torch.randn(20, 20, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    mixed = gaussian + 5 * torch.eye(20)
    layers = tuple(replace(one, W_V=one.W_V @ mixed, W_O=mixed.inverse() @ one.W_O) for one in model.layers)
    return replace(model, layers=layers)


@pytest.mark.parametrize("gauge", ["stream", "inside", "both"])
@pytest.mark.parametrize("against", [False, True])
def test_no_share_depends_on_the_basis(gauge: str, against: bool):
    model = planted.with_noise(planted.planted("learned"), 0.05)
    turned = model if gauge == "inside" else rotate_stream(model, planted.rotation(seed=3))
    turned = turned if gauge == "stream" else inside_turned(turned, 4)
    prompts = random_repeats(model, 2, 7)
    found, again = (
        address(ls.run(one, prompts[0]), "L1.H0", 9, against=ls.run(one, prompts[1]) if against else None)
        for one in (model, turned)
    )
    assert max(abs(share) for share in found.shares["K"].values()) > 0.5
    for side in "QKV":
        assert again.shares[side] == pytest.approx(found.shares[side], abs=1e-8)
    assert again.text == found.text


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_the_planted_circuit_has_the_addresses_that_were_planted_in_any_basis(seed: int | None):
    model = planted.planted("learned")
    if seed is not None:
        model = inside_turned(rotate_stream(model, planted.rotation(seed=seed)), seed)
    tokens = random_repeats(model, 1, 7)[0]
    trace = ls.run(model, tokens)
    period = (len(tokens) - 1) // 2
    at = period + 2
    found = address(trace, "L1.H0", at)
    assert (found.top("Q"), found.top("K"), found.top("V")) == ("embed", "L0.H0", "embed")
    assert min(found.shares["Q"]["embed"], found.shares["K"]["L0.H0"], found.shares["V"]["embed"]) > 1 - 1e-6
    assert found.smallest == (found.key,) == (at - period + 1,)
    assert found.effective == pytest.approx(1, abs=1e-3)
    assert found.decoded[0] == (int(tokens[found.key]), pytest.approx(1))
    assert found.read["K"].nearest[0][0] == int(tokens[found.key - 1]) == int(tokens[at])  # what L0.H0 stored there


WINDOWED = next(kind for kind in KINDS if kind.window)


def test_a_key_outside_the_window_is_refused_and_the_rest_counts_what_is_inside():
    trace = trace_of(WINDOWED)  # windows of 3, all and 4 keys
    with pytest.raises(Undefined, match="outside the window of token 6, which begins at 4"):
        address(trace, "L0.H0", AT, about=3)
    assert address(trace, "L0.H0", AT, about=4).key == 4
    found = address(trace, "L0.H0", AT)
    shown = found.tokens.count("·")
    assert found.tokens.endswith(f"+{3 - shown}") or shown == 3
    assert sum(found.weights[:4]) == 0


def test_undefined_shares_say_why():
    model = tiny(KINDS[0])
    layers = tuple(replace(layer, W_Q=layer.W_Q * 0, W_V=layer.W_V * 0) for layer in model.layers)
    trace = ls.run(replace(model, layers=layers), some_tokens(model, batch=1)[0])
    found = address(trace, HEAD, AT)
    assert set(found.undefined) == {"Q", "K", "V"}
    assert "same score" in found.undefined["Q"]
    assert "stores nothing" in found.undefined["V"]
    assert all(math.isnan(share) for side in "QKV" for share in found.shares[side].values())
    assert "undefined" in str(found)
    assert found.decoded == ()
    assert "one key" in address(trace, HEAD, 0).undefined["K"]


def test_a_later_key_a_batch_and_a_token_that_is_not_there_are_refused():
    trace = trace_of(KINDS[0])
    with pytest.raises(Undefined, match="later token 8"):
        address(trace, HEAD, 3, about=8)
    with pytest.raises(Undefined, match="no token 40"):
        address(trace, HEAD, 40)
    with pytest.raises(Undefined, match="batch"):
        address(ls.run(trace.weights, some_tokens(trace.weights)), HEAD, 3)


def test_what_is_no_index_is_said():
    with pytest.raises(BadRequest, match="whole number"):
        one_prompt_index(trace_of(KINDS[0]), True)


def test_the_smallest_set_holds_its_mass_and_no_fewer_would():
    row = torch.tensor([0.1, 0.4, 0.2, 0.25, 0.05], dtype=torch.float64)
    assert smallest_set(row) == (1, 3, 2)
    assert smallest_set(torch.tensor([0.35, 0.35, 0.3], dtype=torch.float64)) == (0, 1)
    assert smallest_set(torch.tensor([1.0], dtype=torch.float64)) == (0,)


def test_on_the_articles_sentence_an_induction_head_reads_what_the_article_says():
    trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat on the log.")
    found = address(trace, "L1.H10", 10)
    print(found)
    assert [found.top(side) for side in "QKV"] == ["embed", "L0.H7", "embed"]
    assert found.key is not None
    assert (found.labels[10], found.labels[found.key]) == ("␣sat·10", "␣on·4")
    assert found.weights[found.key] > 0.9
    assert found.decoded[0] == (int(trace.tokens[0, found.key]), pytest.approx(1))  # embed stored the token itself


def test_a_key_is_not_compared_with_itself():
    trace = trace_of(KINDS[0])
    with pytest.raises(Undefined, match="compared with itself"):
        address(trace, HEAD, AT, about=(3, 3))


def test_what_is_no_address_is_said_in_one_line():
    trace = trace_of(KINDS[0])
    refusal(lambda: address(trace, "L7.H1", AT), NoSuchSite, "no head L7.H1", "Nearest: ")
    refusal(lambda: address(trace, HEAD, -40), Undefined, "no token -40", "0 to 8")
    refusal(lambda: address(trace, HEAD, 3, about=8), Undefined, "later token 8", "up to 3")
    refusal(lambda: address(trace_of(WINDOWED), "L0.H0", AT, about=1), Undefined, "begins at 4")
    refusal(lambda: address(ls.run(trace.weights, some_tokens(trace.weights)), HEAD, 3), Undefined, "batch")
    refusal(lambda: address(ls.run(trace.weights, [1, 2], [ls.cut("L0.H1", "L1.H0.K")]), HEAD, 1), Undefined, "cuts")
    with unchecked():
        refusal(lambda: address(trace, HEAD, 2.5), BadRequest, "whole number", "2.5")
        refusal(lambda: address(trace, HEAD, AT, about="much"), BadRequest, "no token 'much'", "It has")
        refusal(lambda: address(trace, HEAD, AT, about=(1, 2, 3)), BadRequest, "two such as (4, 2)")


@each("kind", FEW, str)
def test_what_was_read_is_what_was_stored_there(kind: Kind):
    trace = trace_of(kind)
    found = address(trace, HEAD, AT)
    for side, place in (("K", found.key), ("V", found.smallest[0])):
        name = found.top(side)
        if name == "const":
            assert side not in found.read
            continue
        writer = wiring(trace.weights).writer(name)
        assert found.read[side].place == f"{found.labels[place]}:{name}"
        read = [(index, cosine) for index, _, cosine in found.read[side].nearest]
        assert read == list(nearest(trace.weights, writer, trace.store(writer)[0, place]))
        assert bool(read) == (writer.kind in ("embed", "pos", "head"))


def test_its_text_is_the_address_the_tokens_and_what_was_read():
    found = address(ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat on the log."), "L1.H10", 10)
    first, tokens, read = found.text.splitlines()
    assert first == str(found)
    assert tokens == found.soft == f"L1.H10@␣sat·10 → {found.tokens}"
    assert re.fullmatch(r"read: K ␣on·4:L0\.H7 = ␣sat [\d.]+, .* \| V ␣on·4:embed = ␣on 1\.00, .*", read)


def test_its_text_shows_all_three_parts():
    trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat on the log.")
    text = str(address(trace, "L1.H4", 10))
    assert text.startswith("L1.H4  Q ␣sat·10:embed")
    assert "| K ␣on·4:L0.H7" in text
    assert "| V ␣on·4:" in text
