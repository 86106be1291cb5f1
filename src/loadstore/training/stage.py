"""What is measured of one checkpoint of a run: losses, heads, and the induction circuit that it ends with."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from loadstore.causal.own_cuts import own_cuts
from loadstore.causal.proof import induction_circuit
from loadstore.circuits.attribution import attribute
from loadstore.circuits.named import task
from loadstore.errors import BadRequest, Undefined
from loadstore.execution.forward import forward
from loadstore.execution.run import run
from loadstore.heads.patterns import ROLES
from loadstore.heads.roles import head_roles, random_repeats, second_copy_loss
from loadstore.model.weights import Weights
from loadstore.scores.scores import subspace_scores
from loadstore.scores.vocabulary import eigenvalue_score, full_ov
from loadstore.sites import Head
from loadstore.training.batches import Batch

EARLY, LATE, OF = 50, 500, 512  # tokens of Olsson's score, and the context that it is of
SEQUENCES = 16
POINTS = 2


@dataclass(frozen=True, slots=True)
class Pair:
    """The previous-token head and the induction head that a run ends with."""

    previous: Head
    induction: Head


def eventual_pair(weights: Weights) -> Pair | None:
    """The strongest induction head behind layer 0, and the strongest previous-token head of the layers before it."""
    roles = head_roles(weights, sequences=SEQUENCES)
    heads = weights.architecture.heads

    def strongest(role: str, among: list[Head]) -> Head:
        return max(among, key=lambda head: float(roles[role].sel(head=str(head)).fillna(0.0)))

    later = [head for head in heads if head.layer > 0]
    if not later:
        return None
    induction = strongest("induction", later)
    return Pair(strongest("previous", [head for head in heads if head.layer < induction.layer]), induction)


def losses(weights: Weights, batch: Batch) -> dict[str, float]:
    """Loss of the data that is trained on, in nats, and the in-context-learning score.

    Olsson et al. (2022) take the loss at token 500 less that at token 50, of 512; here at those shares of a sequence.
    """
    with torch.no_grad():
        logits = forward(weights, batch.tokens)
    each = F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), reduction="none").view(batch.targets.shape)
    early, late = places(each.shape[1])
    return {
        "loss": float((each * batch.weight).sum() / batch.weight.sum()),
        "early_loss": _at(each, early),
        "late_loss": _at(each, late),
        "in_context": _at(each, late) - _at(each, early),
    }


def places(length: int) -> tuple[int, int]:
    """The targets that are early and late in a sequence, counted from 0."""
    return max(0, round(length * EARLY / OF) - 1), max(0, round(length * LATE / OF) - 1)


def _at(each: Float[Tensor, "batch token"], target: int) -> float:
    return float(each[:, target].mean())


def of_heads(weights: Weights) -> dict[str, list[float]]:
    """Role scores of every head, and how much it promotes what it attends to (Σλ/Σ|λ| of its full OV)."""
    roles = head_roles(weights, sequences=SEQUENCES)
    scores = {role: [float(value) for value in roles[role].values] for role in ROLES}
    return scores | {"copying": [eigenvalue_score(full_ov(weights, head)) for head in weights.architecture.heads]}


def of_pair(weights: Weights, pair: Pair | None, pairs: int) -> Mapping[str, float]:
    """The wire from the previous-token head to the induction head's K, and the attribution of their circuit.

    ``effect``: by how much the induction head's score falls when the wire is cut.
    """
    repeats = random_repeats(weights, SEQUENCES)
    intact = second_copy_loss(weights, repeats)
    if pair is None:
        return {"second_copy": intact} | dict.fromkeys(("alignment", "traffic", "effect", "attribution"), math.nan)
    writer, reader = str(pair.previous), f"{pair.induction}.K"
    cut = own_cuts(run(weights, repeats), reader).sel(writer=writer)
    return {
        "second_copy": intact,
        "alignment": subspace_scores(weights, writers=writer, readers=reader).alignment.item(),
        "traffic": cut.traffic.item(),
        "effect": (cut.intact - cut.score).item(),
        "attribution": _attribution(weights, pair, pairs),
    }


def _attribution(weights: Weights, pair: Pair, pairs: int) -> float:
    """Signed attributions of the circuit's wires on the task of induction, added; NaN where there is no such task."""
    try:
        ranked = attribute(task(weights, "induction", pairs=pairs), points=POINTS)
    except (BadRequest, Undefined):  # too few tokens or a context that is too short; a metric that does not change
        return math.nan
    circuit = {(str(writer), str(reader)) for writer, reader in induction_circuit(pair.previous, [pair.induction])}
    wires = zip(ranked.writer.values.tolist(), ranked.reader.values.tolist(), strict=True)
    return sum(value for wire, value in zip(wires, ranked.signed.values.tolist(), strict=True) if wire in circuit)
