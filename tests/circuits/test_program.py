"""The program of a circuit: its exact text, its cap of lines, and shares that add up."""

import math
import re

import pytest
import torch
from circuits.planted import Planted, planted, wire
from hostile import refusal

import loadstore as ls
from loadstore.circuits.at_tokens import attributions_at_tokens
from loadstore.circuits.attribution import attribute
from loadstore.circuits.circuit import Circuit
from loadstore.circuits.context import contexts
from loadstore.circuits.groups import loads_of
from loadstore.circuits.measured import measured
from loadstore.circuits.methods import attributions
from loadstore.circuits.program import program, program_and_f
from loadstore.circuits.program_of_pair import program_of_pair
from loadstore.circuits.program_text import lines_of, program_of
from loadstore.circuits.sized import circuit
from loadstore.errors import BadRequest, NotThisModel
from loadstore.sites import Reader, Writer

LISTED = {
    "embed -> L3.H1.Q": 1.0,
    "L0.mlp -> L3.H1.K": 2.0,
    "L1.mlp -> L3.H1.K": -1.0,
    "L2.H5 -> L3.H1.K": 3.0,
    "L2.H4 -> L3.H2.K": 1.0,
    "embed -> L0.mlp": 4.0,
    "embed -> L1.mlp": 1.0,
    "L0.mlp -> L1.mlp": -2.0,
    "L3.H1 -> unembed": 5.0,
}
TEXT = """\
gifts in small: 9 of 100 wires (9.00%) by mask; % of |attribution|
load L0–L1 MLPs  35.0 %  from embed 25.0, L0.mlp 10.0
load L3.H1.Q      5.0 %  from embed 5.0
load L3.H1,H2.K  35.0 %  from L2.H4,H5 20.0, L0–L1 MLPs 15.0
load unembed     25.0 %  from L3.H1 25.0
shown: 9 of 9 wires, 100.0% of its |attribution|"""


def listed(wires: dict[str, float]) -> Circuit:
    """A circuit of no real model."""
    facts = ("small", "0" * 64, "gifts", "m", "mask", "counterfactual", "free", max(100, len(wires)))
    return Circuit(*facts, tuple(map(wire, wires)), tuple(wires.values()))


def test_a_list_of_wires_has_this_text() -> None:
    assert str(listed(LISTED)) == TEXT
    assert program(listed(LISTED)) == TEXT


def test_the_order_of_wires_does_not_matter_to_the_lines() -> None:
    backwards = dict(reversed(LISTED.items()))
    assert str(listed(backwards)) == TEXT


def test_heads_with_a_role_are_a_group_of_their_own() -> None:
    loads = loads_of(tuple(map(wire, LISTED)), [1.0] * len(LISTED), {"L3.H2": "induction", "L2.H5": "previous"})
    names = [load.name for load in loads]
    assert names == ["L0–L1 MLPs", "L3.H1.Q", "L3.H1.K", "L3.H2.K (induction)", "unembed"]
    assert [part.name for part in loads[2].parts] == ["L0–L1 MLPs", "L2.H5 (previous)"]


def test_bands_of_mlps_have_no_gap_and_at_most_eight_layers() -> None:
    wires = [wire(f"embed -> L{layer}.mlp") for layer in (0, 2, 3, *range(5, 14))]
    names = [load.name for load in loads_of(wires, [1.0] * len(wires))]
    assert names == ["L0.mlp", "L2–L3 MLPs", "L5–L12 MLPs", "L13.mlp"]


def test_parts_of_an_mlp_are_groups_of_their_own() -> None:
    writers = [Writer("expert", 0, 1), Writer("shared", 0), Writer("expert", 0, 2)]
    readers = [Reader(1, 3, "expert"), Reader(1, 3, "expert"), Reader(1, 4, "expert")]
    loads = loads_of(list(zip(writers, readers, strict=True)), [1.0, 2.0, 1.0])
    named = [(load.name, [part.name for part in load.parts]) for load in loads]
    assert named == [("L1.E3", ["L0.shared", "L0.E1"]), ("L1.E4", ["L0.E2"])]


def test_many_heads_and_many_groups_are_put_together() -> None:
    wires = [wire(f"L0.H{head} -> unembed") for head in range(6)]
    wires += [wire(f"L{layer}.H{layer} -> unembed") for layer in range(1, 8)]
    (load,) = loads_of(wires, [1.0] * 6 + [0.9 - layer / 10 for layer in range(7)])
    names = ["L0.H0…H5 [6]", "L1.H1", "L2.H2", "L3.H3", "L4.H4", "3 other heads of L5–L7"]
    assert [part.name for part in load.parts] == names
    assert sorted(load.wires) == list(range(13))


@pytest.mark.parametrize(("loads", "lines"), [(37, 39), (38, 40), (39, 40), (40, 40)])
def test_a_program_has_forty_lines_at_most(loads: int, lines: int) -> None:
    found = listed({f"embed -> L{2 * layer}.H0.V": 1.0 + (layer != 7) for layer in range(loads)})
    text = str(found).splitlines()
    assert len(text) == lines
    assert text[-1].startswith(f"shown: {lines - 2} of {loads} wires")
    assert ("left out" in text[-1]) == (loads > 38)
    assert any(" L14.H0.V " in line for line in text) == (loads <= 38)  # the weakest


def test_shares_add_up() -> None:
    found = listed({f"L0.H{n % 9} -> L{1 + n % 17}.H{n % 5}.{'QKV'[n % 3]}": math.sin(n) for n in range(400)} | LISTED)
    shown = program_of(found.wires, found.attributions)
    assert sum(shown.share(load.wires) for load in shown.loads) == pytest.approx(shown.share(shown.wires))
    for load, text in zip(shown.loads, lines_of(shown), strict=True):
        assert sum(shown.share(part.wires) for part in load.parts) == pytest.approx(shown.share(load.wires))
        whole, parts = text.split(" %  from ")
        numbers = [float(part.split()[-1]) for part in re.split(r", (?=L|\d|embed)", parts)]
        assert sum(numbers) == pytest.approx(float(whole.split()[-1]), abs=0.05 * (len(numbers) + 1))
    every = program_of(found.wires, found.attributions, most=10**6)
    assert sorted(every.wires) == list(range(len(found)))
    assert every.share(every.wires) == pytest.approx(1)


def test_without_attributions_shares_are_those_of_wires() -> None:
    text = str(listed({**LISTED, "L3.H1 -> unembed": math.nan})).splitlines()
    assert text[0].endswith("% of the wires (no attributions)")
    assert text[-2] == "load unembed     11.1 %  from L3.H1 11.1"
    assert text[-1] == "shown: 9 of 9 wires"


@pytest.fixture(scope="module")
def case() -> Planted:
    return planted(mlp=True)


def test_f_is_that_of_exactly_the_wires_shown(case: Planted) -> None:
    found = circuit(attribute(case.task), len(case.wires))
    on = measured(case.task.judge)
    text, shown, f = program_and_f(found, on)
    assert sorted(shown.wires) == list(range(len(found)))
    assert f == pytest.approx(1, abs=1e-6)
    assert text.endswith("F of exactly these: 1.00")
    assert "(previous)" in text
    short, few, part = program_and_f(found, case.task.judge, most=6)
    gone = [found.wires[index] for index in range(len(found)) if index not in few.wires]
    assert gone
    assert part == pytest.approx(on.faithfulness(found.without(gone).mask(case.model)))
    assert short.endswith(f"F of exactly these: {part:.2f}")


def test_values_of_one_pair_sum_to_its_attributions(case: Planted) -> None:
    (context,) = contexts(case.task.judge.rows([1]))
    at_tokens, whole = attributions_at_tokens(context, 5)[0], attributions(context)[0]
    assert torch.allclose(at_tokens.sum(-1), whole, rtol=1e-9, atol=1e-12)
    assert not at_tokens[~context.live.exists].any()


def test_one_pair_names_the_places_of_its_tokens(case: Planted) -> None:
    task = case.task
    names = ("BOS", "x", "y", "z", "w", "end")
    task = ls.Task(
        *(case.model, task.clean, task.counterfactual, task.metric, "planted", 0, task.splits),
        templates=task.templates,
        places=(names,) * len(task.clean),
    )
    found = circuit(attribute(task), len(case.wires))
    value = program_of_pair(found, task.judge, 2)  # template V: y and w are exchanged
    loads = [line for line in value.splitlines() if line.startswith("load L1.H2.V")]
    assert len(loads) == 1
    assert re.search(r"embed \+0\.\d+@y, L0.mlp \+0\.\d+@y$", loads[0])
    assert re.search(r"load unembed +\+0\.31[23]  from L1.mlp \+0\.31[23]@end", value)
    assert "-0.000" not in value  # (3/4) ∫ α² dα + (1/4) ∫ α³ dα = .3125
    assert value.splitlines()[0] == "pair 2 of planted: m(none) -0.50, m(all) +0.50; values in units of m"
    assert "@" in program_of_pair(found, case.task.judge, 0)


def test_what_cannot_be_written_is_refused(case: Planted) -> None:
    found = case.circuit()
    refusal(lambda: program(found, most=2), BadRequest, "at least three lines")
    refusal(lambda: program_of_pair(found, case.task.judge, 0, most=2), BadRequest, "at least three lines")
    refusal(lambda: program_of_pair(found, case.task.judge, 6), BadRequest, "there are pairs 0 to 5")
    refusal(lambda: program(listed(LISTED), case.task.judge), NotThisModel, "other weights")
