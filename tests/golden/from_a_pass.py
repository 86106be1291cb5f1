"""Numbers of one pass without edits: what was stored and loaded, and its exact decompositions."""

from collections.abc import Iterator

import numpy as np
import xarray as xr
from golden import functions as of
from golden.cases import Case
from golden.summary import Result

Named = Iterator[tuple[str, Result]]


def results(case: Case) -> Named:
    """Every result by its id."""
    yield from run(case)
    yield from parts(case)
    yield from addresses(case)
    yield from listings(case)
    yield from uses(case)


def run(case: Case) -> Named:
    """The pass itself."""
    trace, last = case.trace, case.model.architecture.n_layers
    yield "run/tokens", [str(one) for one in case.ids]
    yield "run/logits", trace.logits
    yield "run/batch logits", case.batched.logits
    yield "run/pattern", trace.pattern(case.late)
    yield "run/scores", trace.scores(case.late).tril()
    for name, writer in (
        ("head", case.late),
        ("embed", "embed"),
        ("MLP", case.mlp),
        ("bias", "L0.bias"),
        ("pos", "pos"),
    ):
        if writer in {str(one) for one in of.wiring(case.model).writers}:
            yield f"run/stored by {name}", trace.written(writer)
    yield "run/stream", trace.residual(last)
    for side in "QKV":
        whole = sum(part for part in of.reader_parts(trace, f"{case.late}.{side}").values())
        yield f"run/{side}", whole[0]
    if case.mlp is not None:
        yield "run/inside of MLP", sum(part for part in of.reader_parts(trace, case.mlp).values())[0]
    asked = of.question(trace)
    yield "question/tokens", [str(asked.predict), str(asked.against), str(of.main_head(trace, asked))]
    yield "question/probability", {"probability": asked.probability}
    strength = of.attention_on_roles(trace)
    looked = [(place, role) for place, some in enumerate(strength) for role in of.ROLES if of.mostly_on(some, role)]
    yield "roles on a prompt/heads", [f"{place} {role}" for place, role in looked]
    yield "roles on a prompt/strength", strength


def parts(case: Case) -> Named:
    """The stream, logits, outputs and scores as sums over writers."""
    trace, shape, at = case.trace, case.model.architecture, len(case.ids) - 2
    asked = of.question(trace)
    yield "stream/parts", of.residual_parts(trace, shape.n_layers, at)
    yield "stream/parts below", of.residual_parts(trace, 1, at)
    yield "logit/parts", of.logit_parts(trace, at, asked.predict)
    yield "logit/parts of a difference", of.logit_parts(trace, at, asked.predict, against=asked.against)
    if not case.is_large:
        yield "logit/parts by source", of.logit_parts(trace, at, asked.predict, by_source=True)
        yield "output/parts", of.output_parts(trace, case.late, at)
        yield "score/parts of every pair", of.score_parts(trace, case.late)
    yield "output/parts along", of.output_parts(trace, case.late, at, along=trace.written(case.late)[at])
    yield "score/parts", of.score_parts(trace, case.late, at, 1)
    for layer in (1, shape.n_layers):
        found = of.stores(trace, layer, at, top=2)
        names = [one.writer for one in found]
        yield f"stores/{layer}/share", xr.DataArray([one.share for one in found], {"writer": names}, ("writer",))
        yield f"stores/{layer}/norm", xr.DataArray([one.norm for one in found], {"writer": names}, ("writer",))
        yield f"stores/{layer}/cosine", [cosine for one in found for _, cosine in one.nearest]
        nearest = [str(index) for one in found for index, _ in one.nearest]
        yield f"stores/{layer}/nearest", nearest


def addresses(case: Case) -> Named:
    """Addresses about a key, two keys, the row, and the difference of two runs; the walk of one."""
    trace, at = case.trace, len(case.ids) - 1
    known = [key for key in range(at + 1) if float(trace.pattern(case.late)[at, key]) > 0]
    asks = {
        "most": {},
        "key": {"about": known[0]},
        "two keys": {"about": (known[1], known[0])},
        "row": {"about": "row"},
    }
    for name, how in (asks | {"two runs": {"against": case.other}}).items():
        found = of.address(trace, case.late, at, **how)
        shares = {f"{side} {writer}": value for side in "QKV" for writer, value in found.shares[side].items()}
        yield f"address/{name}", xr.DataArray(list(shares.values()), {"share": list(shares)}, ("share",))
        if name == "most":
            yield "address/attention", list(found.weights)
            tied = sorted(found.smallest)  # equal tokens without positions have equal attention, but for rounding
            yield "address/tokens", [str(one) for one in (found.key, *tied)]
            yield "address/effective", {"tokens": found.effective}
            for side, read in found.read.items():
                yield f"address/read/{side}", [str(index) for index, _, _ in read.nearest]
                yield f"address/read/{side} cosine", [cosine for _, _, cosine in read.nearest]
    for about in ("most", "row"):
        found = of.walk(trace, case.late, at, about=about)
        yield f"walk/{about}/parts", found.parts
        yield f"walk/{about}/share", found.share


def listings(case: Case) -> Named:
    """The program of a prediction: its steps, what each loaded, and the shares."""
    few = 6 if case.is_large else 24
    for name, how in {"": {}, "/against": {"against": _other(case)}, "/share": {"share": 0.5, "at": -2}}.items():
        found = of.listing(case.trace, top=few, **how)
        yield f"listing{name}/steps", [f"{step.site}@{step.at}" for step in found.steps]
        numbers = {"logit": found.logit, "contrast": found.contrast, "probability": found.probability}
        yield f"listing{name}/target", numbers | {"explained": found.explained, "left": found.left}
        for what in ("weight", "carried") if name else ("weight", "carried", "stored"):
            yield f"listing{name}/{what}", [getattr(step, what) for step in found.steps]
        loads = [found.target, *(load for step in found.steps for load in step.loads)]
        yield f"listing{name}/share", [part.share for load in loads for part in load.parts]
        if not name:
            yield "listing/rest", [load.rest for load in loads]
            yield "listing/attention", [weight for step in found.steps for weight in step.attended]
            yield "listing/cosine", [step.decoded[1] for step in found.steps if step.decoded is not None]
            names = [f"{part.writer}@{part.token}" for load in loads for part in load.parts]
            yield "listing/loaded", sorted(names)
            yield "listing/wires", [f"{writer} → {reader}" for writer, reader in found.wires]


def _other(case: Case) -> int:
    return of.question(case.trace).against


def uses(case: Case) -> Named:
    """Who loaded one store, and how many loads each store makes up: exact shares over all later heads."""
    trace, late = case.trace, len(case.ids) - 3
    for name, writer in (
        ("embed", "embed"),
        ("head", case.early),
        ("MLP", case.mlp),
        ("bias", "L0.bias"),
        ("pos", "pos"),
    ):
        if writer not in {str(one) for one in of.wiring(case.model).writers}:
            continue
        if case.is_large and name != "head":
            continue
        found = of.loads_of_store(trace, writer, late)
        for what in ("share", "traffic"):
            loads = found[what].transpose("query", "head", "side").stack(load=("head", "side", "query"))
            loads = loads[~np.isnan(found["traffic"].stack(load=("head", "side", "query")).values)]
            names = [f"{head}.{side}@{query}" for head, side, query in loads["load"].values]
            yield f"loads of a store/{name}/{what}", xr.DataArray(loads.values, {"load": names}, ("load",))
    table = of.loaded(trace)
    yield "loads of all stores", xr.DataArray(table.values, {"writer": table["writer"].values}, ("writer", "token"))
    found = of.loads_of_layer(trace, 1)
    yield "loads of a layer/contrast", found.contrast
    yield "loads of a layer/size", found.size
    yield "loads of a layer/squares", found.squares
