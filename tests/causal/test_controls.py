"""One selector of controls: which wires may be controls, which of them are nearest, and what is said of too few."""

import math

import pytest
from each import each
from tiny import KINDS, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.causal.controls import NOTHING, Controls, Sizes, control_sets, controls_of, nearest, sizes_on, wire_sizes
from loadstore.causal.cutting import Wire
from loadstore.errors import Undefined
from loadstore.execution.trace import Trace
from loadstore.model.wiring import wiring
from loadstore.sites import EMBED, Reader, Writer

W = [EMBED, Writer("head", 0, 0), Writer("head", 0, 1)]
K = Reader(1, 0, "K")
OWN: Wire = (W[1], K)


def table(own: dict[Writer, float], **others: dict[Writer, float]) -> tuple[Sizes, list[Reader]]:
    """Sizes of wires into L1.H0.K, and into readers that are given by name."""
    network = wiring(tiny(KINDS[0]))
    known = {network.reader(name.replace("_", ".")): each for name, each in others.items()} | {K: own}
    return known.__getitem__, [reader for reader in network.readers if reader in known]


def names(found: Controls) -> list[str]:
    return [f"{writer} {reader}" for writer, reader in found.wires]


def test_nearest_is_by_ratio_either_way_and_equals_keep_their_order() -> None:
    sizes = {"a": 4.0, "b": 1.0, "c": 2.0, "d": 1.9, "e": 0.0, "f": math.nan}
    assert nearest(2.0, sizes, 9) == ["c", "d", "a", "b"]  # 4 and 1 are as near to 2
    assert nearest(2.0, dict(reversed(sizes.items())), 9) == ["c", "d", "b", "a"]
    assert nearest(2.0, {"a": 4.0 * (1 + 1e-12), "b": 1.0}, 1) == ["a"]  # rounding does not decide
    assert nearest(2.0, {"a": 4.0 * (1 + 1e-8), "b": 1.0}, 1) == ["b"]


def test_controls_end_in_readers_of_the_same_kind() -> None:
    sizes, readers = table({W[0]: 3.0, W[1]: 1.0}, L1_H1_Q={W[0]: 1.0}, L1_H1_V={W[0]: 1.0}, L1_H1_K={W[0]: 2.0})
    assert names(controls_of(OWN, 9, sizes, readers)) == ["embed L1.H1.K", "embed L1.H0.K"]


def test_other_layers_take_part_only_while_there_are_too_few() -> None:
    sizes, readers = table({W[0]: 3.0, W[1]: 1.0}, L0_H0_K={W[0]: 1.1}, L2_H0_K={W[0]: 1.01}, L1_H1_K={W[0]: 0.1})
    assert names(controls_of(OWN, 2, sizes, readers)) == ["embed L1.H0.K", "embed L1.H1.K"]
    assert names(controls_of(OWN, 3, sizes, readers)) == ["embed L2.H0.K", "embed L0.H0.K", "embed L1.H0.K"]


def test_the_layers_nearest_to_the_reader_s_come_first() -> None:
    top = Reader(2, 0, "K")
    sizes = {Reader(0, 0, "K"): {W[0]: 1.0}, K: {W[0]: 9.0}, top: {W[0]: 1.0, W[1]: 1.0}}
    readers = list(sizes)
    assert names(controls_of((W[1], top), 2, sizes.__getitem__, readers)) == ["embed L2.H0.K", "embed L1.H0.K"]
    assert len(controls_of((W[1], top), 3, sizes.__getitem__, readers).wires) == 3


def test_wires_of_the_claim_are_not_controls() -> None:
    sizes, readers = table({W[0]: 1.0, W[1]: 1.0, W[2]: 2.0})
    assert names(controls_of(OWN, 9, sizes, readers, outside=[(W[0], K)])) == ["L0.H1 L1.H0.K"]
    with pytest.raises(Undefined, match=r"L0\.H0 → L1\.H0\.K has no controls"):
        controls_of(OWN, 9, sizes, readers, outside=[(W[0], K), (W[2], K)])


@pytest.mark.parametrize(("size", "carries"), [(0.99, False), (1.0, False), (1.01, True)])
def test_what_is_made_of_rounding_carries_nothing(size: float, *, carries: bool) -> None:
    sizes, readers = table({W[0]: 8.0, W[1]: 1.0, W[2]: size * NOTHING * 8.0})
    assert names(controls_of(OWN, 9, sizes, readers)) == ["embed L1.H0.K", *["L0.H1 L1.H0.K"] * carries]
    if carries:
        assert controls_of((W[2], K), 9, sizes, readers).asked == 9
    else:
        with pytest.raises(Undefined, match="carries nothing on this run"):
            controls_of((W[2], K), 9, sizes, readers)


def test_fewer_than_asked_for_are_counted() -> None:
    sizes, readers = table({W[0]: 1.0, W[1]: 1.0, W[2]: 0.5})
    found = controls_of(OWN, 20, sizes, readers)
    assert (found.asked, len(found.wires), found.larger) == (20, 2, 1)
    assert found.sizes == (1.0, 0.5)


def test_wires_cut_together_have_as_many_different_controls_each() -> None:
    sizes, readers = table({W[0]: 1.0, W[1]: 1.0, W[2]: 1.1}, L1_H1_K={W[0]: 1.0, W[1]: 1.2, W[2]: 1.0})
    both: list[Wire] = [(W[0], K), (W[1], K)]
    sets = control_sets(both, 3, sizes, readers)
    assert len(sets) == 3
    assert len({frozenset(some) for some in sets}) == 3
    assert all(len(set(some)) == 2 and not set(both) & set(some) for some in sets)
    assert len(control_sets(both, 9, sizes, readers)) == 6  # four others make six pairs
    singles = [some for (some,) in control_sets([OWN], 4, sizes, readers)]
    assert tuple(singles) == controls_of(OWN, 4, sizes, readers).wires


def test_sets_of_controls_stay_in_the_layer_while_it_has_enough() -> None:
    above = {W[0]: 1.0, W[1]: 1.0}
    sizes, readers = table({W[0]: 1.0, W[1]: 1.0, W[2]: 1.1}, L1_H1_K={W[0]: 0.9, W[1]: 1.2}, L2_H0_K=above)
    both: list[Wire] = [(W[0], K), (W[1], K)]
    assert {reader.layer for some in control_sets(both, 3, sizes, readers) for _, reader in some} == {1}
    assert {reader.layer for some in control_sets(both, 4, sizes, readers) for _, reader in some} == {1, 2}


def test_no_set_of_controls_occurs_twice() -> None:
    """Wires whose nearest controls are the same two, in the opposite order."""
    sizes, readers = table({W[0]: 1.0, W[1]: 2.0}, L1_H1_K={W[0]: 1.1, W[1]: 1.9})
    assert control_sets([(W[0], K), (W[1], K)], 2, sizes, readers) == [
        ((W[0], Reader(1, 1, "K")), (W[1], Reader(1, 1, "K")))
    ]


def _on(kind: Kind) -> Trace:
    model = tiny(kind)
    return ls.run(model, some_tokens(model), record=True)


@each("kind", [KINDS[0], KINDS[8], KINDS[-1]], str)
def test_sizes_are_of_every_wire_and_of_a_corpus_as_of_a_run(kind: Kind) -> None:
    trace = _on(kind)
    network, sizes = wiring(trace.weights), sizes_on(trace)
    for reader in network.readers:
        assert tuple(sizes(reader)) == network.writers_of(reader)
        assert sizes(reader) is sizes(reader)
    own = network.writers_of(K)[1], K
    measured = ls.traffic(trace.weights, [[3, 1, 4, 1, 5, 9, 2], [6, 5, 3, 5, 8, 9, 7]])

    def carried(reader: Reader) -> dict[Writer, float]:
        return {w: float(measured.traffic.sel(writer=str(w), reader=str(reader))) for w in network.writers_of(reader)}

    for kept in (sizes, carried):
        found = controls_of(own, 5, kept, network.readers)
        assert found.size == kept(K)[own[0]]
        assert {(reader.layer, reader.side) for _, reader in found.wires} == {(1, "K")}
        ratios = [abs(math.log(size / found.size)) for size in found.sizes]
        assert ratios == sorted(ratios)
        rest = [
            abs(math.log(size / found.size))
            for reader in network.readers
            if (reader.layer, reader.side) == (1, "K")
            for writer, size in kept(reader).items()
            if (writer, reader) not in (own, *found.wires) and size > 1e-6 * found.size
        ]
        assert min(rest) >= ratios[-1]


def test_the_size_of_a_wire_into_an_mlp_or_the_logits_is_what_the_cut_takes() -> None:
    trace = _on(Kind("none", "none", True, "gelu"))
    weights = trace.weights
    for name in ("L1.mlp", "unembed"):
        reader = wiring(weights).reader(name)
        store = trace.written("L0.H1")
        taken = (store - store[:, 1:].mean((0, 1)))[:, 1:]
        if reader.is_unembed:
            expected = taken @ (weights.W_U - weights.W_U.mean(1, keepdim=True))
        else:
            mlp = weights.layers[1].mlp
            assert mlp is not None
            expected = taken @ mlp.W_in
        size = wire_sizes(trace, reader)[Writer("head", 0, 1)]
        assert size == pytest.approx(float(expected.square().sum(-1).mean().sqrt()), rel=1e-9)
