"""The proof of a planted circuit: what is planted, what is exchanged, what backs it up, and what is left out."""

from pathlib import Path

import numpy as np
import pytest
import torch
from circuits.planted import Planted, planted

import loadstore as ls
from loadstore.circuits.circuit import Circuit
from loadstore.circuits.context import contexts
from loadstore.circuits.live import live
from loadstore.circuits.measured import measured
from loadstore.circuits.methods import attributions
from loadstore.circuits.proof import Proof
from loadstore.circuits.ranking import RANKINGS, Ends, ranking
from loadstore.circuits.stability import order_of_pairs
from loadstore.errors import BadRequest, NotThisModel


@pytest.fixture(scope="module")
def case() -> Planted:
    return planted(mlp=True)


def proof_of(case: Planted, circuit: Circuit, **options: object) -> Proof:
    settings: dict[str, object] = {"controls": 20, "sampled": 100, "null": 40, **options}
    return ls.prove(circuit, case.task.judge, **settings)  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module")
def proof(case: Planted) -> Proof:
    return proof_of(case, case.circuit(), find=case.task.find)


def test_the_planted_circuit_is_sufficient_necessary_complete_and_minimal(case: Planted, proof: Proof) -> None:
    assert proof.sufficiency.value == pytest.approx(1, abs=1e-6)
    assert proof.necessity.value == pytest.approx(0, abs=1e-6)
    assert proof.sufficiency.p == 1 / 21
    assert proof.sufficiency.gap > 0.2
    assert proof.completeness.largest == pytest.approx(0, abs=1e-6)
    moved = dict(zip(proof.minimality.wires, proof.minimality.changes, strict=True))
    for (writer, reader), drop in case.drops.items():
        assert moved[f"{writer} → {reader}"] == pytest.approx(drop, abs=1e-6)
    assert proof.minimality.needed == 1
    assert proof.stability is not None
    assert 0.2 < proof.stability.mean < proof.stability.high == 1  # a template that is not drawn takes its wires along
    assert proof.facts["wires"] == len(case.wires)


def test_minimality_names_the_stranger_and_the_exchange_lowers_f_by_what_was_planted(case: Planted) -> None:
    gone = next(wire for wire in case.drops if str(wire[1]) == "L1.H2.Q")
    stranger = next(wire for wire in case.decoys if str(wire[1]) != "unembed")
    exchanged = tuple(stranger if wire == gone else wire for wire in case.wires)
    found = proof_of(case, case.of(exchanged))
    assert found.sufficiency.value == pytest.approx(1 - case.drops[gone], abs=1e-6)
    worst = int(np.argmax(found.minimality.p))
    assert found.minimality.wires[worst] == f"{stranger[0]} → {stranger[1]}"
    assert found.minimality.changes[worst] < 1e-6
    assert found.minimality.needed == pytest.approx(1 - 1 / len(exchanged))


def test_completeness_shows_a_planted_backup_that_is_left_out() -> None:
    case = planted(mlp=True, backup=True)
    alone, both = (proof_of(case, case.circuit(backup=backup)) for backup in (False, True))
    assert alone.sufficiency.value == pytest.approx(1, abs=1e-6)
    place = alone.completeness.sites.index("L1.H2")
    assert alone.completeness.inside[place] == pytest.approx(0, abs=1e-6)
    assert alone.completeness.whole[place] == pytest.approx(1, abs=1e-6)
    assert alone.completeness.largest == pytest.approx(1, abs=1e-6)
    assert "L1.H2" in alone.completeness.worst
    assert both.completeness.largest == pytest.approx(0, abs=1e-6)


def test_the_ranking_of_a_proof_is_the_ranking_of_the_circuit(case: Planted, proof: Proof) -> None:
    ranked = ls.attribute(case.task)
    attributed = torch.cat([attributions(tile)[:, tile.live.exists] for tile in contexts(case.task.find)]).double()
    ends = Ends.of(live(case.model))
    for by in RANKINGS:
        found = order_of_pairs(attributed.numpy(), np.ones(len(attributed)), ends, by)
        assert found[:40].tolist() == ranking(ranked, by)[:40].tolist(), by
    next_ranks = ls.circuit(ranked, 2 * len(case.wires))
    assert set(case.wires) <= set(next_ranks.wires)
    on = measured(case.task.judge)
    near = next_ranks.without(case.wires).mask(case.model)
    assert proof.sufficiency.near == pytest.approx(on.faithfulness(near), abs=1e-9)


def test_half_of_the_circuit_is_no_better_than_its_text_says(case: Planted) -> None:
    half = case.circuit().without(case.wires[::2])
    found = proof_of(case, half)
    assert found.sufficiency.value < 0.9
    text = str(found)
    assert f"F = {found.sufficiency.value:.3f}" in text
    assert f"p = {found.sufficiency.p:.3g} of 20 random circuits" in text
    best = "beyond" if found.sufficiency.gap > 0 else "behind"
    assert f"{best} the best by {abs(found.sufficiency.gap):.3f}" in text
    assert "stability     not measured: give find=task.find" in text
    assert found.stability is None


def test_other_circuits_are_measured_on_this_task(case: Planted) -> None:
    other = case.of(case.decoys)
    found = proof_of(case, case.circuit(), others=[other, case.circuit()], controls=2, sampled=2, null=2)
    first, second = found.specificity
    assert (first.faithfulness, first.jaccard) == (pytest.approx(0, abs=1e-6), 0)
    assert (second.faithfulness, second.without, second.jaccard) == (
        pytest.approx(1, abs=1e-6),
        pytest.approx(0, abs=1e-6),
        1,
    )
    assert f"the circuit of planted ({len(case.decoys):,} wires, Jaccard 0.00)" in str(found)


def test_a_stopped_proof_goes_on_and_gives_the_same_numbers(case: Planted, proof: Proof, tmp_path: Path) -> None:
    path = tmp_path / "proof.jsonl"

    class Stop(Exception):
        pass

    def stop(step: str, number: int, of: int, share: float) -> None:
        if step == "completeness":
            raise Stop

    with pytest.raises(Stop):
        proof_of(case, case.circuit(), find=case.task.find, resume=path, progress=stop)
    kept = len(path.read_text().splitlines())
    assert kept > 40
    shares: list[float] = []
    again = proof_of(
        case, case.circuit(), find=case.task.find, resume=path, progress=lambda *now: shares.append(now[3])
    )
    assert again.document() == proof.document()
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    with pytest.raises(BadRequest, match="another proof"):
        proof_of(case, case.circuit().without(case.wires[:1]), resume=path)


def test_a_circuit_of_another_model_is_refused(case: Planted) -> None:
    with pytest.raises(NotThisModel, match="has other weights"):
        ls.prove(planted(seed=1).circuit(), case.task.judge, controls=1, sampled=1, null=1)
