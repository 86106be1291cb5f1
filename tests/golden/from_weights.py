"""Numbers that follow from the weights alone: scores and their nulls, spectra, channels, vocabulary maps."""

from collections.abc import Iterator

import numpy as np
import torch
import xarray as xr
from golden import functions as of
from golden.cases import Case
from golden.summary import Result

Named = Iterator[tuple[str, Result]]


def results(case: Case) -> Named:
    """Every result by its id."""
    yield from parameters(case)
    yield from scores(case)
    yield from channels(case)
    yield from vocabulary(case)
    yield from spectra(case)


def parameters(case: Case) -> Named:
    """The model itself: where these differ, no other number can agree."""
    sums = {name: float(t.double().flatten() @ _weights(t.numel())) for name, t in case.model.named()}
    yield "model/parameters", xr.DataArray(list(sums.values()), {"name": list(sums)}, ("name",))
    network = of.wiring(case.model)
    yield (
        "model/wires",
        {"writers": len(network.writers), "readers": len(network.readers), "wires": network.exists.sum()},
    )
    yield "model/who reaches whom", network.exists.astype(float)


def _weights(count: int) -> torch.Tensor:
    return 1.5 + torch.cos(torch.arange(count, dtype=torch.float64))


def scores(case: Case) -> Named:
    """Every variant of the scores; the tails as logarithms, so that small ones count."""
    model, some = case.model, list(case.readers)
    found = of.scores(model, readers=some, null="heads" if not case.is_large else "rotation")
    for name in ("score", "z", "alignment", "relative", *(() if case.is_tiny else ("chance", "ceiling"))):
        yield f"scores/{name}", found[name]
    for name in ("p",) if case.is_tiny else ("p", "q"):
        yield f"scores/log {name}", np.log(found[name].clip(1e-300))
    if "p_heads" in found:
        yield "scores/p among heads", found["p_heads"]
    few = [reader for reader in some if reader != "unembed"] if not case.is_tiny else [f"{case.late}.?", "unembed"]
    for name, how in {
        "norms ignored": {"norms": "ignore"},
        "reversed": {"control": "reversed"},
        "rotated": {"control": "haar", "seed": 1},
        "weighted": {"frequencies": np.arange(model.architecture.vocab) % 7},
        **({"one offset": {"offset": 2}, "three offsets": {"offset": range(1, 4)}} if case.rotary else {}),
    }.items():
        if case.is_large and name in ("reversed", "rotated", "weighted"):
            continue
        found = of.scores(model, readers=few, **how)
        yield f"scores/{name}/alignment", found.alignment
        if not case.is_tiny:
            yield f"scores/{name}/z", found.z
    where = of.scores(model, where=[f"{case.early} -> {case.late}.*", f"embed -> {case.late}.V"])
    yield "scores/where/alignment", where.alignment
    one = of.overlap(model, case.early, f"{case.late}.V")
    yield "overlap/cosines", one.cosines.square()
    yield "overlap/held", {"3": one.held_by(3), "squared": one.squared}


def channels(case: Case) -> Named:
    """Channels of a head, and what is decoded at both ends of one."""
    found = of.channels(case.model, case.early, f"{case.late}.?", top=None if case.is_tiny else 8)
    for name in ("strength", "share", "carried", "alignment", "z"):
        yield f"channels/{name}", found[name]
    at = of.channels(case.model, case.early, f"{case.late}.V", norms="ignore", offset=case.offset)
    yield "channels/norms ignored/carried", at.carried
    for side in "KV":
        ends = of.channel_tokens(case.model, case.early, f"{case.late}.{side}", 1, top=3, offset=case.offset)
        for way, matches in (("stored", ends.stored), ("loaded", ends.loaded)):
            yield f"channel tokens/{side}/{way}", [f"{s}{one.index}" for s, some in matches.items() for one in some]
            values = {f"{sign}{one.index}": one.value for sign, some in matches.items() for one in some}
            yield f"channel tokens/{side}/{way} values", values
        yield f"channel tokens/{side}/agreement", {"agreement": ends.agreement, "strength": ends.strength}


def vocabulary(case: Case) -> Named:
    """Vocabulary maps: which tokens heads copy, move and match."""
    model, k = case.model, (1, 3)
    for norms in ("fold", "ignore"):
        if case.is_large and norms == "ignore":
            continue
        found = of.copying(model, [case.early, case.late], k=k, norms=norms)
        yield (
            f"copying/{norms}",
            {"1": found.accuracy[0], "3": found.accuracy[1], "eigenvalues": found.eigenvalue_score},
        )
    yield "copying/one head", {"eigenvalues": of.copying(model, case.late, k=(1,)).eigenvalue_score}
    found = of.path(model, [case.early, case.late], k=k)
    yield "path", {"accuracy": found.accuracy[0], "eigenvalues": found.eigenvalue_score, "kept": found.kept}
    found = of.moved(model, case.late, top=4, k=3)
    yield "moved/norm", found["norm"].values
    yield "moved/logit", found["logit"].values
    yield "moved/tokens", [str(one) for one in found["token"].values]
    yield "moved/promoted", [str(one) for one in found["promoted"].values.ravel()]
    if case.is_large:
        return
    found = of.key_composition(model, case.late, case.early, k=k, offset=case.offset)
    yield "key composition/accuracy", found.accuracy.values
    found = of.matched(model, case.late, top=6, offset=case.offset)
    yield "matched/score", found["score"].values
    yield "matched/pairs", [f"{q} {k}" for q, k in zip(found["query"].values, found["key"].values, strict=True)]
    if model.W_pos is not None:
        yield "positional QK", of.positional_qk(model, case.early)


def spectra(case: Case) -> Named:
    """Spectra of what the embedding, the positions, a head and an MLP write."""
    sites = [case.early] if case.is_large else ["embed", case.early, *([case.mlp] if case.mlp else [])]
    for site in [*sites, *(["pos"] if case.model.W_pos is not None else [])]:
        found = of.spectrum(case.model, site)
        name = site if site in ("embed", "pos") else "MLP" if site == case.mlp else "head"
        yield f"spectrum/{name}/eigenvalue", found.eigenvalue.values
        low, high = found.attrs["random_band"]
        yield (
            f"spectrum/{name}/participation",
            {"participation": found.attrs["participation_ratio"], "low": low, "high": high},
        )
        if not case.is_tiny:
            yield f"spectrum/{name}/structureless", found.structureless.values
            yield f"spectrum/{name}/directions", found.directions.values
