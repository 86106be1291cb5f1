"""Tiny models whose circuit of a task is known by construction: an induction chain with decoys, in a random gauge.

The stream has blocks: E (the token), P (the position), S (the token before), G (the token, from an MLP), A (the
answer), O (the answer, limited), J (junk that nobody loads). All is float64, without norms.

    L0.H1   attends to the token before, E → S
    L0.mlp  E → G                                     only with ``mlp``
    L1.H2   Q: E, K: S, V: (1 − SHARE) E + SHARE G, into A: what followed this token
    L1.mlp  A → O, min(A, 1)                          only with ``mlp``
    unembed reads O with ``mlp``, else A

A prompt is ``BOS x y z w x``, and the answer is y. The counterfactual exchanges x and z before (template K), the last
token (template Q), or y and w (template V); then the answer is w. The metric is logit(y) less that of a token whose
logit is always ½: m(all) = ½, m(none) = −½. A wire that only one template needs is worth a third of F.
"""

from dataclasses import dataclass, replace
from random import Random

import torch
from circuits.planted_task import BAR, VOCAB, planted_task
from torch import Tensor

from loadstore.circuits.circuit import Circuit
from loadstore.circuits.digests import digest
from loadstore.circuits.live import live
from loadstore.circuits.task import Task
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer, MlpLayer
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights
from loadstore.sites import Reader, Writer, parse_reader, parse_writer

Wire = tuple[Writer, Reader]
LENGTH, WIDTH, HEADS, SHARPNESS, SHARE = 6, 16, 3, 30.0, 0.25
BLOCKS = {name: slice(start, start + WIDTH) for start, name in zip(range(0, 7 * WIDTH, WIDTH), "EPSGAOJ", strict=True)}
D_MODEL = 7 * WIDTH


@dataclass(frozen=True)
class Planted:
    """A model, its task, and the circuit that solves it.

    Args:
        model: The model, in a random gauge.
        task: Pairs of three templates in all three splits.
        drops: For each planted wire: how much F of the planted circuit falls without it.
        decoys: Wires of writers that store large vectors which nobody loads.
        backup: The wires of the head L1.H1, which duplicates L1.H2; () without it. Either head suffices.
    """

    model: Weights
    task: Task
    drops: dict[Wire, float]
    decoys: tuple[Wire, ...]
    backup: tuple[Wire, ...]

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The planted wires, without the backup."""
        return tuple(self.drops)

    def circuit(self, *, backup: bool = False) -> Circuit:
        """The planted circuit, with the backup head on request."""
        return self.of((*self.wires, *(wire for wire in self.backup if backup)))

    def of(self, wires: tuple[Wire, ...]) -> Circuit:
        """A circuit of any wires."""
        facts = (self.model.name, digest(self.model), self.task.name, str(self.task.metric), "planted")
        nothing = (float("nan"),) * len(wires)
        return Circuit(*facts, "counterfactual", "free", live(self.model).count, wires, nothing)


def planted(*, mlp: bool = False, backup: bool = False, seed: int = 0) -> Planted:
    """Build the model and its task; ``backup`` needs ``mlp``, whose last layer lets either head suffice."""
    assert mlp or not backup
    random, dice = Random(seed), torch.Generator().manual_seed(seed)
    gauge = torch.linalg.qr(torch.randn(D_MODEL, D_MODEL, generator=dice, dtype=torch.float64))[0]
    shift = torch.zeros(WIDTH, WIDTH, dtype=torch.float64)
    shift[1:, :-1] = torch.eye(WIDTH - 1)
    shift[0, 0] = 1.0
    share = SHARE if mlp else 0.0
    previous = _head(_into("P", shift), _reads("P"), _reads("E"), _reads("S"), size=50.0)
    value = (1 - share) * _reads("E") + share / 2 * _reads("G")
    induction = _head(_reads("E"), _reads("S") / 50, value, _reads("A"), size=1.0)
    first = [_decoy(dice), previous, _decoy(dice)]
    second = [_decoy(dice), induction if backup else _decoy(dice), induction]
    layers = (_layer(first, _mlp("E", "G", 2.0) if mlp else None), _layer(second, _limit() if mlp else None))
    b_U = torch.zeros(VOCAB, dtype=torch.float64)
    b_U[BAR] = 0.5
    model = Weights(
        architecture=Architecture(
            *(2, HEADS, D_MODEL, WIDTH, VOCAB, LENGTH, "learned"), mlp=Mlp(2 * WIDTH, False, "relu") if mlp else None
        ),
        W_E=_reads("E").mT,
        W_pos=_reads("P")[:, :LENGTH].mT,
        layers=layers,
        W_U=_reads("O" if mlp else "A"),
        b_U=b_U,
        name="planted circuit",
    )
    model = _rotated(model, gauge)
    task = planted_task(model, random)
    return Planted(model, task, _drops(mlp=mlp), *_others(backup=backup, mlp=mlp))


def wire(text: str) -> Wire:
    """Read ``L0.H1 -> L1.H2.K``."""
    writer, reader = text.split(" -> ")
    return parse_writer(writer), parse_reader(reader)


def _drops(*, mlp: bool) -> dict[Wire, float]:
    """The planted wires with what each is worth."""
    each = {"embed -> L0.H1.V": 1 / 3, "L0.H1 -> L1.H2.K": 1 / 3, "embed -> L1.H2.Q": 1 / 3}
    if not mlp:
        each |= {"embed -> L1.H2.V": 1 / 3, "L1.H2 -> unembed": 1.0}
    else:
        each |= {"embed -> L1.H2.V": (1 - SHARE) / 3, "embed -> L0.mlp": SHARE / 3, "L0.mlp -> L1.H2.V": SHARE / 3}
        each |= {"L1.H2 -> L1.mlp": 1.0, "L1.mlp -> unembed": 1.0}
    return {wire(text): drop for text, drop in each.items()}


def _others(*, backup: bool, mlp: bool) -> tuple[tuple[Wire, ...], tuple[Wire, ...]]:
    """Wires of decoys, and those of the backup head."""
    decoys = ["L0.H0 -> L1.H2.K", "L0.H2 -> L1.H2.V", "embed -> L0.H0.V", "L1.H0 -> unembed", "embed -> L1.H0.V"]
    sides = ["embed -> L1.H1.Q", "L0.H1 -> L1.H1.K", "embed -> L1.H1.V", "L0.mlp -> L1.H1.V", "L1.H1 -> L1.mlp"]
    assert mlp or not backup
    return tuple(map(wire, decoys)), tuple(map(wire, sides if backup else []))


def _head(query: Tensor, key: Tensor, value: Tensor, output: Tensor, size: float) -> tuple[Tensor, ...]:
    """The four matrices of a head, each [d_model, d_head]; it stores ``size`` times what it loads."""
    gain = (SHARPNESS * WIDTH**0.5) ** 0.5
    return gain * query, gain * key, value, size * output


def _decoy(dice: torch.Generator) -> tuple[Tensor, ...]:
    """A head that loads tokens, positions and junk at random, and stores large junk."""
    q, k, v = (
        sum(_into(block, torch.randn(WIDTH, WIDTH, generator=dice, dtype=torch.float64)) for block in "EPJ")
        for _ in range(3)
    )
    size = 100 * float(torch.rand(1, generator=dice))
    return q * 0.1, k * 0.1, v, _into("J", size * torch.randn(WIDTH, WIDTH, generator=dice, dtype=torch.float64))


def _layer(heads: list[tuple[Tensor, ...]], mlp: MlpLayer | None) -> Layer:
    q, k, v, out = (torch.stack([head[part] for head in heads]) for part in range(4))
    return Layer(W_Q=q, W_K=k, W_V=v, W_O=out.mT.contiguous(), mlp=mlp)


def _mlp(source: str, target: str, size: float) -> MlpLayer:
    """A copy of one block, of entries from 0 up, into another."""
    wide = torch.cat([_reads(source), torch.zeros(D_MODEL, WIDTH, dtype=torch.float64)], 1)
    return MlpLayer(W_in=wide, W_out=size * torch.cat([_reads(target), torch.zeros_like(_reads(target))], 1).mT)


def _limit() -> MlpLayer:
    """min(A, 1) into O: relu(a) − relu(a − 1)."""
    bias = torch.cat([torch.zeros(WIDTH), -torch.ones(WIDTH)]).double()
    W_in = torch.cat([_reads("A"), _reads("A")], 1)
    return MlpLayer(W_in=W_in, W_out=torch.cat([_reads("O"), -_reads("O")], 1).mT, b_in=bias)


def _rotated(model: Weights, gauge: Tensor) -> Weights:
    """The same function in another basis of the stream."""
    assert model.W_pos is not None

    def mlp(part: MlpLayer | None) -> MlpLayer | None:
        return None if part is None else replace(part, W_in=gauge.mT @ part.W_in, W_out=part.W_out @ gauge)

    layers = tuple(
        replace(
            layer,
            W_Q=gauge.mT @ layer.W_Q,
            W_K=gauge.mT @ layer.W_K,
            W_V=gauge.mT @ layer.W_V,
            W_O=layer.W_O @ gauge,
            mlp=mlp(layer.mlp),
        )
        for layer in model.layers
    )
    return replace(model, W_E=model.W_E @ gauge, W_pos=model.W_pos @ gauge, layers=layers, W_U=gauge.mT @ model.W_U)


def _reads(block: str) -> Tensor:
    """The identity from one block to the inside of a head, [d_model, d_head]."""
    return _into(block, torch.eye(WIDTH, dtype=torch.float64))


def _into(block: str, matrix: Tensor) -> Tensor:
    whole = torch.zeros(D_MODEL, WIDTH, dtype=torch.float64)
    whole[BLOCKS[block]] = matrix
    return whole
