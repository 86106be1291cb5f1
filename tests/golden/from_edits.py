"""Numbers of edited passes: ablations, cuts, patches and frozen parts, metrics, sweeps, effects of heads and wires."""

from collections.abc import Iterator

import xarray as xr
from golden import functions as of
from golden.cases import Case
from golden.summary import Result

from loadstore.execution.edits import Edit

Named = Iterator[tuple[str, Result]]


def results(case: Case) -> Named:
    """Every result by its id."""
    for name, edits in edits_of(case).items():
        if case.is_large and name in ("freeze norms", "all together"):
            continue  # under the norms of another prompt thirty layers grow beyond any number format
        yield f"edited/{name}", of.run(case.model, case.ids, edits).logits
    yield from batches(case)
    yield from metrics(case)
    yield from sweeps(case)
    yield from cuts(case)
    yield from ablations(case)


def edits_of(case: Case) -> dict[str, list[Edit]]:
    """Every kind of edit, and some together."""
    early, late, other, batched = case.early, case.late, case.other, case.batched
    network = of.wiring(case.model)
    readers = {"Q": f"{late}.Q", "K": f"{late}.K", "V": f"{late}.V", "unembed": "unembed"}
    if case.mlp is not None:
        readers["MLP"] = f"L{of.head(late).layer}.mlp"
    found: dict[str, list[Edit]] = {
        "ablate": [of.ablate(early)],
        "ablate by zero": [of.ablate(late, by="zero")],
        "ablate over a batch": [of.ablate(early, over=batched)],
        "ablate by resampling": [of.ablate(early, by="resample", over=other, seed=3)],
        "ablate at": [of.ablate(early, at=[2, -1])],
        "ablate a channel": [of.ablate(early, channel=1)],
        "ablate embed": [of.ablate("embed", at=1)],
        **{f"cut into {name}": [of.cut(early, reader)] for name, reader in readers.items()},
        **{f"cut embed from {name}": [of.cut("embed", reader)] for name, reader in readers.items()},
        "cut by zero": [of.cut(early, readers["K"], by="zero")],
        "cut over a batch": [of.cut(early, readers["V"], over=batched)],
        "cut by resampling": [of.cut(early, readers["V"], by="resample", over=other, seed=3)],
        "cut at": [of.cut(early, readers["Q"], at=-1)],
        "cut channels": [of.cut(early, readers["V"], channel=range(1, 3))],
        "patch": [of.patch(early, other)],
        "patch into V": [of.patch(early, other, reader=readers["V"])],
        "patch embed into K": [of.patch("embed", other, reader=readers["K"])],
        "patch at": [of.patch(early, other, at=[1, -1])],
        "patch a channel": [of.patch(early, other, channel=1)],
        "freeze patterns": [of.freeze("patterns", other)],
        "freeze some patterns": [of.freeze("patterns", other, heads=[late])],
        "freeze norms": [of.freeze("norms", other)],
        "all together": [
            of.ablate(early, at=0),
            of.cut("embed", readers["Q"]),
            of.patch(early, other, reader=readers["V"]),
            of.freeze("norms", other),
        ],
    }
    writers = {str(one) for one in network.writers}
    if case.mlp is not None:
        found |= {"ablate MLP": [of.ablate(case.mlp)], "cut MLP": [of.cut(case.mlp, readers["K"])]}
    if "pos" in writers:
        found |= {"ablate pos": [of.ablate("pos")], "cut pos": [of.cut("pos", readers["K"])]}
        found["patch pos"] = [of.patch("pos", other, reader=readers["Q"])]
    if "L0.bias" in writers:
        found["ablate bias"] = [of.ablate("L0.bias", by="zero")]
    if case.is_large:
        kept = ("ablate", "cut into K", "cut into MLP", "ablate a channel", "patch into V", "all together")
        return {name: found[name] for name in kept}
    return found


def batches(case: Case) -> Named:
    """Edits of several prompts at once, whose means are those of the batch."""
    edits = [of.ablate(case.early), of.cut("embed", f"{case.late}.K")]
    yield "edited/batch", of.run(case.model, case.batch, edits).logits


def metrics(case: Case) -> Named:
    """Every metric of an intact and of an edited run."""
    at = len(case.ids) - 1
    asked = of.question(case.trace)
    edits = [of.ablate(case.early), of.cut("embed", f"{case.late}.K")]
    edited = of.run(case.model, case.ids, edits, record=True) if case.is_large else case.trace
    for name, metric in {
        "KL": of.kl(),
        "KL at": of.kl(at=-2),
        "loss": of.loss(),
        "loss from": of.loss(start=4),
        "log-probability": of.log_probability(asked.predict),
        "logit difference": of.logit_difference(asked.predict, asked.against, at=-2),
        "pattern entry": of.pattern_entry(case.late, at, at - 1),
    }.items():
        if case.is_large and name != "KL":  # the same from one edited run: `effect` would make two a metric
            before, after = (float(metric(one, case.trace)[0]) for one in (case.trace, edited))
            yield f"metric/{name}", {"before": before, "after": after, "change": after - before}
            continue
        found = of.effect(case.model, case.ids, edits, metric)
        yield f"metric/{name}", {"before": found.before, "after": found.after, "change": found.change}
        if case.is_large:
            continue
        found = of.effect(case.model, case.batch, edits, metric)
        yield f"metric/{name}/batch", {"before": found.before, "change": found.change, "error": found.standard_error}
    yield "metric/loss/intact", float(of.loss()(case.trace, case.trace)[0])


def sweeps(case: Case) -> Named:
    """Wires cut and patched, one at a time."""
    asked = of.question(case.trace)
    wires = f"L{of.head(case.early).layer}.* -> {case.late}.?" if not case.is_tiny else "* -> *"
    probability = of.log_probability(asked.predict)
    found = of.sweep(case.trace, wires, metric=probability)
    yield "sweep/log-probability", found.change
    yield "sweep/before", {"before": found.attrs["before"]}
    if case.is_large:
        return
    yield "sweep/patched", of.sweep(case.trace, wires, metric=probability, source=case.other).change
    some = f"* -> {case.late}.?" if case.is_tiny else f"{case.early} -> {case.late}.?"
    for name, metric in (("KL", of.kl()), ("loss", of.loss(start=2)), ("pattern", of.pattern_entry(case.late, -1, 1))):
        found = of.sweep(case.batched, some, metric=metric)
        yield f"sweep/{name}/change", found.change
        yield f"sweep/{name}/error", found.standard_error


def cuts(case: Case) -> Named:
    """What a cut does to its own reader and to the prediction; traffic of a side on one run."""
    network = of.wiring(case.model)
    asked = of.question(case.trace)
    target = len(case.ids) - 1, asked.predict
    for side in "QK":
        found = of.own_cuts(case.trace, f"{case.late}.{side}")
        for name in ("traffic", "score", "change"):
            yield f"own cuts/{side}/{name}", found[name]
    yield "own cuts/intact", float(found.intact)
    for side in "QKV":
        found = of.traffic_of_side(case.trace, f"{case.late}.{side}")
        yield f"traffic of a side/{side}", xr.DataArray(list(found.values()), {"writer": list(found)}, ("writer",))
    readers = [f"{case.late}.{side}" for side in "QKV"]
    readers += [f"L{of.head(case.late).layer}.mlp"] if case.mlp else []
    if not case.is_large:
        readers.append("unembed")
    wires = [network.wire(writer, reader) for reader in readers for writer in (case.early, "embed")]
    for name, chosen in (("next token", None), ("one token", target)):
        found = of.effects_of_cuts(case.trace, wires, chosen)
        for what in ("change", "kl", "target"):
            yield f"effects of cuts/{name}/{what}", [getattr(one, what) for one in found]
    after = of.run(case.model, case.ids, [of.ablate(case.early)], record=True)
    yield "ablated run/logit parts", of.logit_parts(after, -1, asked.predict)
    found = of.address(after, case.late, -1).shares["K"]
    yield "ablated run/address", xr.DataArray(list(found.values()), {"writer": list(found)}, ("writer",))
    edit = {"kind": "cut", "writer": case.early, "reader": f"{case.late}.K"}
    document = case.answered("effect", at=target[0], edits=[edit], predict=asked.predict)
    yield "edit in the explorer", {"change": document["change"], "kl": document["kl"]}


def ablations(case: Case) -> Named:
    """The change of loss with heads ablated; losses are rounded to float32 there."""
    if case.is_large:
        return
    groups = [case.early, case.late, (case.early, case.late)]
    for name, how in {
        "repeats": {"sequences": 3},
        "by zero": {"by": "zero", "sequences": 3},
        "tokens": {"on": case.batch},
        "with edits": {"on": case.batch, "edits": [of.cut("embed", f"{case.late}.K")]},
    }.items():
        found = of.ablation(case.model, groups, **how)
        numbers = {"intact": float(found.intact)}
        for what in ("loss", "effect", "effect_se"):
            numbers |= {f"{what} {head}": float(v) for head, v in zip(groups[:2], found[what].values[:2], strict=True)}
        yield f"single/ablation/{name}", numbers
        yield f"single/ablation/{name}/together", {"loss": float(found.loss[2]), "effect": float(found.effect[2])}
    tokens = of.random_repeats(case.model, 2, 4)
    yield "single/second copies", {"loss": of.second_copy_loss(case.model, tokens)}
