"""Planted circuits are found first, carry the whole task, and lose what was planted when one wire is exchanged."""

import numpy as np
import pytest
import torch
from circuits.planted import Planted, planted

from loadstore.circuits.attribution import attribute
from loadstore.circuits.faithfulness import faithfulness
from loadstore.circuits.measured import measured
from loadstore.circuits.sized import circuit
from loadstore.circuits.solved import require_solved

KINDS = [{"mlp": False}, {"mlp": True}, {"mlp": True, "backup": True}]


@pytest.fixture(params=KINDS, ids=["attention only", "with MLPs", "with a backup head"], scope="module")
def case(request: pytest.FixtureRequest) -> Planted:
    return planted(**request.param)


def auroc(strength: np.ndarray, inside: np.ndarray) -> float:
    """The chance that a wire inside is stronger than one outside; equal ones count half."""
    difference = strength[inside][:, None] - strength[~inside]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


@pytest.mark.parametrize("method", ["mask", "eap-ig"])
@pytest.mark.parametrize("mlp", [False, True])
def test_the_planted_wires_come_first(method: str, mlp: bool) -> None:
    for seed in (0, 1) if method == "mask" else (2,):
        case = planted(mlp=mlp, seed=seed)
        ranked = attribute(case.task, method=method)
        wires = set(case.wires)
        inside = np.array([found in wires for found in circuit(ranked, ranked.sizes["wire"]).wires])
        assert inside[: len(wires)].all()
        assert inside.sum() == len(wires)
        names = {f"{writer} -> {reader}" for writer, reader in wires}
        pairs = zip(ranked.writer.values, ranked.reader.values, strict=True)
        member = np.array([f"{writer} -> {reader}" in names for writer, reader in pairs])
        strength = ranked.attribution.values
        assert auroc(strength, member) == 1
        assert strength[member].min() > 1e6 * strength[~member].max()


def test_the_model_solves_its_task_by_half_a_logit(case: Planted) -> None:
    solved = require_solved(case.task)
    assert solved.share == 1
    assert solved.clean == pytest.approx(0.5, abs=1e-9)
    assert solved.counterfactual == pytest.approx(-0.5, abs=1e-9)


def test_the_planted_circuit_is_the_whole_task(case: Planted) -> None:
    found = faithfulness(case.circuit(), case.task.judge)
    assert float(found.faithfulness) == pytest.approx(1, abs=1e-6)
    assert float(found.low) == pytest.approx(1, abs=1e-6)
    assert float(found.error) < 1e-12
    assert float(found.necessity) == pytest.approx(1, abs=1e-6)


def test_a_decoy_in_place_of_a_planted_wire_costs_what_was_planted(case: Planted) -> None:
    on = measured(case.task.judge)
    for gone, drop in case.drops.items():
        for decoy in case.decoys[:2]:
            wires = tuple(decoy if wire == gone else wire for wire in case.wires)
            assert on.faithfulness(case.of(wires).mask(case.model)) == pytest.approx(1 - drop, abs=1e-6)


def test_a_backup_head_does_alone_what_the_planted_head_does() -> None:
    case = planted(mlp=True, backup=True)
    on, every = measured(case.task.judge), case.circuit(backup=True)
    head = [wire for wire in case.wires if str(wire[0]) == "L1.H2" or str(wire[1]).startswith("L1.H2.")]
    assert on.faithfulness(every.mask(case.model)) == pytest.approx(1, abs=1e-6)
    assert on.faithfulness(every.without(head).mask(case.model)) == pytest.approx(1, abs=1e-6)
    assert on.faithfulness(case.circuit().without(head).mask(case.model)) == pytest.approx(0, abs=1e-6)
    inside = case.circuit().without(head).mask(case.model)
    without = on.live.exists.clone()
    for writer, reader in head:
        without[on.live.place_of_writer[writer], on.live.place_of_reader[reader]] = False
    gap = abs(on.faithfulness(inside) - on.faithfulness(without))
    assert gap == pytest.approx(1, abs=1e-6)  # what completeness shows


def test_decoys_store_far_more_than_the_planted_heads(case: Planted) -> None:
    def size(layer: int, head: int) -> float:
        part = case.model.layers[layer]
        return float(torch.linalg.matrix_norm(part.W_V[head] @ part.W_O[head]))

    assert size(0, 0) > 2 * size(0, 1)
    assert size(1, 0) > 20 * size(1, 2)
