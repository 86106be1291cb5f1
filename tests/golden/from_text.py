"""Numbers of many tokens: traffic and its moments, the stream's null, wires side by side, roles, orders, dossiers."""

import math
from collections.abc import Iterator

import numpy as np
import torch
import xarray as xr
from golden import functions as of
from golden.cases import Case
from golden.summary import Result
from torch import Tensor

Named = Iterator[tuple[str, Result]]
TEXTS = [
    "the cat sat on the mat. the dog sat on the log.",
    "a cup of tea, a cup of milk, a cup of water.",
    "my name is Tom. my name is Mary. her name is Ann.",
]


def results(case: Case) -> Named:
    """Every result by its id."""
    yield from carried(case)
    yield from roles(case)
    yield from heads(case)
    yield from circuits(case)
    yield from verified(case)


def corpus(case: Case) -> list[str] | Tensor:
    """A few documents."""
    if not case.is_tiny:
        return TEXTS[:2] if case.is_large else TEXTS
    return torch.randint(17, (4, 9), generator=torch.Generator().manual_seed(5))


def carried(case: Case) -> Named:
    """Traffic, factorised and exact, and what it is made from."""
    text = of.read_corpus(case.model, corpus(case))
    readers = list(case.readers)
    kept = of.moments(case.model, text, readers=readers)
    yield "corpus/tokens", [str(one) for one in kept.tokens.tolist()]
    yield "corpus/counts", of.token_counts(case.model, corpus(case))
    yield "moments/covariance", kept.covariance(case.early, f"{case.late}.K")
    for exact in (False, True):
        if exact and case.is_large:
            continue
        found = of.traffic(case.model, kept, readers=readers, exact=exact)
        for name in ("traffic", "share", "own", "standard_error"):
            yield f"traffic/{'exact' if exact else 'factorised'}/{name.replace('_', ' ')}", found[name]
    stream = of.stream_moments(case.model, kept if case.is_tiny else corpus(case))
    points = [stream[point] for point in sorted(stream)]
    chosen = points if case.is_tiny else [points[0], points[len(points) // 2], points[-1]]
    for place, moment in enumerate(chosen):
        yield f"stream moments/{place}", moment
    if not case.is_large:
        found = of.scores(case.model, readers=[f"{case.late}.?", "unembed"], null="stream", stream=stream)
        yield "scores/stream/alignment", found.alignment
        yield "scores/stream/z", found.z
    found = of.wires(case.model, kept, readers=readers, top=None if case.is_tiny else 12, effect=2)
    yield "wires/order", [f"{w} → {r}" for w, r in zip(found["writer"].values, found["reader"].values, strict=True)]
    for name in ("alignment", "traffic", "share", "change", "kl", "target"):
        yield f"wires/{name}", found[name]


def roles(case: Case) -> Named:
    """What heads do, and the loss by the number of heads in a row."""
    asks = {"given tokens": {"on": case.batch}}
    if not case.is_large:
        asks |= {"repeats": {"sequences": 3}, "random": {"on": "random", "sequences": 3}}
    for name, how in asks.items():
        found = of.roles(case.model, **how)
        every = ("previous", "current", "first", "duplicate", "induction")
        yield f"roles/{name}", xr.concat([found[role] for role in every], "role")
        yield f"roles/{name}/error", xr.concat([found[f"{role}_se"] for role in every], "role")
    if case.model.architecture.mlp is None:
        found = of.orders(case.model, corpus(case))
        for name in ("loss_up_to", "loss_without"):
            yield f"orders/{name.replace('_', ' ')}", found[name].values
            yield f"orders/{name.replace('_', ' ')} error", found[f"{name}_se"].values
        yield "orders/intact", float(found.intact)


def heads(case: Case) -> Named:
    """One head's dossier."""
    if case.is_large:
        return
    found = of.dossier(case.model, case.late, text=case.batch, top=4, sequences=3, offset=case.offset)
    for name, wires in (("reads", found.reads), ("readers", found.readers)):
        yield f"dossier/{name}", [f"{wire.writer} → {wire.reader}" for wire in wires]
        yield f"dossier/{name}/z", [wire.z for wire in wires]
        yield f"dossier/{name}/log p", [math.log(max(wire.p, 1e-300)) for wire in wires]
        yield f"dossier/{name}/above chance", [f"{wire.writer} → {wire.reader}" for wire in wires if wire.above]
    yield "dossier/roles", {f"{one.role} {one.on}": one.score for one in found.roles if one.on == "text"}
    yield "dossier/singular values", list(found.singular_values)
    yield "dossier/structureless", list(found.structureless)
    yield "dossier/moved", [one.norm for one in found.moved]
    yield "dossier/matched", [one.score for one in found.matched]
    numbers = {"eigenvalues": found.eigenvalue_score, "typical norm": found.typical_norm}
    yield "dossier/numbers", numbers | {"participation": found.participation, "accuracy": found.accuracy[0][1]}
    for one in found.ablation:
        yield f"single/dossier/ablation/{one.on}", {"intact": one.intact, "effect": one.effect, "error": one.error}


def circuits(case: Case) -> Named:
    """Induction circuits without what depends on controls: `controls` has the rest."""
    if case.is_large:
        return
    found = case.circuits
    yield "circuits/pairs", [str(one) for one in found["pair"].values]
    for name in ("alignment", "z", "traffic", "traffic_rank", "previous", "induction", "change", "change_se"):
        yield f"circuits/{name.replace('_', ' ')}", found[name]
    yield "circuits/log p", np.log(found.p.clip(1e-300))
    yield "circuits/log q", np.log(found.q.clip(1e-300))
    uniform = {name: float(found[f"{name}_uniform"][0]) for name in ("previous", "induction")}
    yield "circuits/together", uniform | {"change": found.attrs["together"]}


def verified(case: Case) -> Named:
    """A listing's cuts without what depends on controls: `controls` has the rest."""
    for name, found in case.verdicts.items():
        yield f"verified/{name}/cuts", [check.claim.text for check in found.checks]
        for what in ("traffic", "effect", "change", "probability", "mean", "standard_error"):
            yield f"verified/{name}/{what.replace('_', ' ')}", [getattr(check, what) for check in found.checks]
        yield f"verified/{name}/sign", [check.claim.sign for check in found.checks]
        rows = [pair for check in found.checks for pair in check.attention]
        yield f"verified/{name}/attention", rows or [0.0]
