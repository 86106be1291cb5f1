"""Traffic is what its definition says, token by token, and a cut wire's proof holds where the circuit is planted."""

import math

import numpy as np
import planted
import pytest
import torch
from tiny import Kind, some_tokens, tiny, turning

import loadstore as ls
from loadstore.causal.proof import induction_circuit, prove_wire
from loadstore.errors import Undefined
from loadstore.sites import Head, Side
from loadstore.wire_traffic.exact import reader_traffic

KINDS = [
    Kind("shortformer", "none", biases=False),
    Kind("learned", "layer", biases=True),
    Kind("rotary", "rms", biases=True),
    Kind("rotary", "none", biases=False),
    Kind("none", "layer", biases=True),
    Kind("rotary", "rms", biases=True, sinks=True),
    Kind("rotary", "rms", biases=True, latent="all"),
]


def _taken(trace: ls.Trace, writer: str, layer: int) -> torch.Tensor:
    """What a cut takes from a layer's input: the store less its mean (first position left out), through the norm."""
    store = trace.written(writer)
    moved = store - store[:, 1:].flatten(0, 1).mean(0)
    norm = trace.weights.layers[layer].norm
    if norm is None or (writer == "pos" and trace.weights.architecture.positions == "shortformer"):
        return moved
    x = trace.residual(layer)
    x = x - x.mean(-1, keepdim=True) if norm.centres else x
    scale = (x.pow(2).mean(-1, keepdim=True) + trace.weights.architecture.eps).rsqrt()
    moved = (moved - moved.mean(-1, keepdim=True) if norm.centres else moved) * scale
    return moved if norm.gain is None else moved * norm.gain


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("side", ["Q", "K"])
def test_traffic_is_the_variance_of_scores_that_softmax_sees(kind: Kind, side: Side):
    model = tiny(kind)
    trace = ls.run(model, some_tokens(model), record=True)
    reader = f"L1.H2.{side}"
    rotary = model.architecture.rotary
    record = trace.record.layers[1]
    q, k, A = (t.numpy() for t in (record.q[:, :, 2], record.k[:, :, 2], record.pattern[:, 2]))
    for writer, value in reader_traffic(trace, reader).items():
        moved = _taken(trace, writer, 1) @ (model.layers[1].W_Q if side == "Q" else model.layers[1].W_K)[2]
        if model.layers[1].latent(side) is not None:
            moved = moved * (record.q_scale if side == "Q" else record.k_scale)[:, :, 2]
        moved = torch.stack([moved[:, at] @ turning(rotary, at) for at in range(moved.shape[1])], 1).numpy()
        total, count = 0.0, 0
        for b in range(len(moved)):
            for i in range(moved.shape[1]):
                if side == "Q" and i == 0:  # one key, or a sink
                    count += 1
                    continue
                change = []
                for j in range(i + 1):
                    pair = moved[b, i] @ k[b, j] if side == "Q" else q[b, i] @ moved[b, j]
                    change.append(pair / math.sqrt(model.architecture.d_head))
                row = A[b, i, : i + 1]  # a sink is a key whose score no change moves
                total += row @ np.square(change) - (row @ np.array(change)) ** 2
                count += 1
        assert value == pytest.approx(math.sqrt(total / count), rel=1e-9)


def test_value_traffic_is_the_size_of_what_the_head_would_store():
    model = tiny(KINDS[1])
    trace = ls.run(model, some_tokens(model), record=True)
    stored = _taken(trace, "L0.H1", 1) @ model.layers[1].W_V[0] @ model.layers[1].W_O[0]
    expected = stored[:, 1:].square().sum(-1).mean().sqrt()
    assert reader_traffic(trace, "L1.H0.V")["L0.H1"] == pytest.approx(float(expected))


def test_a_constant_writer_carries_nothing():
    model = tiny(KINDS[1])
    trace = ls.run(model, some_tokens(model))
    assert reader_traffic(trace, "L1.H0.Q")["L0.bias"] == pytest.approx(0, abs=1e-12)


def test_the_unembedding_and_cut_runs_are_refused():
    model = tiny(KINDS[0])
    with pytest.raises(Undefined, match="Q, K and V wires"):
        reader_traffic(ls.run(model, some_tokens(model)), "unembed")
    with pytest.raises(Undefined, match="without cuts"):
        reader_traffic(ls.run(model, some_tokens(model), [ls.cut("embed", "L0.H0.Q")]), "L1.H0.Q")


def test_the_planted_wire_is_proved_beyond_its_controls():
    model = planted.planted()
    circuit = induction_circuit(Head(0, 0), [Head(1, 0)])
    noisy = planted.with_noise(model, 0.01)
    proof = prove_wire(noisy, "L0.H0", "L1.H0", apart=circuit, controls=3)
    assert proof.intact > 0.9
    assert proof.cut.induction < 0.1
    assert proof.beyond_all_controls


def test_a_wire_that_does_not_matter_is_not_beyond_its_controls():
    noisy = planted.with_noise(planted.planted(), 0.01)
    proof = prove_wire(noisy, "pos", "L1.H0", controls=3)
    assert not proof.beyond_all_controls


def test_too_few_controls_is_said():
    with pytest.raises(Undefined, match="controls were asked for"):
        prove_wire(planted.planted(), "L0.H0", "L1.H0", controls=50)
