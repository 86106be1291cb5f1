"""All results for one head: its roles, reads, stores, matches and readers, and the effect of its ablation."""

import itertools
import math
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from loadstore.axes import Tokens
from loadstore.bounds import Seed, Sequences
from loadstore.causal.ablation import ablation_effects
from loadstore.checkpoints.checkpoint import read_checkpoint
from loadstore.checkpoints.library import BUILTIN
from loadstore.errors import Undefined
from loadstore.evidence.head_facts import (
    WIRE_SCORES,
    AblationEffect,
    Dossier,
    MatchedPair,
    MovedToken,
    RoleScore,
    WireScore,
)
from loadstore.evidence.tables import check_table
from loadstore.heads.patterns import ROLES
from loadstore.heads.roles import head_roles
from loadstore.linear.factored import Factored
from loadstore.model.ports import ov
from loadstore.model.weights import Weights
from loadstore.scores.moved import matched, moved
from loadstore.scores.scores import subspace_scores
from loadstore.scores.vocabulary import copying
from loadstore.sites import SIDES, Head, parse_head
from loadstore.threads import threads_for

if TYPE_CHECKING:
    import xarray as xr

LEVEL = 0.01  # for a family of tests: the writers of one side, or all readers of one head
ROLE_SAMPLE = 8  # sequences of a given text; roles differ little between sequences, and every pattern is recorded
SAMPLE = 32  # sequences of the built-in held-out text; errors are about .01 nats, and the run is short


@threads_for(0)
def dossier(
    weights: Weights,
    head: Head | str,
    *,
    text: Tokens | None = None,
    roles: "xr.Dataset | None" = None,
    scores: "xr.Dataset | None" = None,
    offset: int | None = None,
    top: int = 8,
    sequences: Sequences = 20,
    seed: Seed = 0,
) -> Dossier:
    """Collect all results for a head from weights, from random repeats, and from text.

    Wires are ``above`` chance if p < .01 after Bonferroni correction over the writers of that side (reads) or over all
    readers of the head (readers). Ablation is by the mean.

    Args:
        weights: The model.
        head: The head.
        text: Tokens [sequence, token]. None: the built-in held-out text for the built-in model, no text for any other
            model.
        roles: ``ls.head_roles`` on the same repeats and seed, if already computed.
        scores: ``ls.subspace_scores``, if already computed.
        offset: Query − key, for rotary positions.
        top: How many tokens and pairs.
        sequences: How many random repeats.
        seed: The seed of the repeats.

    Returns:
        The dossier.

    Raises:
        NoSuchSite: The head does not exist.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> scores = ls.subspace_scores(model)
        >>> roles = ls.head_roles(model, sequences=4)
        >>> ls.experiments.dossier(model, "L1.H4", scores=scores, roles=roles, sequences=4).head
        'L1.H4'
    """
    head = weights.architecture.check(parse_head(head), weights.name)
    text = held_out(weights) if text is None else text
    move = ov(weights, head)
    check_table(roles, "roles", "ls.head_roles", weights, ROLES, head=str(head))
    check_table(scores, "scores", "ls.subspace_scores", weights, WIRE_SCORES, writer=str(head), reader=f"{head}.Q")
    if scores is None:
        reads, read_by = subspace_scores(weights, readers=f"{head}.*"), subspace_scores(weights, writers=str(head))
    else:
        reads, read_by = scores, scores.sel(writer=[str(head)])
    values = tuple(move.singular_values().double().tolist())
    copies = copying(weights, head, k=tuple(k for k in (1, 5) if k <= weights.architecture.vocab))
    stores = moved(weights, head, top=min(top, weights.architecture.vocab), k=min(5, weights.architecture.vocab))
    pairs, reason = _matched(weights, head, top, offset)
    on = [("random repeats", None)] + ([] if text is None else [("text", text)])
    return Dossier(
        model=weights.name,
        head=str(head),
        roles=tuple(
            score for name, tokens in on for score in _roles(weights, head, name, tokens, sequences, seed, roles)
        ),
        reads=tuple(wire for side in SIDES for wire in _wires(reads.sel(reader=[f"{head}.{side}"]))),
        readers=_wires(read_by),
        singular_values=values,
        structureless=structureless_values(move, seed),
        accuracy=tuple(zip(copies["k"].values.tolist(), copies.accuracy.values.tolist(), strict=True)),
        eigenvalue_score=float(copies.eigenvalue_score),
        moved=tuple(
            MovedToken(str(name), float(norm), tuple(map(str, promotes)))
            for name, norm, promotes in zip(
                stores.text.values, stores["norm"].values, stores.promoted_text.values, strict=True
            )
        ),
        typical_norm=float(stores.attrs["typical"]),
        matched=pairs,
        unmatched=reason,
        averaged=weights.architecture.rotary_of(head.layer) is not None,
        ablation=tuple(_effect(weights, head, name, tokens, sequences, seed) for name, tokens in on),
    )


def held_out(weights: Weights) -> Tokens | None:
    """The built-in model's held-out text, cut to its context; None for other models."""
    if weights.name != BUILTIN:
        return None
    path = Path(str(files("loadstore") / "data" / "held_out.safetensors"))
    return read_checkpoint(path).tensors["tokens"].long()[:SAMPLE, : weights.architecture.context]


def _roles(
    weights: Weights,
    head: Head,
    name: str,
    tokens: Tokens | None,
    sequences: int,
    seed: int,
    measured: "xr.Dataset | None",
) -> list[RoleScore]:
    if tokens is None and measured is not None:
        table = measured
    else:
        on = "repeats" if tokens is None else tokens[:ROLE_SAMPLE]
        table = head_roles(weights, on, sequences=sequences, seed=seed)
    row = table.sel(head=str(head))
    return [RoleScore(role, name, float(row[role]), float(row[f"{role}_se"])) for role in ROLES]


def _effect(
    weights: Weights, head: Head, name: str, tokens: Tokens | None, sequences: int, seed: int
) -> AblationEffect:
    table = ablation_effects(
        weights, [head], on="repeats" if tokens is None else tokens, sequences=sequences, seed=seed
    )
    name = "second copies of random repeats" if tokens is None else name
    return AblationEffect(name, float(table.intact), float(table.effect[0]), float(table.effect_se[0]))


def _wires(scores: "xr.Dataset") -> tuple[WireScore, ...]:
    """Every wire in a table of one row or column, best aligned first; wires without a score are omitted."""
    cells = itertools.product(scores["writer"].values.tolist(), scores["reader"].values.tolist())
    numbers = (scores[name].values.ravel().tolist() for name in WIRE_SCORES)
    scored = [
        (ends, dict(zip(WIRE_SCORES, values, strict=True))) for ends, *values in zip(cells, *numbers, strict=True)
    ]
    wires = [(ends, values) for ends, values in scored if not math.isnan(values["alignment"])]
    return tuple(
        WireScore(*ends, **values, above=values["p"] < LEVEL / len(wires))
        for ends, values in sorted(wires, key=lambda wire: -wire[1]["alignment"])
    )


def _matched(weights: Weights, head: Head, top: int, offset: int | None) -> tuple[tuple[MatchedPair, ...], str]:
    """The matched pairs, or none and the reason."""
    try:
        table = matched(weights, head, top=min(top, weights.architecture.vocab), offset=offset)
    except Undefined as reason:
        return (), str(reason)
    columns = (table["query_text"].values, table["key_text"].values, table["score"].values)
    return tuple(MatchedPair(str(q), str(k), float(s)) for q, k, s in zip(*columns, strict=True)), ""


def structureless_values(move: Factored, seed: int) -> tuple[float, ...]:
    """Singular values of a product of two Gaussian matrices of the same shapes, scaled to the same norm."""
    generator = torch.Generator().manual_seed(seed)
    left, right = (torch.randn(m.shape, generator=generator, dtype=torch.float64) for m in (move.left, move.right))
    values = Factored(left, right).singular_values()
    return tuple((values * float(move.norm()) / values.norm()).tolist())
