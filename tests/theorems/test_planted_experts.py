"""A planted mixture of experts: a token's kind decides its expert, and one expert stores what a later head reads.

Tokens have one of four kinds and one of three identities. Expert 2 is that of kind C and marks its tokens; head L1.H0
finds the mark and copies the token's identity to the answer. Decoys: expert 1 stores far more, where only a head reads
whose store nothing reads; expert 3 would mark tokens most loudly, and no token of the prompts uses it.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor

import loadstore as ls
from loadstore.causal.cutting import cut_each
from loadstore.circuits.measured import measured
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Experts, Layer, MlpLayer
from loadstore.model.mixture import Mixture
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import parse_reader, parse_writer

D, KINDS, NAMES = 16, 4, 3
NAME, CONST, MARK, ANSWER, LOUD = 4, 7, 8, 9, 12  # first dimensions; kinds are 0 to 3
A, B, C = 0, 1, 2
MARKED = parse_writer("L0.E2"), parse_reader("L1.H0.K")


def token(kind: int, name: int) -> int:
    """The id of a token."""
    return kind * NAMES + name


@cache
def planted() -> Weights:
    """The model, with noise of one part in a hundred in every matrix, and the experts of layer 0 as sites."""
    generator = torch.Generator().manual_seed(0)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64) * 0.01

    W_E = noise(KINDS * NAMES, D)
    W_U = noise(D, KINDS * NAMES)
    for kind in range(KINDS):
        for name in range(NAMES):
            W_E[token(kind, name), [kind, NAME + name, CONST]] += 1
            W_U[ANSWER + name, token(kind, name)] += 1
    stores = {0: (LOUD, 1.0), 1: (LOUD + 1, 12.0), 2: (MARK, 2.0), 3: (MARK, 30.0)}

    def expert(index: int) -> MlpLayer:
        W_in, W_gate, W_out = noise(D, 2), noise(D, 2), noise(2, D)
        W_in[CONST, 0] += 1
        W_gate[index, 0] += 1
        W_out[0, stores[index][0]] += stores[index][1]
        return MlpLayer(W_in=W_in, W_gate=W_gate, W_out=W_out)

    W_router = noise(D, KINDS)
    W_router[:KINDS] += 4 * torch.eye(KINDS, dtype=torch.float64)
    none = W_router[:, :0]
    experts = MlpLayer(W_in=none, W_gate=none, W_out=none.mT, experts=Experts(W_router, tuple(map(expert, range(4)))))
    plain = MlpLayer(W_in=noise(D, 1), W_gate=noise(D, 1), W_out=noise(1, D))

    def layer(mlp: MlpLayer) -> Layer:
        return Layer(W_Q=noise(2, D, 4), W_K=noise(2, D, 4), W_V=noise(2, D, 4), W_O=noise(2, 4, D), mlp=mlp)

    first, second = layer(experts), layer(plain)
    for head, (reads, writes) in enumerate([(MARK, ANSWER), (LOUD + 1, LOUD + 3)]):
        second.W_Q[head, CONST, 0] += 8
        second.W_K[head, reads, 0] += 1 if head == 0 else 5
        for name in range(NAMES):
            second.W_V[head, NAME + name, name] += 1
            second.W_O[head, name, writes + (name if head == 0 else 0)] += 3
    mixture = Mixture(4, 1, 2, normalised=False, without=(1,), plain_width=1)
    mlp = Mlp(8, gated=True, activation="relu")
    shape = Architecture(2, 2, D, 4, KINDS * NAMES, 8, "none", mlp=mlp, experts=mixture)
    return Weights(shape, W_E, None, (first, second), W_U, name="planted mixture").with_experts(0)


@cache
def task() -> ls.Task:
    """Which token has kind C; in the counterfactual prompt it is the one before."""
    clean: list[list[int]] = []
    other: list[list[int]] = []
    for number in range(54):
        i, j, last, kind = number % 3, (number + 1 + number // 27) % 3, number // 3 % 3, number // 9 % 2
        rest = [token(B, last), token((A, B)[kind], (last + number) % 3)]
        clean.append([token(A, i), token(C, j), *rest])
        other.append([token(C, i), token(A, j), *rest])
    kept = [n for n in range(54) if clean[n] not in clean[:n] and clean[n][1] % 3 != clean[n][0] % 3]
    goods, bads = ([token(A, prompts[n][1 - which] % 3) for n in kept] for prompts, which in ((clean, 0), (clean, 1)))
    return ls.Task(planted(), [clean[n] for n in kept], [other[n] for n in kept], ls.logit_difference(goods, bads))


def best(values: np.ndarray, names: np.ndarray) -> list[str]:
    """Names by their values, largest first, NaN left out."""
    order = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")
    return [str(names[place]) for place in order if not np.isnan(values[place])]


def test_the_kind_of_a_token_decides_its_expert() -> None:
    prompt = [token(A, 0), token(C, 1), token(B, 2), token(A, 2)]
    trace = ls.run(planted(), prompt)
    assert trace.routing(0).argmax(-1).tolist() == [A, C, B, A]
    assert int(trace.logits[-1, :NAMES].argmax()) == 1
    assert trace.pattern("L1.H0")[-1, 1] > 0.9
    for at in range(4):
        address = ls.parts.router_address(trace, 0, at=at)
        assert address.top == "embed"
        assert address.shares["embed"] > 0.9
        assert str(address).startswith(f"L0.router  {trace.labels[at]}:embed ")


def test_weights_align_the_experts_that_could_mark() -> None:
    table = ls.subspace_scores(planted(), writers="L0.*", readers="L1.H0.K")
    ranked = best(table.alignment.values[:, 0], table.writer.values)
    assert set(ranked[:2]) == {"L0.E2", "L0.E3"}  # the weights do not know that no token uses expert 3
    assert float(table.p.sel(writer="L0.E2", reader="L1.H0.K")) < 0.01
    assert float(table.p.sel(writer="L0.E1", reader="L1.H0.K")) > 0.05
    loads = ls.subspace_scores(planted(), writers="embed", readers="L0.router")
    assert float(loads.alignment[0, 0]) > 0


def test_traffic_and_cuts_name_the_expert_that_is_used() -> None:
    prompts = task().judge.clean
    traffic = ls.traffic(planted(), prompts, readers="L1.H0.K", exact=True).traffic
    ranked = best(traffic.values[:, 0], traffic.writer.values)
    assert ranked[0] == "L0.E2"
    assert float(traffic.sel(writer="L0.E3")[0]) == 0
    assert np.nanmax(traffic.values[:, 0]) > 5 * float(traffic.sel(writer="L0.E1")[0])
    trace = ls.run(planted(), prompts, record=True)
    wires = [(writer, MARKED[1]) for writer in wiring(planted()).writers_of(MARKED[1])]
    effects = cut_each(trace, wires)
    changes = {str(writer): effect.change for (writer, _), effect in zip(wires, effects, strict=True)}
    assert max(changes, key=lambda writer: changes[writer]) == "L0.E2"
    assert changes["L0.E2"] > 10 * max(value for writer, value in changes.items() if writer != "L0.E2")


def test_the_circuit_of_the_task_has_the_expert_the_router_and_no_decoy() -> None:
    ranked = ls.attribute(task())
    into_K = ranked.where(ranked.reader == "L1.H0.K", drop=True)
    assert best(into_K.attribution.values, into_K.writer.values)[0] == "L0.E2"
    wires = {
        "embed -> L0.E2",
        "embed -> L0.router",
        "L0.E2 -> L1.H0.K",
        "embed -> L1.H0.V",
        "L1.H0 -> unembed",
    }
    on = measured(task().judge)

    def without(*names: str) -> float:
        mask = torch.zeros_like(on.live.exists)
        for name in wires - set(names):
            writer, reader = name.split(" -> ")
            mask[on.live.place_of_writer[parse_writer(writer)], on.live.place_of_reader[parse_reader(reader)]] = True
        return on.faithfulness(mask)

    assert abs(without() - 1) < 0.1
    for name in ("embed -> L0.E2", "embed -> L0.router"):  # no token is marked
        assert abs(without(name) - 0.5) < 0.1, name
    for name in ("L0.E2 -> L1.H0.K", "L1.H0 -> unembed"):  # the token of the counterfactual prompt is marked
        assert without(name) < 0.1, name
